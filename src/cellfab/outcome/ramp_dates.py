"""When a ramp has arrived: weeks until output and yield are at 90 %, as means over four weeks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from cellfab.outcome.books import ROLLING_WEEKS, Books
from cellfab.outcome.converted import decided_week
from cellfab.replicate import Replicate
from cellfab.result import Kpi
from cellfab.units import TICKS_PER_WEEK

TARGET_SHARE = 0.90
"""The share of rated output, and the line yield, whose week is reported."""
NO_YIELD = "line yield has not reached 90 %"


def ramp_date_kpis(books: Books, replicate: Replicate, rated: Mapping[str, float]) -> dict[str, Kpi]:
    """Weeks until the four-week means reach 90 %: counted from the stop of a conversion, else from the start."""
    plant, conversion = books.plant, replicate.conversion
    start, product = 0.0, next(iter(plant.scenario.spec.products))
    if conversion is not None and conversion.plan is not None:
        start, product = conversion.plan.stop / TICKS_PER_WEEK, conversion.spec.product_to
    first = math.ceil(start)
    reached = None
    if product in rated:
        good = [plant.cells_good.get((week, product), 0) for week in range(books.weeks)]
        reached = first_week_at(good, TARGET_SHARE * rated[product], first)
    missed = "good output has not reached 90 % of the mature line's"
    kpis = {"weeks_to_90pct_rate": weeks_until(reached, start, missed)}
    decided = None if conversion is None else decided_week(conversion)
    if decided is not None:
        kpis["weeks_from_decision_to_90pct_rate"] = weeks_until(reached, decided, missed)
    yields = [books.line_yield(product, week, week) for week in range(books.weeks)]
    reached = first_week_at(yields, TARGET_SHARE, first)
    kpis["weeks_to_90pct_yield"] = weeks_until(reached, start, NO_YIELD)
    return kpis


def weeks_until(reached: int | None, start: float, missed: str) -> Kpi:
    """Weeks from a start to the end of the week in which something was reached; if it was not, the reason."""
    return Kpi.known(None if reached is None else reached + 1 - start, "weeks", missed)


def first_week_at(series: Sequence[float], target: float, first: int) -> int | None:
    """The first week at whose end the mean of the last four weeks is at the target."""
    for week in range(first + ROLLING_WEEKS - 1, len(series)):
        window = series[week - ROLLING_WEEKS + 1 : week + 1]
        if math.fsum(window) / ROLLING_WEEKS >= target:  # false where a week is NaN
            return week
    return None
