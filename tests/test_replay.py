"""A line on replayed pilots, against the same line whose cells are all drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellfab.core.lot import Lot
from cellfab.line.ahead import MACHINE_FAILURE
from cellfab.line.flow import simulate_line
from cellfab.plant import Plant
from cellfab.replay import Replay
from cellfab.scenario import load_scenario

WEEKS = 4
LOTS = 90
"""More than any source gives in that time."""


SMALL = (
    f"run.horizon_h={168 * WEEKS}",
    "line.stations.wind.parallel=1",
    "line.stations.cathode_dry.parallel=1",
    "line.stations.anode_dry.parallel=1",
    "line.stations.age.params.warm_d=0.5",
    "line.stations.age.params.rest_d=1",
)
"""One winder, short ageing, and ovens one by one, in which no roll overtakes another: cathode k meets anode k."""


@pytest.fixture(scope="module")
def mature():
    scenario = load_scenario("ev_4680_dry", SMALL)
    return replace(scenario, spec=scenario.spec.model_copy(update={"ramp": None}))


@pytest.fixture(scope="module")
def drawn(mature):
    return flow_of(mature, Plant(mature, 1, 0))


def flow_of(scenario, physics):
    return simulate_line(scenario.spec.line, scenario.spec.run, seed=1, physics=physics)


def cells_out(flow):
    return sum(sum(sink.parts.values()) for sink in flow.sinks.values())


def test_with_a_pilot_for_every_lot_the_line_does_exactly_the_same(mature, drawn):
    replayed = flow_of(mature, Replay(Plant(mature, 1, 0), mature.spec.line, "ev_nmc811", range(LOTS)))
    assert max(source.arrivals for source in drawn.sources.values()) <= LOTS
    assert cells_out(drawn) > 100_000
    assert replayed.sinks == drawn.sinks
    assert replayed.events == drawn.events
    for name, station in drawn.stations.items():
        np.testing.assert_array_equal(replayed.stations[name].weekly_ticks, station.weekly_ticks, err_msg=name)


def test_few_pilots_tell_the_output(mature, drawn):
    """Good cells of a lot scatter by 4 %: 9 pilots stand for 28 lots within 4 % sqrt(1/9 + 1/28) = 1.5 %; z < 3."""
    replayed = flow_of(mature, Replay(Plant(mature, 1, 0), mature.spec.line, "ev_nmc811", range(1, LOTS, 11)))
    assert cells_out(replayed) == pytest.approx(cells_out(drawn), rel=3 * 0.015)
    assert replayed.sinks != drawn.sinks


def test_rows_that_a_breakdown_threw_away_stay_away(mature):
    physics = Replay(Plant(mature, 1, 0), mature.spec.line, "ev_nmc811", range(1))
    as_ever, robbed = (_cells(physics, thrown) for thrown in (0, 100))
    assert as_ever.n_alive - 100 <= robbed.n_alive <= as_ever.n_alive - 90  # some of them would have been lost anyway
    assert np.count_nonzero(robbed.exit_code == MACHINE_FAILURE) == 100


def _cells(physics: Replay, thrown: int) -> Lot:
    """A lot after the winder has thrown away its first living rows, and the stations behind have acted."""
    electrodes = [Lot(side, product="ev_nmc811", material=name) for side, name in enumerate(("cathode", "anode"))]
    lot = physics.process("wind", electrodes, 0).lot
    rows = np.flatnonzero(lot.alive())[:thrown]
    lot.scrap(np.isin(np.arange(lot.n), rows), MACHINE_FAILURE)
    done = physics.process("assembly", [lot], 0)
    assert done.exit_machine is not None
    assert (done.exit_machine[rows] == -1).all()
    return done.lot
