"""Rated output: what the mature line makes, which "90 % of its rate" refers to."""

from __future__ import annotations

import math
from dataclasses import replace

from cellfab.analytic import estimate
from cellfab.config.line_spec import making_only
from cellfab.line.flow import simulate_line
from cellfab.plant import Plant
from cellfab.replay import Replay
from cellfab.scenario import Scenario
from cellfab.units import SECONDS_PER_WEEK

RATED_WEEKS = 6
"""Weeks over which the output is averaged once the line has filled."""
PILOTS = 24
"""Lots whose cells are drawn: a lot's good cells scatter by 4 %, so their mean is known within 1 %."""


def _mature(scenario: Scenario) -> Scenario:
    return replace(scenario, spec=scenario.spec.model_copy(update={"ramp": None, "conversion": None}))


def rated_output(scenario: Scenario, seed: int) -> dict[str, float]:
    """Good cells per week of the same line once it is mature, by product.

    Simulated, not estimated, so that buffers, crews and breakdowns count: every station at full maturity and pace. The
    line fills first, for the time that a lot spends in work at all stations, rounded up to weeks, and one week more.
    Its lots follow pilots, `PILOTS` lots of each source spread over the run whose cells are drawn one by one. Of
    several lines all are there, whenever they start, and follow the pilots of the first.

    Parameters
    ----------
    scenario : Scenario
        A plant. With a conversion only the new product is rated, and where lines are converted one by one only on
        these; else each product made.
    seed : int
        Names the random numbers.
    """
    spec = scenario.spec
    if spec.conversion is not None:
        products = [spec.conversion.product_to]
    else:
        products = list(dict.fromkeys(product for source in spec.line.sources.values() for product in source.products))
    converted = spec.conversion.lines if spec.conversion is not None else {}
    counted = [name for name in spec.line.sinks if not converted or scenario.layout.line_of.get(name) in converted]
    rated: dict[str, float] = {}
    for product in products:
        line = making_only(spec.line, product)
        mature = _mature(scenario)
        mature = replace(mature, spec=mature.spec.model_copy(update={"line": line}))
        one_line = mature.one_line
        alone = estimate(one_line, product, seed=seed, pilot_lots=1)
        in_work = sum(station.seconds_per_lot for station in alone.stations.values())
        filling = math.ceil(in_work / SECONDS_PER_WEEK) + 1
        weeks = filling + RATED_WEEKS
        run = spec.run.model_copy(update={"horizon_h": 168.0 * weeks, "warmup_h": 168.0 * filling})
        lots = max(PILOTS, round(weeks * alone.stations[alone.bottleneck].lots_per_week))
        pilots = [(2 * number + 1) * lots // (2 * PILOTS) for number in range(PILOTS)]
        physics = Replay(Plant(_mature(one_line), seed, 0), one_line.spec.line, product, pilots, scenario.layout)
        flow = simulate_line(line, run, seed=seed, physics=physics)
        rated[product] = sum(flow.sinks[name].parts.get(product, 0) for name in counted) / RATED_WEEKS
    return rated
