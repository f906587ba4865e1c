"""What one finished replicate was week by week, as curves."""

from __future__ import annotations

from typing import NamedTuple

from cellfab.line.result import FlowResult
from cellfab.outcome.books import Books
from cellfab.outcome.flow import hours_of_week
from cellfab.units import TICKS_PER_WEEK

CURVES = {
    "cells_per_min": "1/min",
    "line_yield": "1",
    "good_energy_mwh": "MWh",
    "cost_usd_per_kwh": "USD/kWh",
    "cash_cost_usd_per_kwh": "USD/kWh",
}
"""Curves of a plant, columns of `RunResult.weekly`, and their units."""


class WeeklyCurve(NamedTuple):
    """A figure by week, from week 0 on; NaN in a week that has none."""

    unit: str
    values: tuple[float, ...]


def plant_curves(books: Books) -> dict[str, WeeklyCurve]:
    """What a plant was week by week."""
    rows = list(books.weekly())
    return {name: WeeklyCurve(unit, tuple(float(row[name]) for row in rows)) for name, unit in CURVES.items()}


def line_curves(flow: FlowResult) -> dict[str, WeeklyCurve]:
    """What a bare line was week by week: parts that left it, per hour."""
    weeks = range(-(-flow.horizon // TICKS_PER_WEEK))
    parts = [sum(sum(sink.weekly_parts[week].values()) for sink in flow.sinks.values()) for week in weeks]
    rates = tuple(parts[week] / hours_of_week(flow, week) for week in weeks)
    return {"throughput_per_h": WeeklyCurve("1/h", rates)}
