"""What happens to the lots inside a chain of machines, computed ahead of the clock and put right when it must be.

The recursion (`cellfab.kernels.serial_recursion`) moves a whole lot at once, further than the present tick. Three
things it cannot know are assumed and corrected, by computing the lots concerned again from a copy of the state before
them:

* how long a repair waits for its crew: not at all, until the crew turns out to be busy;
* when the outlet is free for the parts of a lot: as soon as the lot before is complete;
* that no further lot comes: adding one changes nothing before its first part starts.

A wrong assumption shows only later: a machine that waits for the crew is down either way until its repair would have
ended, and an occupied outlet stops nobody until a part wants to enter it. Until then the computed future is the true
one, which is what makes this exact.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels.laws import DETERMINISTIC, Law
from cellfab.kernels.lot_durations import durations
from cellfab.kernels.serial_line import AT_HAND, CONVERTING, FAILED, FOREVER, STARVED, Chain, Tally
from cellfab.kernels.serial_recursion import (
    BIN,
    CALL_MODE,
    CALL_NUMBER,
    CALL_REPAIR,
    CALL_TICK,
    CALM,
    FREE,
    State,
    clear,
    new_state,
    pass_parts,
    stand,
)

Ints = npt.NDArray[np.int64]

NEVER = 1 << 57
"""Later than any tick of a run; small enough to be added up many times."""
_NO_LOG = np.empty((0, 0, 0), np.int64)
_NO_WAITS = np.empty((0, 3), np.int64)


class Call(NamedTuple):
    """A breakdown that needs a crew: by which mode, which of its breakdowns, when, and how long the repair takes."""

    mode: int
    number: int
    tick: int
    repair: int


@dataclass(slots=True)
class Passage:
    """One lot on its way through the chain.

    Attributes
    ----------
    entity : int
        Identity of the lot.
    exits : ndarray of int64, shape (n,)
        Machine after which each row leaves; M: it goes all the way; -1: it never enters.
    entered : int
        Tick at which the chain took it.
    factors : (float, float, float)
        On cycles, times to failure and times to repair.
    thrown_at : ndarray of int64, shape (n,)
        Machine at which a breakdown threw each row away, else -1; true once it is out.
    last_start, last_out : int
        Ticks at which the first machine takes its last row, and at which none is left inside (`entered` at least).
    """

    entity: int
    exits: Ints
    entered: int
    factors: tuple[float, float, float]
    thrown_at: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    last_start: int = 0
    last_out: int = 0
    first_out: int = 0
    outlet_at: int = 0
    outlet_known: bool = True
    calls: tuple[Call, ...] = ()
    passed_on: bool = False
    delivered: bool = False
    cycles: Ints = field(default_factory=lambda: np.empty((0, 0), np.int64))
    before: tuple[State, Tally] | None = None


Happening = Call | Passage | None
"""What `step` tells: a call for a crew; a lot of which the first machine has taken the last row, or which is out."""


class ChainFlow:
    """A chain of machines with operation-dependent clocks, and the lots in it.

    Parameters
    ----------
    chain : Chain
    cycles : sequence of Law
        Of each machine; their streams are in `chain.key`.
    tally : Tally
        Its bins end where statistics are read.
    failure_factor : float
        On the first times to failure.

    Attributes
    ----------
    passages : deque of Passage
        Lots inside, oldest first, and those delivered of which something is still assumed.
    drawn : int
        Cycle times drawn.
    """

    def __init__(self, chain: Chain, cycles: Sequence[Law], tally: Tally, failure_factor: float) -> None:
        self.chain = chain
        self.tally = tally
        self.state = new_state(chain, tally, failure_factor)
        self.passages: deque[Passage] = deque()
        self.drawn = 0
        self._cycles = cycles
        self._all_fixed = all(law.law == DETERMINISTIC for law in cycles)
        self._occupied = False
        self._asked: dict[tuple[int, int], tuple[Call, int | None]] = {}
        self._waits: dict[tuple[int, int], int] = {}
        self._calls = np.empty((64, 4), np.int64)

    # What the station asks and tells.

    @property
    def inside(self) -> int:
        """Lots that are not out yet."""
        return sum(not passage.delivered for passage in self.passages)

    def due(self) -> int:
        """Tick of the next thing to happen; NEVER or later if nothing will."""
        ticks = [NEVER]
        for passage in self.passages:
            ticks += [call.tick for call in passage.calls if (call.mode, call.number) not in self._asked]
        for breakdown, (call, came) in self._asked.items():
            if came is None and self._waits.get(breakdown, 0) < NEVER:
                ticks.append(call.tick + call.repair)
        first = self._first_inside()
        if first is not None:
            if not self._occupied:
                ticks.append(first.last_out)
            elif not first.outlet_known and first.outlet_at < NEVER:
                ticks.append(first.first_out)
            if not self.passages[-1].passed_on:
                ticks.append(self.passages[-1].last_start)
        return min(ticks)

    def step(self, now: int) -> Happening:
        """Deal with one thing due by tick `now` and tell what it is; None when there is nothing left.

        A passage is told twice: `passed_on` as soon as the next lot may come, `delivered` when it is out.
        """
        while True:
            call = self._unasked(now)
            if call is not None:
                self._asked[call.mode, call.number] = (call, None)
                return call
            first = self._first_inside()
            late = [
                breakdown
                for breakdown, (call, came) in self._asked.items()
                if came is None and call.tick + call.repair <= now and self._waits.get(breakdown, 0) < NEVER
            ]
            if late:
                self._set_wait(late[0], NEVER)
            elif (
                self._occupied and first and not first.outlet_known and first.first_out <= now < NEVER > first.outlet_at
            ):
                self._set_outlet(first, NEVER, known=False)
            elif first and not self.passages[-1].passed_on and self.passages[-1].last_start <= now:
                self.passages[-1].passed_on = True
                return self.passages[-1]
            elif first and not self._occupied and first.last_out <= now:
                first.delivered = True
                return first
            else:
                self._forget()
                return None

    def enter(self, passage: Passage) -> None:
        """Take a lot in and compute what becomes of it."""
        rows, machines = passage.exits.size, len(self._cycles)
        if not self._all_fixed:
            # Drawn once, however often the lot has to be computed.
            passage.cycles = np.empty((rows, machines), np.int64)
            column = np.empty(rows, np.int64)
            for m, law in enumerate(self._cycles):
                durations(*law, passage.factors[0], self.chain.key[m], passage.entity, column)
                passage.cycles[:, m] = column
            self.drawn += rows * machines
        before = self.passages[-1] if self.passages else None
        if before is not None and not before.delivered:
            passage.outlet_at, passage.outlet_known = before.last_out, False
        elif self._occupied:
            passage.outlet_at, passage.outlet_known = passage.entered, False
        passage.thrown_at = np.full(rows, -1, np.int64)
        self.passages.append(passage)
        self._compute(passage)

    def outlet_taken(self, now: int, occupied: bool) -> None:
        """The lot last told to be out is in the outlet (`occupied`), or the outlet is free for the next one."""
        self._occupied = occupied
        first = self._first_inside()
        if not occupied and first is not None and not first.outlet_known:
            self._set_outlet(first, now, known=True)

    def crew_came(self, call: Call, now: int) -> None:
        """The repair begins."""
        breakdown = (call.mode, call.number)
        if breakdown in self._asked:
            self._asked[breakdown] = (call, now)
            self._set_wait(breakdown, now - call.tick)

    def clear(self, now: int) -> None:
        """Throw out everything inside; the machines are empty and up from `now` on."""
        self._occupied = False
        if self.passages:
            self._cut_bins(now)
            self._redo(self.passages[0])
            clear(self.chain, self.state, self.tally, now)
            self.passages.clear()
            self._waits.clear()
            self._asked.clear()

    # Books.

    def idle_until(self, tick: int, converting_from: int | None = None) -> None:
        """Account for machines without parts up to `tick`: starved, or from `converting_from` on being converted."""
        for m in range(len(self.chain.stage)):
            if converting_from is not None:
                stand(self.chain, self.state, self.tally, m, min(tick, converting_from), STARVED)
                stand(self.chain, self.state, self.tally, m, tick, CONVERTING)
            else:
                stand(self.chain, self.state, self.tally, m, tick, STARVED)

    def booked(self, tick: int) -> tuple[Ints, int]:
        """Ticks per state of all machines together, shape (8,), and breakdowns, up to `tick`, an edge of a bin."""
        rows = int(np.searchsorted(self.tally.edges, tick))
        return self.tally.ticks[:rows].sum(axis=(0, 1)), int(self.tally.parts[:rows, :, FAILED].sum())

    # How it is done.

    def _first_inside(self) -> Passage | None:
        return next((passage for passage in self.passages if not passage.delivered), None)

    def _unasked(self, now: int) -> Call | None:
        open_calls = [
            call
            for passage in self.passages
            for call in passage.calls
            if call.tick <= now and (call.mode, call.number) not in self._asked
        ]
        return min(open_calls, key=lambda call: (call.tick, call.mode)) if open_calls else None

    def _compute(self, passage: Passage) -> None:
        passage.before = (_copy_state(self.state), _copy_tally(self.tally))
        waits = _NO_WAITS
        if self._waits:
            waits = np.array([(*breakdown, ticks) for breakdown, ticks in self._waits.items()], np.int64)
        while True:
            _, last_start, first_out, last_out, called = pass_parts(
                self.chain, self.state, self.tally, np.array([passage.entity], np.int64), True, passage.cycles,
                np.array([passage.entered], np.int64), passage.exits, AT_HAND, *passage.factors, passage.outlet_at,
                FOREVER, waits, self._calls, passage.thrown_at, _NO_LOG,
            )  # fmt: skip
            if called <= len(self._calls):
                break
            self._calls = np.empty((2 * called, 4), np.int64)
            self._restore(passage)
        told = self._calls[:called, [CALL_MODE, CALL_NUMBER, CALL_TICK, CALL_REPAIR]].tolist()
        passage.calls = tuple(Call(*row) for row in told)
        passage.last_start = max(last_start, passage.entered)
        passage.first_out = FOREVER if first_out < 0 else first_out
        passage.last_out = max(last_out, passage.entered)

    def _restore(self, passage: Passage) -> None:
        assert passage.before is not None
        state, tally = passage.before
        self.state, self.tally = _copy_state(state), _copy_tally(tally)

    def _redo(self, passage: Passage) -> None:
        """Compute `passage` and the lots behind it again."""
        index = self.passages.index(passage)
        self._restore(passage)
        self._compute(passage)
        previous = passage
        for later in list(self.passages)[index + 1 :]:
            if not later.outlet_known and not previous.delivered:
                later.outlet_at = previous.last_out
            self._compute(later)
            previous = later

    def _set_wait(self, breakdown: tuple[int, int], ticks: int) -> None:
        """The repair starts `ticks` after the breakdown."""
        if self._waits.get(breakdown, 0) == ticks:
            return
        self._waits[breakdown] = ticks
        for passage in self.passages:
            if any((call.mode, call.number) == breakdown for call in passage.calls):
                self._redo(passage)
                return

    def _set_outlet(self, passage: Passage, tick: int, known: bool) -> None:
        """The outlet is free for the rows of `passage` from `tick` on."""
        same = passage.outlet_at == tick or passage.outlet_at < tick <= passage.first_out
        passage.outlet_at, passage.outlet_known = tick, known
        if not same:
            self._redo(passage)

    def _forget(self) -> None:
        """Drop delivered lots of which nothing is assumed any more."""
        while self.passages:
            oldest = self.passages[0]
            mine = [(call.mode, call.number) for call in oldest.calls]
            if not oldest.delivered or any(self._asked.get(breakdown, (None, None))[1] is None for breakdown in mine):
                return
            for breakdown in mine:
                del self._asked[breakdown]
                self._waits.pop(breakdown, None)
            self.passages.popleft()

    def _cut_bins(self, now: int) -> None:
        """Make `now` an edge, so that what was computed beyond it can be taken back."""
        oldest = self.passages[0]
        assert oldest.before is not None
        state, tally = oldest.before
        row = int(np.searchsorted(tally.edges, now, side="right")) - 1
        if tally.edges[row] == now:
            return
        oldest.before = (
            state,
            tally._replace(
                edges=np.insert(tally.edges, row + 1, now),
                ticks=np.insert(tally.ticks, row + 1, 0, axis=0),
                parts=np.insert(tally.parts, row + 1, 0, axis=0),
            ),
        )
        state.machine[:, BIN] += state.machine[:, FREE] >= now
        state.machine[:, CALM] = np.minimum(state.machine[:, CALM], np.where(state.machine[:, FREE] < now, now, NEVER))


def _copy_state(state: State) -> State:
    return State(*(array.copy() for array in state))


def _copy_tally(tally: Tally) -> Tally:
    """The arrays that change; a chain keeps no quantiles."""
    return tally._replace(
        ticks=tally.ticks.copy(), parts=tally.parts.copy(), stays=tally.stays.copy(), gate=tally.gate.copy()
    )
