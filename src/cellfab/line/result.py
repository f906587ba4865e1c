"""What a simulated line gives back: frozen, aggregated as it came, and never computed again by looking at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellfab.line.bottlenecks import Bottleneck, bottlenecks
from cellfab.line.states import STATES
from cellfab.line.statistics import Tally
from cellfab.units import TICKS_PER_S

if TYPE_CHECKING:
    from cellfab.line.crews import Crew
    from cellfab.line.line_run import LineRun


@dataclass(frozen=True, slots=True)
class Times:
    """Durations seen since the warm-up, in s; quantiles from a sketch, exact within 0.4 %."""

    count: int
    mean_s: float
    p50_s: float
    p90_s: float
    p95_s: float
    p99_s: float
    max_s: float

    @classmethod
    def of(cls, tally: Tally) -> Times:
        """Freeze a tally."""
        p50, p90, p95, p99 = (tally.quantile(share) / TICKS_PER_S for share in (0.50, 0.90, 0.95, 0.99))
        return cls(tally.count, tally.mean / TICKS_PER_S, p50, p90, p95, p99, tally.largest / TICKS_PER_S)


@dataclass(frozen=True, slots=True)
class StationFlow:
    """One station.

    Attributes
    ----------
    kind : str
    units : int
    state_ticks : ndarray of int64, shape (8,)
        Ticks per state (`cellfab.line.states.STATES`) of all units since the warm-up; they sum to units x window.
    weekly_ticks : ndarray of int64, shape (weeks, 8)
        The same per week from the very start; the last week may be short.
    lots_in, lots_out, lots_scrapped : int
        Since the very start; `lots_out` counts what was made of them after splits and merges.
    rows_in, rows_out, rows_scrapped : int
        Living rows (parts) that came, were finished alive, and died here (not by overstaying), since the warm-up.
    failures : int
        Since the warm-up.
    rate : float
        Mean rate factor while working (1 = nominal speed), since the warm-up.
    """

    kind: str
    units: int
    state_ticks: npt.NDArray[np.int64]
    weekly_ticks: npt.NDArray[np.int64]
    lots_in: int
    lots_out: int
    lots_scrapped: int
    rows_in: int
    rows_out: int
    failures: int
    rate: float = 1.0
    rows_scrapped: int = 0


@dataclass(frozen=True, slots=True)
class QueueFlow:
    """A buffer, a dwell station or a source whose lots wait outside; means and counts since the warm-up.

    `level_*` are in the buffer's unit, `queue_*` in lots; `left` counts lots that went on, `expired` those that
    overstayed.
    """

    wait: Times
    queue_mean: float
    queue_max: int
    level_mean: float
    level_max: float
    capacity: float | None
    unit: str | None
    left: int
    expired: int


@dataclass(frozen=True, slots=True)
class SourceFlow:
    """Arrivals since the warm-up, and those of them that were turned away."""

    arrivals: int
    lost: int


@dataclass(frozen=True, slots=True)
class SinkFlow:
    """What left for good, by product: since the warm-up and per week from the very start."""

    parts: Mapping[str, int]
    lots: Mapping[str, int]
    weekly_parts: tuple[Mapping[str, int], ...]
    weekly_lots: tuple[Mapping[str, int], ...]
    lead_time: Times


@dataclass(frozen=True, slots=True)
class CrewFlow:
    """A crew since the warm-up: members, mean number at work, waits of repairs.

    `weekly_ticks` is what its members worked at each station in each week, from the very start.
    """

    size: int
    busy_mean: float
    wait: Times
    weekly_ticks: Mapping[str, Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class FlowResult:
    """One replicate of one line.

    Attributes
    ----------
    seed, replicate : int
    engine : str
        "simpy" or "compiled".
    horizon, warmup : int
        Ticks; statistics cover [warmup, horizon).
    stations, queues, sources, sinks, crews : mappings by name
        `queues` holds buffers, dwell stations and sources whose lots wait.
    lead_time : Times
        From entry into the line to a sink, over all sinks.
    wip_mean : float
        Lots that have come and not yet left, time average.
    lots_entered, lots_finished, lots_scrapped, lots_lost, lots_inside : int
        From the very start to the end.
    lots_made : int
        Lots that splits have made, less those that have gone into merges: entered + made = finished + scrapped + lost
        + inside.
    events, random_draws : int
        Events processed by the engine; durations drawn.
    watched : tuple of int
        Lots inside (those waiting outside included) at the ticks that were to be watched.
    bottlenecks : mapping of str to Bottleneck, or None
        By station, how long it was the shifting bottleneck; None where nobody has watched.
    """

    seed: int
    replicate: int
    engine: str
    horizon: int
    warmup: int
    stations: Mapping[str, StationFlow]
    queues: Mapping[str, QueueFlow]
    sources: Mapping[str, SourceFlow]
    sinks: Mapping[str, SinkFlow]
    crews: Mapping[str, CrewFlow]
    lead_time: Times
    wip_mean: float
    lots_entered: int
    lots_finished: int
    lots_scrapped: int
    lots_lost: int
    lots_inside: int
    events: int
    random_draws: int
    lots_made: int = 0
    watched: tuple[int, ...] = ()
    bottlenecks: Mapping[str, Bottleneck] | None = None


def collect(run: LineRun, *, warmup: int, events: int, watched: Sequence[int] = ()) -> FlowResult:
    """Freeze what a finished run has gathered (statistics flushed up to now)."""
    now = run.now
    lead_time = Tally()
    for sink in run.sinks.values():
        lead_time.merge(sink.lead_time)
    queues = {name: _queue(buffer, now, warmup) for name, buffer in run.buffers.items()}
    for name, station in run.stations.items():
        if station.kind == "dwell":
            queues[name] = _queue(station, now, warmup)
    for name, source in run.sources.items():
        if not source.saturated and source.spec.when_full == "wait":
            mean, largest = source.queue.mean(now), source.queue.largest(now)
            queues[name] = QueueFlow(
                Times.of(source.wait), mean, largest, mean * source.spec.amount, largest * source.spec.amount, None,
                source.spec.unit, source.wait.count, 0,
            )  # fmt: skip
    return FlowResult(
        seed=run.seed,
        replicate=run.replicate,
        engine="simpy",
        horizon=now,
        warmup=warmup,
        stations={
            name: _station([station for station in run.stations.values() if station.name == name])
            for name in run.spec.stations
        },
        queues=queues,
        sources={name: SourceFlow(source.arrivals, source.lost) for name, source in run.sources.items()},
        sinks={
            name: SinkFlow(
                dict(sink.window_parts), dict(sink.window_lots), tuple(sink.parts_by_week), tuple(sink.lots_by_week),
                Times.of(sink.lead_time),
            )
            for name, sink in run.sinks.items()
        },
        crews={
            name: CrewFlow(crew.size, crew.busy.mean(now), Times.of(crew.wait), _weekly_work(run, crew, now))
            for name, crew in run.crews.items()
        },
        lead_time=Times.of(lead_time),
        wip_mean=run.wip.mean(now),
        lots_entered=sum(source.entered for source in run.sources.values()),
        lots_finished=run.lots_finished,
        lots_scrapped=run.lots_thrown_away,
        lots_lost=sum(source.lost_in_all for source in run.sources.values()),
        lots_inside=run.wip.value,
        events=events,
        random_draws=run.random_draws,
        lots_made=sum(node.made - node.merged for node in run.nodes.values()),
        watched=tuple(watched),
        bottlenecks=bottlenecks(run),
    )  # fmt: skip


def _weekly_work(run: LineRun, crew: Crew, now: int) -> dict[str, dict[int, int]]:
    """Ticks that members of a crew worked, by station and week; a station of several parts is one."""
    names = {station.order: station.name for station in run.stations.values()}
    found: dict[str, dict[int, int]] = {}
    for order, work in sorted(crew.work.items()):
        weeks = found.setdefault(names[order], {})
        for week, ticks in work.by_week(now).items():
            weeks[week] = weeks.get(week, 0) + ticks
    return found


def _station(places: Sequence[Any]) -> StationFlow:
    """Of a station: one place, or the places of one name (chains side by side)."""
    worked = sum(place.worked for place in places)
    return StationFlow(
        kind=places[0].kind,
        units=sum(place.unit_count for place in places),
        state_ticks=np.sum([place.book.window for place in places], axis=0, dtype=np.int64),
        weekly_ticks=np.sum([place.book.weeks for place in places], axis=0, dtype=np.int64).reshape(-1, len(STATES)),
        lots_in=sum(place.entered for place in places),
        lots_out=sum(place.left for place in places),
        lots_scrapped=sum(place.scrapped for place in places),
        rows_in=sum(place.rows_in for place in places),
        rows_out=sum(place.rows_out for place in places),
        failures=sum(place.failures for place in places),
        rows_scrapped=sum(place.rows_scrapped for place in places),
        rate=sum(place.nominal for place in places) / worked if worked else 1.0,
    )


def _queue(store: Any, now: int, warmup: int) -> QueueFlow:
    span = now - warmup
    level_area = store.level_area + store.level * (now - store.level_since)
    level_largest = max(store.level_largest, store.level) if now > store.level_since else store.level_largest
    return QueueFlow(
        Times.of(store.wait), store.queue.mean(now), store.queue.largest(now), level_area / span, level_largest,
        store.capacity, store.unit or store.lot_unit, store.wait.count, store.expired,
    )  # fmt: skip
