"""What happens inside a chain of machines whose failure clocks also run while they wait: the event scan, kept in step.

Here time runs forward, so nothing needs to be assumed: the chain is advanced to the present tick whenever somebody acts
on it, and a copy of it is advanced further to learn when it next needs somebody. Twice the work of one scan, and exact.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from cellfab.kernels import serial_floor as floors
from cellfab.kernels.serial_events import advance
from cellfab.kernels.serial_floor import ADMITTING, CALL, COMPLETE, INPUT, LOST, SILENT, UNTIL
from cellfab.kernels.serial_line import AT_HAND, CONVERTING, FAILED, MODE, STARVED, Chain, Tally, draw
from cellfab.kernels.serial_units import start_repair
from cellfab.line.ahead import NEVER, Call, Entrance, Ints, Lost
from cellfab.line.chain_flow import ChainPassage, copy_tally

_NO_LOG = np.empty((0, 0, 0), np.int64)


class ChainScan:
    """A chain of machines and the lots in it; answers like `cellfab.line.chain_flow.ChainFlow`.

    Parameters
    ----------
    chain : Chain
    tally : Tally
        Its bins end where statistics are read.
    failure_factor : float
        On the first times to failure.
    """

    def __init__(self, chain: Chain, tally: Tally, failure_factor: float) -> None:
        self.chain = chain
        self.tally = tally
        self.floor = floors.new_floor(chain, tally, 1024, failure_factor)
        self.passages: deque[ChainPassage] = deque()
        self.drawn = 0
        self._end = int(tally.edges[-2])
        self._factors = (1.0, failure_factor, 1.0)
        self._happened: deque[Call | Entrance | ChainPassage | Lost] = deque()
        self._offered: ChainPassage | None = None
        self._expecting = False
        self._first: dict[int, int] = {}
        self._thrown: dict[int, int] = {}
        self._due: int | None = None
        self._converted: list[tuple[int, int]] = []

    @property
    def inside(self) -> list[ChainPassage]:
        """Lots that are not out yet, oldest first."""
        return list(self.passages)

    @property
    def held_up(self) -> bool:
        """Whether a finished part is still in the last machine (parts that wait for the outlet do not show here)."""
        return self._offered is not None

    @property
    def busy(self) -> bool:
        """Whether a lot is inside, or no lot can be taken yet."""
        return bool(self.passages) or self._expecting

    def admits(self, now: int) -> bool:
        """Whether the first machine is still able to take a part; if not, it is told again when it is."""
        self._go_to(now)
        self._expecting = self.floor.stage[0, floors.FREE] == 0
        if self._expecting:
            self._due = None
        return not self._expecting

    def due(self) -> int:
        """Tick of the next thing to happen; NEVER if nothing will."""
        if self._happened:
            return int(self.floor.now[floors.NOW])
        if self._due is None:
            floor = floors.snapshot(self.floor)
            reason, _ = self._advance(floor, copy_tally(self.tally), self._end)
            self._due = NEVER if reason == UNTIL else int(floor.now[floors.NOW])
        return self._due

    def step(self, now: int) -> Call | Entrance | ChainPassage | Lost | None:
        """One thing that has happened by tick `now`; None when there is nothing left."""
        if not self._happened:
            self._go_to(now, once=True)
        return self._happened.popleft() if self._happened else None

    def enter(self, passage: ChainPassage) -> None:
        """Take a lot in."""
        self._go_to(passage.entered)
        rows = passage.exits.size
        exits = passage.exits
        if passage.is_one_part:
            exits = np.where(exits == len(self.chain.stage), exits + 1, exits)
        self._factors = passage.factors
        self._first[id(passage)] = int(self.floor.now[floors.FED])
        self.floor = floors.feed(
            self.chain, self.floor, passage.entity, np.arange(rows), exits, passage.entered, AT_HAND, lot=True
        )
        passage.thrown_at = np.full(rows, -1, np.int64)
        self.passages.append(passage)
        self._expecting = True
        self.drawn += rows * len(self.chain.stage)
        self._due = None

    def crew_came(self, call: Call, now: int) -> None:
        """The repair begins."""
        self._go_to(now)
        unit = call.breakdown[0]
        if self.floor.unit[unit, floors.CONDITION] == floors.WAITS:
            start_repair(self.chain, self.floor, self.tally, unit, self._factors[2])
            self._due = None

    def leave(self, passage: ChainPassage, now: int) -> None:
        """A finished lot is gone, from wherever it was."""
        if passage is self._offered:
            self._offered = None
            self.outlet_taken(now, occupied=False)

    def outlet_taken(self, now: int, occupied: bool) -> None:
        """The outlet is free for the next lot, unless it is `occupied` or the lot is still in the last machine."""
        if not occupied and self._offered is None:
            self._go_to(now)
            floors.release_outlet(self.floor)
            self._due = None

    def admit_waits(self) -> None:
        """Nothing is assumed here."""

    def clear(self, now: int) -> None:
        """Throw out everything inside; the machines are empty."""
        self._go_to(now)
        floors.clear(self.chain, self.floor, self.tally)
        self.passages.clear()
        self._expecting = False
        self._offered = None
        self._happened = deque(what for what in self._happened if isinstance(what, Call))
        self._due = None

    # Books.

    def idle_until(self, tick: int, converting_from: int | None = None) -> None:
        """Let time pass up to `tick`; from `converting_from` on the machines were being converted."""
        self._go_to(tick)
        if converting_from is not None:
            begin = max(converting_from, self._converted[-1][1] if self._converted else 0)
            if begin < tick:
                self._converted.append((begin, tick))

    def booked(self, tick: int) -> tuple[Ints, int]:
        """Ticks per state of all machines together, shape (8,), and breakdowns, up to `tick`, an edge of a bin."""
        rows = int(np.searchsorted(self.tally.edges, tick))
        for unit, m in enumerate(self.floor.unit[:, floors.STAGE]):
            off = self.floor.stage[m, floors.OFF]
            floors.book(self.floor.unit, self.tally.ticks, self.floor.now[floors.BIN], off, unit, m, tick)
        ticks = self.tally.ticks[:rows].sum(axis=(0, 1))
        converted = min(len(self.chain.stage) * sum(b - a for a, b in self._converted), int(ticks[STARVED]))
        ticks[STARVED] -= converted
        ticks[CONVERTING] += converted
        return ticks, int(self.tally.parts[:rows, :, FAILED].sum())

    # How it is done.

    def _advance(self, floor: floors.Floor, tally: Tally, until: int) -> tuple[int, int]:
        expecting = ADMITTING if self._expecting else SILENT
        reason, which = advance(self.chain, floor, tally, AT_HAND, expecting, *self._factors, until, _NO_LOG)
        return reason, which

    def _go_to(self, now: int, once: bool = False) -> None:
        """Let time pass up to `now`, and note what happens (`once`: stop at the first thing)."""
        while self.floor.now[floors.NOW] <= now:
            reason, which = self._advance(self.floor, self.tally, now)
            if reason == UNTIL:
                return
            self._due = None
            self._happened.append(self._told(reason, which))
            if once:
                return

    def _told(self, reason: int, which: int) -> Call | Entrance | ChainPassage | Lost:
        if reason == CALL:
            unit: Any = self.floor.unit[which]
            mode = int(unit[floors.MODE_STRUCK])
            first_mode = int(self.chain.stage[unit[floors.STAGE], MODE])
            number = int(self.floor.clock[unit[floors.CLOCK] + mode - first_mode, floors.STRUCK])
            repair = draw(self.chain, len(self.chain.stage) + 2 * mode + 1, self._factors[2], 0, number)
            return Call((which, mode, number), mode, int(self.floor.now[floors.NOW]), repair)
        if reason == INPUT:
            self._expecting = False
            return Entrance(int(self.floor.now[floors.NOW]))
        if reason == LOST:
            lost, self._offered = self._offered, None
            assert lost is not None
            self.floor.now[floors.N_THROWN] = 0
            return Lost(lost)
        assert reason == COMPLETE
        passage = self.passages.popleft()
        if self.floor.now[floors.HANDOVER] == floors.OFFERED:
            self._offered = passage
        passage.delivered = True
        self._thrown.update(floors.thrown_away(self.floor).tolist())
        first = self._first.pop(id(passage))
        for row in range(passage.exits.size):
            passage.thrown_at[row] = self._thrown.pop(first + row, -1)
        passage.last_out = int(self.floor.now[floors.NOW])
        return passage
