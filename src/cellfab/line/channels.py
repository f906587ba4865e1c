"""The channels station: N positions, each held for a recipe's time by one tray; formation, grading.

A lot takes positions tray by tray as they come free; the next lot is taken when the last tray of the one before has got
got a position and another one is free. A lot is finished when its last tray is. A finished lot that cannot leave blocks
the positions that its trays are still on (`cellfab.kernels.channels`); the others go on taking trays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.kernels.channels import FAILED, Positions, hold_trays, new_positions
from cellfab.kernels.laws import DETERMINISTIC, Law, pack
from cellfab.kernels.lot_durations import durations
from cellfab.kernels.serial_line import (
    BLOCKED,
    CONVERTING,
    DOWN,
    FOREVER,
    PLANNED,
    STARVED,
    WAITING_CREW,
    WORKING,
    Chain,
    Mode,
    Stage,
    build,
)
from cellfab.line.ahead import Ahead, Call, Ints, Passage, planned_stops
from cellfab.line.ahead_station import AheadStation
from cellfab.line.units import Unit
from cellfab.units import TICKS_PER_WEEK, to_ticks

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun

_NO_POOL = np.empty(0)


@dataclass(slots=True, eq=False)
class TrayPassage(Passage):
    """One lot on its way through the positions.

    Attributes
    ----------
    ticks : ndarray of int64, shape (trays,)
        Time that each tray holds its position.
    first_start : int
        Tick at which the first tray takes a position.
    lost : ndarray of int64, shape (trays,)
        1 where a breakdown threw the tray away; true once the lot is out.
    """

    ticks: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    first_start: int = 0
    lost: Ints = field(default_factory=lambda: np.empty(0, np.int64))


class ChannelsFlow(Ahead[TrayPassage]):
    """Positions and the lots on them.

    Parameters
    ----------
    chain : Chain
        One stage with the failure modes and planned stops of a position.
    count : int
        Positions.
    edges : ndarray of int64
        Ticks at which statistics are read, and 0.
    failure_factor : float
        On the first times to failure.
    """

    def __init__(self, chain: Chain, count: int, edges: Ints, failure_factor: float) -> None:
        super().__init__()
        self.chain = chain
        self.edges = edges
        self.positions = new_positions(chain, count, edges, failure_factor)
        self._calls = np.empty((64, 5), np.int64)
        self._scratch = np.empty((3, 0), np.int64)
        self._converting: list[tuple[int, int]] = []
        self._told = np.zeros(8, np.int64)
        self._raw = np.zeros(8, np.int64)
        self._told_at = 0

    def compute(self, passage: TrayPassage) -> None:
        """One call of the recursion."""
        trays = passage.ticks.size
        if self._scratch.shape[1] != trays:
            self._scratch = np.empty((3, trays), np.int64)
        waits = self.listed_waits(4)
        passage.lost = np.zeros(trays, np.int64)
        while True:
            first_start, last_end, open_at, called = hold_trays(
                self.chain, self.positions, self.edges, passage.entered, passage.ticks, *passage.factors[1:], waits,
                self._calls, self._scratch[0], self._scratch[1], passage.lost, self._scratch[2], passage.leaves,
            )  # fmt: skip
            if called <= len(self._calls):
                break
            self._calls = np.empty((2 * called, 5), np.int64)
            self.restore(passage.before)
        passage.calls = ()
        if called:
            told = self._calls[:called].tolist()
            passage.calls = tuple(Call((place, k, number), k, tick, repair) for place, k, number, tick, repair in told)
        passage.first_start, passage.last_out, passage.open_at = first_start, last_end, open_at

    def keeps_place(self, passage: TrayPassage) -> bool:
        """The trays that are left stay on their positions."""
        return not passage.lost.all()

    def shows(self, passage: TrayPassage) -> bool:
        """Only where a tray still has to find a position, or the next lot has to wait for one."""
        return self.passages[-1].open_at > passage.last_out

    def keep(self) -> Positions:
        """A copy of the positions and of the counts."""
        return Positions(*map(np.ndarray.copy, self.positions))

    def restore(self, kept: Positions) -> None:
        """Positions and counts as they were."""
        self.positions = Positions(*map(np.ndarray.copy, kept))

    def clear(self, now: int) -> None:
        """Throw out everything; all positions are free and up from `now` on."""
        if self.passages:
            oldest = self.passages[0].before
            row = int(np.searchsorted(self.edges, now, side="right")) - 1
            if self.edges[row] != now:  # so that what was computed beyond can be taken back
                self.edges = np.insert(self.edges, row + 1, now)
                self.passages[0].before = oldest._replace(counts=np.insert(oldest.counts, row + 1, 0, axis=0))
                row += 1
            self.redo(self.passages[0])
            self.positions.counts[row:] = 0
            self.positions.free[:] = now
            self.positions.kept[:] = FOREVER
            self.positions.place[:] = np.arange(self.positions.place.size)
            self.forget_all()

    # Books.

    def idle_until(self, tick: int, converting_from: int | None = None) -> None:
        """Note that the station has been converted from `converting_from` (or the last reading) to `tick`."""
        if converting_from is not None:
            begin = max(converting_from, self._converting[-1][1] if self._converting else 0, self._told_at)
            if begin < tick:
                self._converting.append((begin, tick))

    def booked(self, tick: int) -> tuple[Ints, int]:
        """Ticks per state of all positions together, shape (8,), and breakdowns, up to `tick`, an edge of a bin."""
        count = self.positions.free.size
        rows = int(np.searchsorted(self.edges, tick))
        counts = self.positions.counts[:rows].sum(axis=0)
        raw = np.array(counts[:8])
        more = raw - self._raw
        converting = [(max(a, self._told_at), min(b, tick)) for a, b in self._converting]
        converted = sum(b - a for a, b in converting)
        planned = self._off_between(self._told_at, tick) - sum(self._off_between(a, b) for a, b in converting)
        rest = count * (tick - self._told_at - planned) - int(more[[WORKING, BLOCKED, DOWN, WAITING_CREW]].sum())
        more[PLANNED] = count * planned
        more[CONVERTING] = min(count * converted, rest)
        more[STARVED] = rest - more[CONVERTING]
        self._told = self._told + more
        self._raw, self._told_at = raw, tick
        self._converting = []
        return self._told, int(counts[FAILED])

    def _off_between(self, start: int, end: int) -> int:
        stops = self.chain.stops[:-1]
        return int(np.maximum(np.minimum(stops[:, 1], end) - np.maximum(stops[:, 0], start), 0).sum())


class ChannelsStation(AheadStation):
    """N positions as one station; each position counts as a unit."""

    __slots__ = ("_occupied", "flow")

    def __init__(self, line: LineRun, name: str, order: int, spec: Any) -> None:
        super().__init__(line, name, order, spec)
        for mode_name, mode in spec.failures.items():
            if mode.clock == "time_dependent":
                message = "only positions that are held can fail, so the clock must be operation_dependent"
                raise ConfigError(f"'{name}', '{mode_name}': {message}")
        self.flow: ChannelsFlow
        self._occupied: Law | None = None if spec.occupied is None else pack(spec.occupied)

    @property
    def unit_count(self) -> int:
        """Positions."""
        return int(self.spec.positions)

    def clocks_of(self, unit: Unit, modes: Any) -> None:
        """The clocks are those of the positions."""

    def start(self) -> None:
        """Lay out the positions."""
        self.ask_pace()
        modes = []
        for k, (mode_name, mode) in enumerate(self.spec.failures.items()):
            if mode.crew is not None:
                self.crews[k] = (self.line.crews[mode.crew], mode.priority, 0)
            modes.append(
                Mode(
                    pack(mode.time_to_failure),
                    pack(mode.time_to_repair),
                    self.line.key(self.name, mode_name, "time_to_failure"),
                    self.line.key(self.name, mode_name, "time_to_repair"),
                    scrap=mode.fate == "scrap",
                    crew=mode.crew is not None,
                )
            )
        horizon = self.line.horizon
        stops = planned_stops(self.timetable, horizon, self.begins)
        nothing = Law(DETERMINISTIC, 0.0, 0.0, 0.0, _NO_POOL)
        chain = build([Stage(nothing, np.uint64(0), modes=modes, stops=stops)])
        edges = {0, self.begins, self.line.warmup, horizon, *range(0, horizon, TICKS_PER_WEEK)}
        bins = np.array(sorted(edges), np.int64)
        self.flow = ChannelsFlow(chain, self.unit_count, bins, self.pace.time_to_failure)
        self.live_from_now()

    def passage_of(self, lot: Lot, rows: int, exits: Ints | None, seconds: float | None) -> TrayPassage:
        """A tray for every `cells_per_tray` rows that came."""
        trays = math.ceil(rows / self.spec.cells_per_tray)
        ticks = np.empty(trays, np.int64)
        if seconds is not None:
            ticks[:] = to_ticks(seconds)
        elif self._occupied is not None:
            key = self.line.key(self.name, "occupied")
            durations(*self._occupied, self.factors()[0], key, lot.identity, ticks)
            self.flow.drawn += trays if self._occupied.law != DETERMINISTIC else 0
        else:
            raise ConfigError(f"channels station '{self.name}': neither `occupied` nor a recipe says how long")
        return TrayPassage(lot.identity, self.line.env.now, self.factors(), ticks=ticks)

    def thrown_rows(self, passage: TrayPassage, lot: Lot) -> npt.NDArray[np.bool_]:
        """The living rows of trays that a breakdown threw away, in the order in which they were put on trays."""
        rows = np.zeros(lot.n, dtype=np.bool_)
        if passage.lost.any():
            alive = np.flatnonzero(lot.alive())
            tray = np.arange(alive.size) // self.spec.cells_per_tray
            rows[alive[passage.lost[tray] == 1]] = True
        return rows

    def spent(self, passage: TrayPassage) -> tuple[int, int]:
        """From the first tray's start to the last one's end."""
        return passage.first_start, passage.last_out
