"""Key figures of a line. Names are stable and listed in docs/bare-lines.md; ISO 22400-2 names where it has one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cellfab.line.bottlenecks import SHARE, SHIFTING, SOLE
from cellfab.line.result import FlowResult, StationFlow, Times
from cellfab.line.states import BLOCKED, CONVERTING, DOWN, PLANNED, SETUP, STARVED, WAITING_CREW, WORKING
from cellfab.result import Kpi
from cellfab.units import TICKS_PER_H, TICKS_PER_WEEK

_SHARES = {
    "utilisation": WORKING,
    "starved_share": STARVED,
    "blocked_share": BLOCKED,
    "down_share": DOWN,
    "waiting_crew_share": WAITING_CREW,
    "setup_share": SETUP,
    "planned_share": PLANNED,
}


def flow_kpis(result: FlowResult) -> dict[str, Kpi]:
    """All key figures of one replicate, each over the time after the warm-up.

    Parameters
    ----------
    result : FlowResult
        Of `cellfab.line.flow.simulate_line`.

    Returns
    -------
    dict of str to Kpi
        `NAME` for the line, `NAME.WHERE` for a station, buffer, source, sink, product or crew.
    """
    kpis = _line(result)
    for name, station in result.stations.items():
        _add_station(kpis, name, station)
    for name, queue in result.queues.items():
        _add_times(kpis, "wait_", queue.wait, f".{name}")
        kpis[f"queue_mean.{name}"] = Kpi(queue.queue_mean, "lots")
        kpis[f"queue_max.{name}"] = Kpi(float(queue.queue_max), "lots")
        if name not in result.sources:
            kpis[f"level_mean.{name}"] = Kpi(queue.level_mean, queue.unit or "")
            gone = queue.left + queue.expired
            kpis[f"expired_share.{name}"] = Kpi(queue.expired / gone if gone else 0.0, "1")
    for name, source in result.sources.items():
        kpis[f"arrivals.{name}"] = Kpi(float(source.arrivals), "lots")
        kpis[f"lost_share.{name}"] = Kpi(source.lost / source.arrivals if source.arrivals else 0.0, "1")
    for name, crew in result.crews.items():
        kpis[f"crew_utilisation.{name}"] = Kpi(crew.busy_mean / crew.size, "1")
        _add_times(kpis, "crew_wait_", crew.wait, f".{name}")
    return kpis | _shifting(result)


def _line(result: FlowResult) -> dict[str, Kpi]:
    hours = (result.horizon - result.warmup) / TICKS_PER_H
    by_product: dict[str, int] = {}
    for sink in result.sinks.values():
        for product, parts in sink.parts.items():
            by_product[product] = by_product.get(product, 0) + parts
    total = sum(by_product.values())
    lead = result.lead_time
    kpis = {
        "throughput_per_h": Kpi(total / hours, "1/h"),
        "parts_out": Kpi(float(total), "parts"),
        "wip_mean": Kpi(result.wip_mean, "lots"),
    }
    for label, seconds in (("mean", lead.mean_s), ("p50", lead.p50_s), ("p90", lead.p90_s), ("p95", lead.p95_s),
                           ("p99", lead.p99_s)):  # fmt: skip
        kpis[f"lead_time_{label}_h"] = _if_any(seconds / 3600.0, "h", lead.count)
    for name, sink in result.sinks.items():
        kpis[f"throughput_per_h.sink.{name}"] = Kpi(sum(sink.parts.values()) / hours, "1/h")
    for product, parts in sorted(by_product.items()):
        kpis[f"throughput_per_h.product.{product}"] = Kpi(parts / hours, "1/h")
    kpis["bottleneck"] = _bottleneck(result)
    return kpis


def _bottleneck(result: FlowResult) -> Kpi:
    """The station that is least often starved or blocked; storage (dwell) is none. Ties: the first as written."""
    idle = {
        name: (station.state_ticks[STARVED] + station.state_ticks[BLOCKED]) / station.state_ticks.sum()
        for name, station in result.stations.items()
        if station.kind != "dwell" and station.state_ticks.any()
    }
    if not idle:
        return Kpi(None, "", reason="every station is storage")
    return Kpi(min(idle, key=lambda name: idle[name]), "")


def _shifting(result: FlowResult) -> dict[str, Kpi]:
    """The shifting bottleneck, where it has been watched; ties: the first as written."""
    if result.bottlenecks is None:
        return {}
    span = result.horizon - result.warmup
    shares = {name: found.window / span for name, found in result.bottlenecks.items()}
    most = max(shares, key=lambda name: shares[name][SHARE])
    always = Kpi(None, "", reason="every station has always waited for others")
    kpis = {"bottleneck_shifting": Kpi(most, "") if shares[most][SHARE] else always}
    for name, share in shares.items():
        kpis[f"bottleneck_share.{name}"] = Kpi(float(share[SHARE]), "1")
        kpis[f"bottleneck_sole_share.{name}"] = Kpi(float(share[SOLE]), "1")
    return kpis


BOTTLENECKS = ("week", "station", "sole_h", "shifting_h", "bottleneck_h", "share")
"""Columns of `bottleneck_rows`."""


def bottleneck_rows(result: FlowResult) -> Iterator[dict[str, Any]]:
    """Stations that were the shifting bottleneck, by week; those that were not at all are left out.

    `share` is that of the week in which the station was the bottleneck, `bottleneck_h` the hours: alone (`sole_h`), and
    its even part of those in which it was one of several (`shifting_h`).
    """
    for name, found in () if result.bottlenecks is None else result.bottlenecks.items():
        for week, ticks in enumerate(found.weekly):
            if ticks[SHARE]:
                length = min(TICKS_PER_WEEK, result.horizon - week * TICKS_PER_WEEK)
                sole, shifting, share = (float(ticks[column]) / TICKS_PER_H for column in (SOLE, SHIFTING, SHARE))
                yield {
                    "week": week, "station": name, "sole_h": sole, "shifting_h": shifting, "bottleneck_h": share,
                    "share": share * TICKS_PER_H / length,
                }  # fmt: skip


def _add_station(kpis: dict[str, Kpi], name: str, station: StationFlow) -> None:
    ticks = station.state_ticks.astype(float)
    calendar = float(ticks.sum())
    if not calendar:
        for kpi in (*_SHARES, "availability", "oee"):
            kpis[f"{kpi}.{name}"] = Kpi(None, "1", reason="its line has not started")
        return
    for kpi, state in _SHARES.items():
        kpis[f"{kpi}.{name}"] = Kpi(ticks[state] / calendar, "1")
    if ticks[CONVERTING]:
        kpis[f"converting_share.{name}"] = Kpi(ticks[CONVERTING] / calendar, "1")
    busy_time = calendar - ticks[PLANNED] - ticks[CONVERTING]
    if not busy_time:
        kpis[f"availability.{name}"] = Kpi(None, "1", reason="planned off all the time")
        kpis[f"oee.{name}"] = Kpi(None, "1", reason="planned off all the time")
        return
    kpis[f"availability.{name}"] = Kpi(1.0 - (ticks[DOWN] + ticks[WAITING_CREW]) / busy_time, "1")
    made = station.rows_out + station.rows_scrapped
    quality = station.rows_out / made if made else 1.0
    kpis[f"oee.{name}"] = Kpi(ticks[WORKING] / busy_time * station.rate * quality, "1")


def _add_times(kpis: dict[str, Kpi], prefix: str, times: Times, suffix: str) -> None:
    for label, seconds in (("mean", times.mean_s), ("p50", times.p50_s), ("p90", times.p90_s), ("p95", times.p95_s),
                           ("p99", times.p99_s)):  # fmt: skip
        kpis[f"{prefix}{label}_s{suffix}"] = _if_any(seconds, "s", times.count)


def _if_any(value: float, unit: str, count: int) -> Kpi:
    return Kpi(value, unit) if count else Kpi(None, unit, reason="no lot has come through since the warm-up")
