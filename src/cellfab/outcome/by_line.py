"""Figures of each line of a plant that has several, and the line of every station."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from cellfab.line_counts import Key
from cellfab.outcome.books import ROLLING_WEEKS, Books
from cellfab.outcome.ramp_dates import NO_YIELD, TARGET_SHARE, first_week_at, weeks_until
from cellfab.result import Kpi
from cellfab.scenario import Scenario

LINES = (
    "week", "line", "weeks_since_start", "cells_started", "cells_good", "cells_unsold", "cells_scrapped", "line_yield",
    "good_energy_mwh",
)  # fmt: skip
"""Columns of `RunResult.lines`, after `replicate`."""
STATIONS = ("station", "line", "written")
"""Columns of `RunResult.stations`, after `replicate`."""


def line_rows(books: Books) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.lines`: weeks before a line's start are left out."""
    plant, layout = books.plant, books.plant.scenario.layout
    counts = plant.by_line
    for week in range(books.weeks):
        for line in layout.lines:
            since = week - int(layout.start_weeks[line])
            if since < 0:
                continue
            yield {
                "week": week,
                "line": line,
                "weeks_since_start": since,
                "cells_started": _of(counts.started, line, week),
                "cells_good": _of(counts.good, line, week),
                "cells_unsold": _of(counts.unsold, line, week),
                "cells_scrapped": _of(counts.scrapped, line, week),
                "line_yield": books.line_yield(_most_made(counts.started, line, week), week, week, line),
                "good_energy_mwh": _of(counts.good_kwh, line, week) / 1e3,
            }


def station_rows(scenario: Scenario) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.stations`: the line of every station ("" if it is shared), and its name under `line`."""
    layout = scenario.layout
    for name in scenario.spec.line.stations:
        yield {"station": name, "line": layout.line_of.get(name, ""), "written": layout.written[name]}


def kpis_by_line(books: Books, rated: Mapping[str, float], stops: Mapping[str, float]) -> dict[str, Kpi]:
    """Key figures NAME.line.LINE; dates are counted from the line's own start, or from its stop where it is converted.

    Parameters
    ----------
    books : Books
    rated : mapping of str to float
        Mature good output of the whole plant by product (of all lines that are converted, where some are), cells per
        week; lines have equal shares of it.
    stops : mapping of str to float
        Week in which a line stopped to be converted: what it reaches is of the new product, and counted from there.
    """
    plant, layout = books.plant, books.plant.scenario.layout
    conversion = plant.scenario.spec.conversion
    of_lines = len(layout.lines) if conversion is None else len(conversion.lines or layout.lines)
    counts = plant.by_line
    kpis: dict[str, Kpi] = {}
    for line in layout.lines:
        good, started = _of(counts.good, line), _of(counts.started, line)
        gone = good + _of(counts.unsold, line) + _of(counts.scrapped, line)
        nothing = "its line has not started" if layout.start_weeks[line] >= books.weeks else "no cell has left the line"
        kpis[f"good_energy_mwh.line.{line}"] = Kpi(_of(counts.good_kwh, line) / 1e3, "MWh")
        kpis[f"final_yield.line.{line}"] = Kpi.ratio(good + _of(counts.unsold, line), gone, "1", nothing)
        if conversion is not None and line in stops:
            since, product = stops[line], conversion.product_to
        else:
            since, product = layout.start_weeks[line], _most_made(counts.started, line)
        first, weeks = math.ceil(since), range(books.weeks)
        yields = [books.line_yield(product, week, week, line) if started else math.nan for week in weeks]
        begun = [value for value in yields[first:] if not math.isnan(value)][:ROLLING_WEEKS]
        kpis[f"opening_yield.line.{line}"] = Kpi.ratio(math.fsum(begun), len(begun), "1", nothing)
        known = [value for name, value in plant.opening_maturity.items() if layout.line_of[name] == line]
        if known:
            kpis[f"opening_maturity.line.{line}"] = Kpi(math.fsum(known) / len(known), "1")
        reached = first_week_at(yields, TARGET_SHARE, first)
        kpis[f"weeks_to_90pct_yield.line.{line}"] = weeks_until(reached, since, NO_YIELD)
        if product in rated:
            output = [float(counts.good.get(Key(week, line, product), 0)) for week in weeks]
            reached = first_week_at(output, TARGET_SHARE * rated[product] / of_lines, first)
            missed = "good output has not reached 90 % of the line's share of the mature one"
        else:
            reached = None
            missed = f"what a mature line makes of '{product}' has not been found out" if product else nothing
        kpis[f"weeks_to_90pct_rate.line.{line}"] = weeks_until(reached, since, missed)
    return kpis


def _of(counts: Mapping[Key, float], line: str, week: int | None = None) -> Any:
    return sum(number for key, number in counts.items() if key.line == line and week in (None, key.week))


def _most_made(started: Mapping[Key, int], line: str, week: int | None = None) -> str:
    made: dict[str, int] = {}
    for key, number in started.items():
        if key.line == line and week in (None, key.week):
            made[key.product] = made.get(key.product, 0) + number
    return max(made, key=lambda product: made[product]) if made else ""
