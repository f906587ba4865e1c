"""The flow of a finished line as rows: states of its stations, and levels of its buffers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from cellfab.line.result import FlowResult
from cellfab.line.states import STATES as STATION_STATES
from cellfab.units import TICKS_PER_H, TICKS_PER_WEEK

STATES = ("week", "station", "state", "hours")
BUFFERS = ("buffer", "unit", "capacity", "mean", "maximum", "wait_mean_s", "wait_p95_s")
OUTPUT = ("week", "product", "parts", "per_h")
"""Columns of `RunResult.states`, `RunResult.buffers` and `RunResult.output`, after `replicate`."""


def state_rows(flow: FlowResult) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.states`."""
    for name, station in flow.stations.items():
        for week, ticks in enumerate(station.weekly_ticks):
            for state, spent in zip(STATION_STATES, ticks, strict=True):
                if spent:
                    yield {"week": week, "station": name, "state": state, "hours": float(spent) / TICKS_PER_H}


def hours_of_week(flow: FlowResult, week: int) -> float:
    """Hours of a week that are simulated."""
    return (min(flow.horizon, (week + 1) * TICKS_PER_WEEK) - week * TICKS_PER_WEEK) / TICKS_PER_H


def output_rows(flow: FlowResult) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.output`: each product that ever came out, in every week."""
    sinks = list(flow.sinks.values())
    weeks = range(-(-flow.horizon // TICKS_PER_WEEK))
    products = sorted({product for sink in sinks for made in sink.weekly_parts for product in made})
    for week in weeks:
        for product in products:
            parts = sum(sink.weekly_parts[week].get(product, 0) for sink in sinks)
            yield {"week": week, "product": product, "parts": parts, "per_h": parts / hours_of_week(flow, week)}


def buffer_rows(flow: FlowResult) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.buffers`."""
    for name, queue in flow.queues.items():
        yield {
            "buffer": name,
            "unit": queue.unit or "lots",
            "capacity": math.nan if queue.capacity is None else queue.capacity,
            "mean": queue.level_mean,
            "maximum": float(queue.level_max),
            "wait_mean_s": queue.wait.mean_s,
            "wait_p95_s": queue.wait.p95_s,
        }
