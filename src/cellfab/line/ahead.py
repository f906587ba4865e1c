"""What happens inside a station, computed ahead of the clock, lot by lot, and put right when an assumption fails.

A kernel moves a whole lot at once, further than the present tick. One thing that it cannot know is how long a repair
waits for its crew. So it is assumed that repairs start at once; the crew is called at the tick of the breakdown, and if
it does not come then, the lots concerned are computed again from a copy of the state before them. That is exact,
because a machine that waits for the crew is down either way until its repair would have ended: up to that tick the
computed future is the true one. Then the repair is taken never to begin, until it does.

Another thing is when a finished lot that keeps its place inside is taken. It is assumed to be taken at once; if it is
not, what has been computed on that ground shows a tick later at the earliest, or when a lot is to come in or go out,
and by then the lot is taken never to leave, until it does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from cellfab.core.causes import cause
from cellfab.line.clock import Timetable

Ints = npt.NDArray[np.int64]

NEVER = 1 << 57
"""Later than any tick of a run; small enough to be added up many times."""
MACHINE_FAILURE = cause("line", "machine_failure", "in the machine when it failed, and thrown away (fate: scrap)")


class Entrance(NamedTuple):
    """The next lot can be taken: since when."""

    tick: int


class Lost(NamedTuple):
    """A finished lot that had kept its place was thrown away there."""

    passage: Passage


class Call(NamedTuple):
    """A breakdown that needs a crew: its name, by which mode, when, and how long the repair takes."""

    breakdown: tuple[int, ...]
    mode: int
    tick: int
    repair: int


@dataclass(slots=True, eq=False)
class Passage:
    """One lot on its way through a station; two of them are never equal.

    Attributes
    ----------
    entity : int
        Identity of the lot.
    entered : int
        Tick at which the station took it.
    factors : (float, float, float)
        On cycles, times to failure and times to repair.
    open_at, last_out : int
        Ticks from which the next lot can be taken, for the first place is free again and able to work, and at which no
        part of this one is left inside.
    calls : tuple of Call
        Breakdowns while it was inside that need a crew.
    passed_on, delivered : bool
        That the next lot can be taken has been told; it is out.
    waiting : bool
        It is finished, but keeps its place inside until it is taken.
    leaves : int
        Tick at which it is taken, if that is later than `last_out`; 0: it is assumed not to be.
    lots_out : int
        Finished lots made of it that have not been taken yet.
    """

    entity: int
    entered: int
    factors: tuple[float, float, float]
    open_at: int = 0
    last_out: int = 0
    calls: tuple[Call, ...] = ()
    passed_on: bool = False
    delivered: bool = False
    waiting: bool = False
    leaves: int = 0
    lots_out: int = 0
    before: Any = field(default=None, repr=False)


P = TypeVar("P", bound=Passage)


class Ahead(Generic[P]):
    """Lots inside a station and what becomes of them. A subclass says how (`compute`, `keep`, `restore`).

    Attributes
    ----------
    passages : deque of Passage
        Lots inside, oldest first, and those delivered of which something is still assumed.
    drawn : int
        Durations drawn.
    """

    def __init__(self) -> None:
        self.passages: deque[P] = deque()
        self.drawn = 0
        self.waits: dict[tuple[int, ...], int] = {}
        self._asked: dict[tuple[int, ...], tuple[Call, int | None]] = {}
        self._listed: Ints | None = None

    # What a subclass fills in.

    def compute(self, passage: P) -> None:
        """Move the lot through, from the present state on: sets `open_at`, `last_out` and `calls`."""
        raise NotImplementedError

    def keep(self) -> Any:
        """A copy of the present state and counts."""
        raise NotImplementedError

    def restore(self, kept: Any) -> None:
        """Go back to a copy, which stays as it is."""
        raise NotImplementedError

    def out_at(self, passage: P) -> int:
        """Tick at which a lot inside can be delivered, as far as is known; NEVER if it cannot for now."""
        return passage.last_out

    def correct(self, now: int) -> bool:
        """Put right another assumption that can show at tick `now`; tell whether there was one."""
        return False

    def corrections(self) -> list[int]:
        """Ticks at which `correct` has to look."""
        return []

    def keeps_place(self, passage: P) -> bool:
        """Whether a finished lot stays inside until it is taken."""
        return False

    def shows(self, passage: P) -> bool:
        """Whether it can show by itself that a finished lot that keeps its place is not taken at once."""
        return True

    # What the station asks and tells.

    @property
    def inside(self) -> list[P]:
        """Lots that are not out yet, oldest first."""
        return [passage for passage in self.passages if not passage.delivered]

    @property
    def first_inside(self) -> P | None:
        """The oldest lot that is not out yet."""
        for passage in self.passages:
            if not passage.delivered:
                return passage
        return None

    @property
    def held_up(self) -> bool:
        """Whether a finished lot that is not taken keeps a place inside from working."""
        return any(passage.waiting for passage in self.passages)

    @property
    def busy(self) -> bool:
        """Whether a lot is inside, or no lot can be taken yet."""
        return any(not (passage.delivered and passage.passed_on) for passage in self.passages)

    def admits(self, now: int) -> bool:
        """Whether a lot can still be taken, since it was last told that one can; if not, it is told again."""
        self._keep_waiting()
        if self.passages and self.passages[-1].open_at > now:
            self.passages[-1].passed_on = False
            return False
        return True

    def due(self) -> int:
        """Tick of the next thing to happen; NEVER or later if nothing will."""
        due, asked = NEVER, self._asked
        for tick in self.corrections():
            if tick < due:
                due = tick
        for passage in self.passages:
            if passage.waiting and passage.last_out < due and not passage.leaves and self.shows(passage):
                due = passage.last_out + 1
            for call in passage.calls:
                if call.tick < due and call.breakdown not in asked:
                    due = call.tick
            if not passage.delivered and (out_at := self.out_at(passage)) < due:
                due = out_at
            if not passage.passed_on and passage.open_at < due:
                due = passage.open_at
        for breakdown, (call, came) in asked.items():
            if came is None and self.waits.get(breakdown, 0) < NEVER:
                due = min(due, call.tick + call.repair)
        return due

    def step(self, now: int) -> Call | Entrance | P | None:
        """Deal with one thing due by tick `now` and tell what it is; None when there is nothing left.

        A lot is told when it is out.
        """
        while True:
            for passage in self.passages:
                if passage.waiting and not passage.leaves and passage.last_out < now and self.shows(passage):
                    self._keep_waiting()
                    break
            call = self._unasked(now)
            if call is not None:
                if self._keep_waiting():
                    continue
                self._asked[call.breakdown] = (call, None)
                return call
            if (self._asked and self._take_as_never(now)) or self.correct(now):
                continue
            for passage in self.passages:
                if not passage.passed_on and passage.open_at <= now:
                    passage.passed_on = True
                    return Entrance(passage.open_at)
                if not passage.delivered and self.out_at(passage) <= now:
                    if self._keep_waiting():
                        break
                    passage.delivered = True
                    passage.waiting = self.keeps_place(passage)
                    return passage
            else:
                self._forget()
                return None

    def leave(self, passage: P, now: int) -> None:
        """A finished lot is gone; if it has kept its place, that is free now."""
        if not passage.waiting:
            return
        passage.waiting = False
        if passage.leaves or passage.last_out < now:
            passage.leaves = now
            self.redo(passage)
        self._forget()

    def enter(self, passage: P) -> None:
        """Take a lot in and compute what becomes of it."""
        self.passages.append(passage)
        passage.before = self.keep()
        self.compute(passage)

    def crew_came(self, call: Call, now: int) -> None:
        """The repair begins."""
        if call.breakdown in self._asked:
            self._asked[call.breakdown] = (call, now)
            self._set_wait(call.breakdown, now - call.tick)

    def admit_waits(self) -> None:
        """Before books are read: a repair whose crew has not come is waiting, not under way; no lot is taken unseen."""
        self._keep_waiting()
        for breakdown, (_, came) in list(self._asked.items()):
            if came is None:
                self._set_wait(breakdown, NEVER)

    def redo(self, passage: P) -> None:
        """Compute `passage` and the lots behind it again."""
        self.restore(passage.before)
        self.compute(passage)
        for later in list(self.passages)[self.passages.index(passage) + 1 :]:
            later.before = self.keep()
            self.compute(later)

    def listed_waits(self, columns: int) -> Ints:
        """The waits that are known, as the kernels take them: the parts of the breakdown's name, and ticks."""
        if self._listed is None:
            rows = [(*breakdown, ticks) for breakdown, ticks in self.waits.items() if ticks]
            self._listed = np.array(rows, np.int64).reshape(-1, columns)
        return self._listed

    def forget_all(self) -> None:
        """There are no lots any more."""
        self.passages.clear()
        self.waits.clear()
        self._listed = None
        self._asked.clear()

    # How it is done.

    def _keep_waiting(self) -> bool:
        """Take the finished lots inside never to leave; tell if any was assumed to leave at once."""
        first = None
        for passage in self.passages:
            if passage.waiting and not passage.leaves:
                passage.leaves = NEVER
                first = first or passage
        if first is not None:
            self.redo(first)
        return first is not None

    def _unasked(self, now: int) -> Call | None:
        first: Call | None = None
        for passage in self.passages:
            for call in passage.calls:
                if call.tick > now or call.breakdown in self._asked:
                    continue
                if first is None or (call.tick, call.breakdown) < (first.tick, first.breakdown):
                    first = call
        return first

    def _take_as_never(self, now: int) -> bool:
        for breakdown, (call, came) in self._asked.items():
            if came is None and call.tick + call.repair <= now and self.waits.get(breakdown, 0) < NEVER:
                self._set_wait(breakdown, NEVER)
                return True
        return False

    def _set_wait(self, breakdown: tuple[int, ...], ticks: int) -> None:
        if self.waits.get(breakdown, 0) == ticks:
            return
        self.waits[breakdown] = ticks
        self._listed = None
        for passage in self.passages:
            if any(call.breakdown == breakdown for call in passage.calls):
                self.redo(passage)
                return

    def _forget(self) -> None:
        """Drop delivered lots of which nothing is assumed any more."""
        while self.passages:
            oldest = self.passages[0]
            if not (oldest.delivered and oldest.passed_on) or oldest.waiting:
                return
            mine = [call.breakdown for call in oldest.calls]
            if any(self._asked.get(name, (None, None))[1] is None for name in mine):
                return
            for breakdown in mine:
                del self._asked[breakdown]
                if self.waits.pop(breakdown, None) is not None:
                    self._listed = None
            self.passages.popleft()


def planned_stops(timetable: Timetable | None, end: int, begins: int = 0) -> Ints:
    """Planned stops that begin before tick `end`, as the kernels take them, shape (k, 2).

    Before tick `begins` the station is not there yet, which the kernels take as a stop, too.
    """
    stops: list[tuple[int, int]] = []
    if timetable is not None:
        off = timetable.next_off(begins)
        while off < end:
            on = timetable.next_on(off)
            stops.append((off, on))
            off = timetable.next_off(on)
    if begins:
        until = stops.pop(0)[1] if stops and stops[0][0] == begins else begins
        stops.insert(0, (0, until))
    return np.array(stops, np.int64).reshape(-1, 2)
