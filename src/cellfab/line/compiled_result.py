"""From the counts of the flow kernels to the result of a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellfab.config.line_spec import Line
from cellfab.kernels.laws import DETERMINISTIC
from cellfab.kernels.serial_line import (
    AREA,
    CAME,
    COUNT,
    FAILED,
    LONGEST,
    MADE,
    MOST,
    OPEN,
    STARTED,
    THROWN,
    TOTAL,
    TURNED_AWAY,
    TURNED_AWAY_EVER,
    UNITS,
    WENT_ON,
    Chain,
    Tally,
)
from cellfab.kernels.sketch import quantile
from cellfab.line.compiled_engines import EventEngine, RecursionEngine
from cellfab.line.result import FlowResult, QueueFlow, SinkFlow, SourceFlow, StationFlow, Times
from cellfab.units import TICKS_PER_S, TICKS_PER_WEEK

if TYPE_CHECKING:
    from cellfab.line.compiled import Route


def freeze(
    line: Line,
    route: Route,
    chain: Chain,
    tally: Tally,
    engine: RecursionEngine | EventEngine,
    *,
    seed: int,
    replicate: int,
    horizon: int,
    warmup: int,
    arrival_draws: int,
    watched: tuple[int, ...] = (),
) -> FlowResult:
    """The same figures that `cellfab.line.result.collect` reads from a line run by SimPy."""
    stages = len(route.stations)
    span = horizon - warmup
    source = line.sources[route.source]
    product = next(iter(source.products))
    ever = tally.parts[:-1].sum(axis=0)
    in_window = (tally.edges[:-2] >= warmup) & (tally.edges[:-2] < horizon)
    made = tally.parts[:-1][in_window].sum(axis=0)
    weeks = _by_week(tally, tally.ticks[:-1], horizon)
    out_by_week = _by_week(tally, tally.parts[:-1, -1:, WENT_ON], horizon)[:, 0]

    stations = {}
    for m, name in enumerate(route.stations):
        stations[name] = StationFlow(
            kind=line.stations[name].kind,
            units=int(chain.stage[m, UNITS]),
            state_ticks=tally.ticks[:-1, m][in_window].sum(axis=0),
            weekly_ticks=weeks[:, m],
            lots_in=int(ever[m, STARTED]),
            lots_out=int(ever[m, WENT_ON]),
            lots_scrapped=int(ever[m, THROWN]),
            rows_in=int(made[m, STARTED]),
            rows_out=int(made[m, MADE]),
            failures=int(made[m, FAILED]),
            rows_scrapped=int(made[m, THROWN]),
        )
    queues = {}
    for name, buffer in line.buffers.items():
        row = route.buffers.index(name)
        queues[name] = _queue(tally, row, span, buffer.capacity, buffer.unit or source.unit)
    at_hand = source.interarrival is None
    if not at_hand and source.when_full == "wait":
        queues[route.source] = _queue(tally, stages, span, None, source.unit)
    arrivals = int(tally.gate[CAME])
    lost = int(tally.gate[TURNED_AWAY_EVER])
    entered = engine.let_in if at_hand else engine.came
    finished, scrapped = int(ever[-1, WENT_ON]), int(ever[:, THROWN].sum())
    sink = SinkFlow(
        parts={product: int(made[-1, WENT_ON])} if made[-1, WENT_ON] else {},
        lots={product: int(made[-1, WENT_ON])} if made[-1, WENT_ON] else {},
        weekly_parts=tuple({product: int(n)} if n else {} for n in out_by_week),
        weekly_lots=tuple({product: int(n)} if n else {} for n in out_by_week),
        lead_time=_times(tally, stages + 1),
    )
    drawn_cycles = sum(int(ever[m, STARTED]) for m in range(stages) if chain.law[m] != DETERMINISTIC)
    return FlowResult(
        seed=seed,
        replicate=replicate,
        engine="compiled",
        horizon=horizon,
        warmup=warmup,
        stations={name: stations[name] for name in line.stations},
        queues=queues,
        sources={route.source: SourceFlow(arrivals, int(tally.gate[TURNED_AWAY]))},
        sinks={route.sink: sink},
        crews={},
        lead_time=sink.lead_time,
        wip_mean=int(tally.stays[stages + 1, AREA]) / span,
        lots_entered=entered,
        lots_finished=finished,
        lots_scrapped=scrapped,
        lots_lost=lost,
        lots_inside=entered - finished - scrapped - lost,
        events=int(ever[:, [STARTED, MADE]].sum() + 2 * ever[:, FAILED].sum()) + engine.came,
        random_draws=arrival_draws + drawn_cycles + 2 * int(ever[:, FAILED].sum()) + len(chain.mode),
        watched=watched,
    )


def _by_week(tally: Tally, rows: np.ndarray, horizon: int) -> np.ndarray:
    """Sums of the rows of the tally that belong to each week, the last one perhaps short."""
    week = tally.edges[:-2] // TICKS_PER_WEEK
    summed = np.zeros((-(-horizon // TICKS_PER_WEEK), *rows.shape[1:]), np.int64)
    np.add.at(summed, week[tally.edges[:-2] < horizon], rows[: np.count_nonzero(tally.edges[:-2] < horizon)])
    return summed


def _times(tally: Tally, row: int) -> Times:
    stays = tally.stays[row]
    count = int(stays[COUNT])
    summed, largest = int(stays[TOTAL]), int(stays[LONGEST])
    p50, p90, p95, p99 = (
        quantile(tally.sketch[row], share, summed, largest) / TICKS_PER_S for share in (0.50, 0.90, 0.95, 0.99)
    )
    mean = summed / count if count else 0.0
    return Times(count, mean / TICKS_PER_S, p50, p90, p95, p99, largest / TICKS_PER_S)


def _queue(tally: Tally, row: int, span: int, capacity: float | None, unit: str | None) -> QueueFlow:
    mean = int(tally.stays[row, AREA]) / span
    largest = int(max(tally.stays[row, MOST], tally.stays[row, OPEN]))
    wait = _times(tally, row)
    return QueueFlow(wait, mean, largest, mean, float(largest), capacity, unit, wait.count, 0)
