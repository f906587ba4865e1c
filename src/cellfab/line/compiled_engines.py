"""The two kernels behind one face: lots go in chunk by chunk, counts come out."""

from __future__ import annotations

import numpy as np

from cellfab.kernels import serial_floor as floors
from cellfab.kernels.serial_events import advance
from cellfab.kernels.serial_line import AT_HAND, FOREVER, MOST, OPEN, WAIT, Chain, Tally
from cellfab.kernels.serial_recursion import close, pass_parts
from cellfab.kernels.serial_state import new_state, with_more_room
from cellfab.line.ahead import Ints

_NO_LOG = np.empty((0, 0, 0), np.int64)
_NO_CYCLES, _NO_WAITS, _NO_CALLS = (np.empty((0, columns), np.int64) for columns in (0, 3, 4))
_NOT_ASKED = np.empty(0, np.int64)


class RecursionEngine:
    """Departure times lot by lot; single machines with operation-dependent clocks.

    Attributes
    ----------
    came, let_in : int
        Lots that came, and that were let in, before the horizon.
    """

    def __init__(self, chain: Chain, tally: Tally, manner: int, horizon: int) -> None:
        self.chain, self.tally = chain, tally
        self.came = self.let_in = 0
        self._manner, self._horizon = manner, horizon
        self._state = new_state(chain, tally)
        self._outside = np.empty(0, np.int64)

    def pass_on(self, entity: Ints, ready: Ints, last: bool) -> int:
        """Send lots through (`last`: no more will come); return a tick up to which everything is known."""
        n, done, last_start = ready.size, 0, 0
        exits = np.full(n, len(self.chain.stage))
        let_in = np.full(n, FOREVER)
        until = FOREVER if self._manner == AT_HAND else self._horizon
        while done < n:
            took, start, *_ = pass_parts(
                self.chain, self._state, self.tally, entity[done:], False, _NO_CYCLES, ready[done:], exits[done:],
                self._manner, 1.0, 1.0, 1.0, 0, until, _NO_WAITS, _NO_CALLS, let_in[done:], _NOT_ASKED, _NO_LOG,
            )  # fmt: skip
            done += took
            last_start = max(last_start, start)
            if done == n or ready[done] >= until:
                break
            self.chain, self._state = with_more_room(self.chain, self._state)
        self.came += int(np.count_nonzero(ready < self._horizon))
        self.let_in += int(np.count_nonzero((let_in >= 0) & (let_in < self._horizon)))
        if self._manner == WAIT:
            self._count_outside(ready, let_in)
        return last_start if self._manner == AT_HAND else int(ready[-1])

    def _count_outside(self, ready: Ints, let_in: Ints) -> None:
        """The largest number that waits outside, as of each arrival in the window."""
        first, end = self.tally.window
        entries = np.concatenate([self._outside, let_in])
        came = self._outside.size + np.searchsorted(ready, ready, side="right")
        outside = (came - np.searchsorted(entries, ready, side="right"))[(ready >= first) & (ready < end)]
        row = self.tally.stays[len(self.chain.stage)]
        row[MOST] = max(row[MOST], outside.max(initial=0))
        row[OPEN] += np.count_nonzero((ready < first) & (let_in >= first))
        self._outside = entries[entries > ready[-1]]

    def close(self) -> None:
        """Account for everybody's time up to the horizon."""
        close(self.chain, self._state, self.tally, self._horizon)


class EventEngine:
    """From event to event; whatever failures and parallel units there are."""

    def __init__(self, chain: Chain, tally: Tally, manner: int, horizon: int) -> None:
        self.chain, self.tally = chain, tally
        self.came = 0
        self._manner, self._horizon = manner, horizon
        self._floor = floors.new_floor(chain, tally, 1 << 14)

    @property
    def let_in(self) -> int:
        """Lots that were let in, or turned away."""
        return int(self._floor.now[floors.TAKEN])

    def pass_on(self, entity: Ints, ready: Ints, last: bool) -> int:
        """Make lots known (`last`: no more will come) and let time pass; return the tick reached."""
        exits = np.full(ready.size, len(self.chain.stage))
        self.came += int(np.count_nonzero(ready < self._horizon))
        self._floor = floors.feed(self.chain, self._floor, entity, 0, exits, ready, self._manner, lot=False)
        expecting = floors.SILENT if last else floors.RUN_OUT
        while True:
            reason, _ = advance(
                self.chain, self._floor, self.tally, self._manner, expecting, 1.0, 1.0, 1.0, self._horizon - 1, _NO_LOG
            )
            if reason != floors.ROOM:
                break
            self.chain, self._floor = floors.with_more_room(self.chain, self._floor)
        return self._horizon if reason == floors.UNTIL else int(self._floor.now[floors.NOW])

    def close(self) -> None:
        """Account for everybody's time, and for lots still inside, up to the horizon."""
        floors.close(self.chain, self._floor, self.tally, self._manner, self._horizon)
