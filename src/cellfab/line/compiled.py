"""A whole bare line run in compiled code, where its route is a chain of stations: the same result as from SimPy.

The same named draws and the same rules at equal ticks make the same moves, so every figure agrees except how many
events and draws it took. `why_not` says what keeps a line from being run this way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from cellfab.config.line_spec import Buffer, FailureMode, Line, SerialStation, Source
from cellfab.errors import InvariantError
from cellfab.kernels.laws import DETERMINISTIC, pack
from cellfab.kernels.lot_durations import durations_from
from cellfab.kernels.random import stream_key
from cellfab.kernels.serial_line import (
    AT_HAND,
    LOSE,
    STARTED,
    THROWN,
    TIME_DEPENDENT,
    UNITS,
    WAIT,
    WENT_ON,
    Chain,
    Mode,
    Stage,
    Tally,
    build,
    new_tally,
)
from cellfab.line.ahead import Ints, planned_stops
from cellfab.line.clock import Timetable
from cellfab.line.compiled_engines import EventEngine, RecursionEngine
from cellfab.line.compiled_result import freeze
from cellfab.line.result import FlowResult
from cellfab.units import TICKS_PER_WEEK

CHUNK = 4096
"""Lots made known to the kernels at a time."""
ENDLESS = 1 << 62
LARGEST_BUFFER = 1_000_000
"""Parts: each place of a buffer with a limit takes memory from the start."""


class Route(NamedTuple):
    """The places of a line in the order in which every lot passes them; `buffers[i]` lies before `stations[i]`."""

    source: str
    buffers: tuple[str | None, ...]
    stations: tuple[str, ...]
    sink: str


def why_not(line: Line) -> str | None:
    """What keeps the compiled engine from running `line`; None if nothing does."""
    route = _route(line)
    if isinstance(route, str):
        return route
    source = line.sources[route.source]
    if source.parts_per_lot != 1 or source.amount != 1.0:
        return f"lots of '{route.source}' are not single parts"
    if len(source.products) > 1:
        return f"'{route.source}' makes several products"
    for name in route.stations:
        reason = _station_problem(name, line)
        if reason:
            return reason
    for queue in route.buffers:
        reason = None if queue is None else _buffer_problem(queue, line.buffers[queue], source)
        if reason:
            return reason
    first = route.buffers[0]
    if source.interarrival is None and first is not None and line.buffers[first].capacity is None:
        return f"'{route.source}' always has a lot at hand for '{first}', which has no limit"
    return None


def countable(line: Line) -> bool:
    """Whether the lots inside can be counted at any moment of a compiled run: all that come are known to be let in."""
    route = _route(line)
    assert isinstance(route, Route)
    source = line.sources[route.source]
    return route.buffers[0] is None if source.interarrival is None else source.when_full == "wait"


def _route(line: Line) -> Route | str:
    """The chain of places, or why there is none."""
    if len(line.sources) != 1 or len(line.sinks) != 1:
        return "it has several sources or sinks"
    feeds: dict[str, str] = {}
    for name, node in (*line.stations.items(), *line.buffers.items(), *line.sinks.items()):
        if isinstance(node.feed, dict) or (not isinstance(node.feed, str) and len(node.feed) != 1):
            return f"'{name}' is fed from several places"
        feeds[name] = node.feed if isinstance(node.feed, str) else node.feed[0]
    if len(set(feeds.values())) < len(feeds):
        return "some place feeds several others"
    sink = next(iter(line.sinks))
    place = feeds[sink]
    stations: list[str] = []
    buffers: list[str | None] = []
    if place in line.buffers:
        return f"a buffer ('{place}') lies before the sink"
    while place not in line.sources:
        if place in line.stations:
            stations.append(place)
            buffers.append(None)
        elif buffers and buffers[-1] is None:
            buffers[-1] = place
        else:
            return f"'{place}' is a buffer before a buffer"
        place = feeds[place]
    if len(stations) + sum(buffer is not None for buffer in buffers) != len(line.stations) + len(line.buffers):
        return "not every place is on one route"
    return Route(place, tuple(reversed(buffers)), tuple(reversed(stations)), sink)


def _station_problem(name: str, line: Line) -> str | None:
    station = line.stations[name]
    if not isinstance(station, SerialStation) or station.cycle is None:
        return f"'{name}' is not a single serial machine"
    if station.changeover is not None:
        return f"'{name}' has changeovers"
    if station.output.lots != 1 or station.output.unit is not None or station.output.amount is not None:
        return f"'{name}' changes what a lot is"
    if station.step is not None:
        return f"'{name}' has a step"
    if any(mode.crew is not None for mode in station.failures.values()):
        return f"'{name}' needs a crew"
    return None


def _buffer_problem(name: str, buffer: Buffer, source: Source) -> str | None:
    if buffer.order != "fifo":
        return f"'{name}' is a priority queue"
    if buffer.minimum_wait_h or buffer.maximum_wait_h is not None:
        return f"'{name}' has a shortest or longest wait"
    if buffer.unit not in (None, "parts", "lots") or source.unit != "parts":
        return f"'{name}' does not count parts"
    if buffer.capacity is not None and buffer.capacity != int(buffer.capacity):
        return f"the capacity of '{name}' is not a whole number of parts"
    if buffer.capacity is not None and buffer.capacity > LARGEST_BUFFER:
        return f"the capacity of '{name}' is above {LARGEST_BUFFER:,} parts".replace(",", " ")
    return None


def run_compiled(
    line: Line,
    *,
    seed: int,
    replicate: int,
    horizon: int,
    warmup: int,
    progress: Callable[[int], None] | None = None,
    watch: Sequence[int] = (),
) -> FlowResult:
    """Run one replicate of a line for which `why_not` finds nothing.

    Parameters
    ----------
    line : Line
    seed, replicate : int
        Name the random numbers.
    horizon, warmup : int
        Ticks.
    progress : callable, optional
        Called with a tick reached, now and then.
    watch : sequence of int, optional
        Ticks at which the lots inside are counted; the line must be `countable`.

    Raises
    ------
    InvariantError
        If a conservation law does not hold: a defect of cellfab.
    """
    route = _route(line)
    assert isinstance(route, Route)
    source = line.sources[route.source]
    chain = build([_stage(line, route, i, seed, replicate, horizon) for i in range(len(route.stations))])
    tally = new_tally(chain, [*range(0, horizon, TICKS_PER_WEEK), horizon, *watch], (warmup, horizon))
    manner = AT_HAND if source.interarrival is None else LOSE if source.when_full == "lost" else WAIT
    simple = not chain.mode[:, TIME_DEPENDENT].any() and (chain.stage[:, UNITS] == 1).all()
    engine: RecursionEngine | EventEngine
    engine = (RecursionEngine if simple else EventEngine)(chain, tally, manner, horizon)
    arrivals = Arrivals(source, route.source, seed, replicate, needs_names=bool((chain.fixed_s < 0.0).any()))
    came = np.zeros(len(watch), np.int64)
    while True:
        entity, ready = arrivals.take(CHUNK)
        came += np.searchsorted(ready, watch)
        reached = engine.pass_on(entity, ready, last=arrivals.exhausted)
        if progress is not None:
            progress(min(reached, horizon))
        if reached >= horizon or arrivals.exhausted:
            break
    engine.close()
    _check(chain, tally, route, horizon)
    return freeze(
        line, route, chain, tally, engine, seed=seed, replicate=replicate, horizon=horizon, warmup=warmup,
        arrival_draws=arrivals.drawn, watched=_inside(tally, came, watch, at_hand=manner == AT_HAND),
    )  # fmt: skip


def _stage(line: Line, route: Route, index: int, seed: int, replicate: int, horizon: int) -> Stage:
    name, buffer = route.stations[index], route.buffers[index]
    station = line.stations[name]
    assert isinstance(station, SerialStation)
    assert station.cycle is not None
    capacity = 0
    if buffer is not None:
        limit = line.buffers[buffer].capacity
        capacity = -1 if limit is None else int(limit)
    calendar = None if station.calendar is None else line.calendars[station.calendar]
    timetable = Timetable(calendar, station.maintenance.values())

    def mode(mode_name: str, failure: FailureMode) -> Mode:
        return Mode(
            pack(failure.time_to_failure),
            pack(failure.time_to_repair),
            stream_key(seed, replicate, name, mode_name, "time_to_failure"),
            stream_key(seed, replicate, name, mode_name, "time_to_repair"),
            time_dependent=failure.clock == "time_dependent",
            scrap=failure.fate == "scrap",
        )

    return Stage(
        pack(station.cycle),
        stream_key(seed, replicate, name, "cycle"),
        capacity,
        station.parallel,
        [mode(*item) for item in station.failures.items()],
        planned_stops(None if timetable.always_on else timetable, horizon),
    )


class Arrivals:
    """Lots as a source makes them: when each comes, and by what name its draws go.

    Attributes
    ----------
    drawn : int
        Times between arrivals drawn.
    exhausted : bool
        All lots of the source have been taken.
    """

    def __init__(self, source: Source, name: str, seed: int, replicate: int, *, needs_names: bool) -> None:
        self.drawn = 0
        self._left = ENDLESS if source.lots is None else source.lots
        self._law = None if source.interarrival is None else pack(source.interarrival)
        self._key = stream_key(seed, replicate, name, "interarrival")
        self._prefix = blake2b(f"{name}\x1f".encode(), digest_size=8) if needs_names else None
        self._ordinal = 0
        self._tick = 0

    @property
    def exhausted(self) -> bool:
        """All lots of the source have been taken."""
        return self._left == 0

    def take(self, most: int) -> tuple[Ints, Ints]:
        """Identities and ticks of arrival of the next lots, at most so many."""
        n = min(most, self._left)
        ready = np.zeros(n, np.int64)
        if self._law is not None:
            durations_from(*self._law, 1.0, self._key, 0, self._ordinal, ready)
            beyond = np.cumsum(ready, dtype=np.float64) + self._tick > ENDLESS // 2
            ready = self._tick + np.cumsum(ready)
            ready[beyond] = ENDLESS // 2  # long after any horizon; the sum itself may not fit into 64 bits
            self._tick = int(ready[-1])
            self.drawn += n if self._law.law != DETERMINISTIC else 0
        entity = np.zeros(n, np.int64)
        if self._prefix is not None:
            # What `cellfab.core.lot.lineage` makes of (source, ordinal), at a third of the price.
            for i in range(n):
                digest = self._prefix.copy()
                digest.update(b"%d" % (self._ordinal + i))
                entity[i] = int.from_bytes(digest.digest(), "little") >> 1
        self._ordinal += n
        self._left -= n
        return entity, ready


def _inside(tally: Tally, came: Ints, watch: Sequence[int], *, at_hand: bool) -> tuple[int, ...]:
    """Lots inside at the ticks of `watch`, where `came` had come before them."""
    parts = np.concatenate([np.zeros((1, *tally.parts.shape[1:]), np.int64), tally.parts.cumsum(axis=0)])
    before = parts[np.searchsorted(tally.edges, watch)]
    if at_hand:
        came = before[:, 0, STARTED]
    inside: Ints = came - before[:, -1, WENT_ON] - before[:, :, THROWN].sum(axis=1)
    return tuple(inside.tolist())


def _check(chain: Chain, tally: Tally, route: Route, horizon: int) -> None:
    """Every unit is in one state at each instant, and every lot is somewhere."""
    booked = tally.ticks[:-1].sum(axis=(0, 2))
    parts = tally.parts[:-1].sum(axis=0)
    for m, name in enumerate(route.stations):
        units = chain.stage[m, UNITS]
        if booked[m] != units * horizon or tally.ticks.min() < 0:
            raise InvariantError(
                f"'{name}': {units} units x {horizon} ticks, but {booked[m]} ticks are booked to states"
            )
        inside = parts[m, STARTED] - parts[m, WENT_ON] - parts[m, THROWN]
        if not 0 <= inside <= units:
            raise InvariantError(f"'{name}': {inside} lots are inside {units} units")
