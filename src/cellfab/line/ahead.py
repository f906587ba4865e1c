"""Stations whose inside is computed ahead of the clock, lot by lot, and put right when an assumption fails.

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
from heapq import heapify
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from cellfab.core.causes import cause
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.line.clock import Timetable
from cellfab.line.crews import Crew
from cellfab.line.events import Alarm
from cellfab.line.physics import Pace
from cellfab.line.states import PLANNED, STARVED
from cellfab.line.stations import Station
from cellfab.line.units import Unit

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun

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


@dataclass(slots=True)
class Passage:
    """One lot on its way through a station.

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
        due = min(self.corrections(), default=NEVER)
        asked = self._asked
        for passage in self.passages:
            if passage.waiting and not passage.leaves and self.shows(passage):
                due = min(due, passage.last_out + 1)
            for call in passage.calls:
                if call.tick < due and call.breakdown not in asked:
                    due = call.tick
            if not passage.delivered:
                due = min(due, self.out_at(passage))
            if not passage.passed_on:
                due = min(due, passage.open_at)
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
            if self._take_as_never(now) or self.correct(now):
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
        waiting = [passage for passage in self.passages if passage.waiting and not passage.leaves]
        for passage in waiting:
            passage.leaves = NEVER
        if waiting:
            self.redo(waiting[0])
        return bool(waiting)

    def _unasked(self, now: int) -> Call | None:
        calls = [
            call
            for passage in self.passages
            for call in passage.calls
            if call.tick <= now and call.breakdown not in self._asked
        ]
        return min(calls, key=lambda call: (call.tick, call.breakdown), default=None)

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


class AheadUnit(Unit):
    """The station as the line sees it: one unit that holds all lots inside; what they do is computed elsewhere."""

    __slots__ = ()

    def enter(self, state: int) -> None:
        """States are booked by the station."""

    def flush(self) -> None:
        """States are booked by the station."""

    def let_clocks_run(self) -> None:
        """Failure clocks are computed elsewhere."""

    def begin(self) -> None:
        """A lot has been taken."""
        self.hungry = False
        _ahead(self).take_in()

    def freed(self) -> None:
        """What is inside when finished lots are taken is computed elsewhere."""


def _ahead(unit: Unit) -> AheadStation:
    station = unit.station
    assert isinstance(station, AheadStation)
    return station


class AheadStation(Station):
    """Takes a lot, wakes up when something happens inside, and passes the lot on."""

    __slots__ = (
        "_armed", "_booked", "_empty_from", "_failures_booked", "_finished", "_flushed_at", "_inside", "_last_out",
        "crews",
    )  # fmt: skip

    flow: Any
    """What happens inside: an `Ahead`, or anything that answers like one."""
    takes_parallel = False
    """Whether the line makes as many of this kind of station as the config has parallel ones."""

    def __init__(self, line: LineRun, name: str, order: int, spec: Any) -> None:
        super().__init__(line, name, order, spec)
        alone = self.takes_parallel or spec.parallel == 1
        for key, allowed in (("parallel", alone), ("changeover", spec.changeover is None)):
            if not allowed:
                raise ConfigError(f"station '{name}' of kind '{self.kind}' cannot have '{key}'")
        if isinstance(spec.feed, dict):
            raise ConfigError(f"station '{name}' of kind '{self.kind}' cannot merge lots; a station before it can")
        self.units = [AheadUnit(self, 0)]
        self.crews: dict[int, tuple[Crew, int, int]] = {}
        self._inside: dict[int, Lot] = {}
        self._finished: dict[int, Any] = {}
        self._armed = NEVER
        self._last_out = self._empty_from = 0
        self._booked = np.zeros(8, np.int64)
        self._failures_booked = self._flushed_at = 0

    # What a kind fills in.

    def passage_of(self, lot: Lot, rows: int, exits: Ints | None, seconds: float | None) -> Passage:
        """How a lot of which `rows` living rows came goes through; `exits` and `seconds` are the physics' answer."""
        raise NotImplementedError

    def spent(self, passage: Any) -> tuple[int, int]:
        """First and last tick of the time that the lot alone is to account for."""
        raise NotImplementedError

    # Lots come.

    def live_from_now(self) -> None:
        """Everything is laid out: wait for the first lot."""
        self.line.durations.append(self.flow)
        if self.timetable is not None:
            self._follow_timetable(None)
        self.units[0].waits = True
        self.units[0].become_hungry()
        self._arm()

    def feed_one(self) -> bool:
        """Take the next lot if the first place inside is free; False if it is not."""
        unit = self.first_hungry()
        giver = next((giver for giver in self.feeds if giver.ready()), None)
        if unit is None or giver is None:
            return False
        if not self.flow.admits(self.line.env.now):
            unit.hungry = False
            self._arm()
            return False
        lot = giver.give()
        lot.entered = self.line.env.now
        self.entered += 1
        self.amount_in += lot.amount
        self.rows_in += lot.n_alive
        unit.lots.append(lot)
        unit.begin()
        return True

    def take_in(self) -> None:
        """Let the step act on the lot just taken, and begin with it."""
        unit = self.units[0]
        lot = unit.lots[-1]
        rows, exits, seconds = lot.n_alive, None, None
        if self.line.physics is not None:
            self.ask_pace()
            answer = self.line.physics.process(self.name, [lot], self.line.env.now)
            exits, seconds = answer.exit_machine, answer.seconds
            unit.lots[-1] = lot = answer.lot
        passage = self.passage_of(lot, rows, exits, seconds)
        self._inside[id(passage)] = lot
        self.flow.enter(passage)
        self._arm()

    def factors(self) -> tuple[float, float, float]:
        """Ramp factors on cycles, times to failure and times to repair."""
        pace: Pace = self.pace
        return 1.0 / pace.rate, pace.time_to_failure, pace.time_to_repair

    # Things happen.

    def _arm(self) -> None:
        """Wake up when the next thing happens inside."""
        env = self.line.env
        due = int(self.flow.due())  # uncompiled kernels give numpy integers
        self.units[0].waits = due >= NEVER or not self.flow.busy
        if due < NEVER and due != self._armed:
            self._armed = due
            Alarm(env, max(due - env.now, 0), lambda _: self._ring(due))

    def _ring(self, at: int) -> None:
        if at != self._armed:
            return
        self._armed = NEVER
        while (what := self.flow.step(self.line.env.now)) is not None:
            if isinstance(what, Call):
                self._call(what)
            elif isinstance(what, Entrance):
                self.units[0].become_hungry()
            elif isinstance(what, Lost):
                self._lose_finished(what.passage)
            else:
                self._deliver(what)
        self._arm()
        if self.units[0].waits:
            self.line.look_whether_drained()

    def _call(self, call: Call) -> None:
        crew, priority, index = self.crews[call.mode]
        env = self.line.env

        def came(_: Any) -> None:
            self.flow.crew_came(call, env.now)
            Alarm(env, int(call.repair), lambda _: crew.dismiss())
            self._arm()

        callbacks = crew.call(priority, self.order, index).callbacks
        assert callbacks is not None
        callbacks.append(came)

    def _deliver(self, passage: Any) -> None:
        """The last part of a lot is out: put the lot into the outlet, unless no part of it is left."""
        unit = self.units[0]
        now = self.line.env.now
        lot = self._inside.pop(id(passage))
        lost = self.thrown_rows(passage, lot)
        if lost.any():
            self.rows_scrapped += lot.scrap(lost, MACHINE_FAILURE)
        started, ended = self.spent(passage)
        self._last_out = now
        self.worked += ended - started
        self.nominal += (ended - started) / passage.factors[0]
        if self.line.physics is not None:
            self.line.physics.worked(self.name, lot, started, ended)
        others, in_outlet = [other for other in unit.lots if other is not lot], unit.outgoing
        if lot.n_alive:
            unit.lots = [lot]
            self.release(unit)
            passage.lots_out = len(unit.lots)
            self._finished.update((made.identity, passage) for made in unit.lots)
            unit.outgoing += in_outlet
            unit.lots += others
        else:
            unit.lots = others
            self.scrapped += 1
            self.line.throw_away(self.name, lot)
        if not passage.lots_out:
            self.flow.leave(passage, now)
        self.delivered()

    def _lose_finished(self, passage: Any) -> None:
        """A breakdown threw away what had been finished and not been taken."""
        unit = self.units[0]
        lost = {identity for identity, other in self._finished.items() if other is passage}
        self._outbox = [entry for entry in self._outbox if entry[4].identity not in lost]
        heapify(self._outbox)
        for lot in [lot for lot in unit.lots if lot.identity in lost]:
            unit.lots.remove(lot)
            unit.outgoing -= 1
            del self._finished[lot.identity]
            self.scrapped += 1
            self.rows_scrapped += lot.n_alive
            self.line.throw_away(self.name, lot)
        self._empty_from = self.line.env.now
        self.delivered()

    def give(self) -> Lot:
        """Let the next finished lot go."""
        lot = super().give()
        passage = self._finished.pop(lot.identity)
        passage.lots_out -= 1
        if not passage.lots_out:
            self._empty_from = self.line.env.now
            self.flow.leave(passage, self.line.env.now)
            self.delivered()
        self._arm()
        return lot

    def thrown_rows(self, passage: Any, lot: Lot) -> npt.NDArray[np.bool_]:
        """Rows that a breakdown threw away."""
        raise NotImplementedError

    def delivered(self) -> None:
        """A lot has come out, or has been taken; `_finished` are those that wait to be."""

    def throw_out(self, unit: Unit) -> None:
        """Throw away every lot inside and in the outlet."""
        super().throw_out(unit)
        self._inside.clear()
        self._finished.clear()
        self._empty_from = self.line.env.now
        self.flow.clear(self.line.env.now)
        self._armed = NEVER
        unit.waits = True
        if not unit.hungry:
            unit.become_hungry()

    # Books.

    def hold(self, until: int) -> None:
        """Take no lot before tick `until`; once empty, the station is being converted."""
        self.book_idle()
        self._empty_from = max(self._empty_from, self.line.env.now)
        super().hold(until)

    def _release_hold(self, event: Any) -> None:
        self.book_idle()
        super()._release_hold(event)

    def book_idle(self) -> None:
        """Book the time of whatever has no part up to now."""
        now = self.line.env.now
        converting = self.held and not self.flow.passages
        self.flow.idle_until(now, max(self._empty_from, self._last_out) if converting else None)

    def flush(self) -> None:
        """Book everybody's time up to now."""
        self.flow.admit_waits()
        self.book_idle()
        now = self.line.env.now
        ticks, failures = self.flow.booked(now)
        for state, more in enumerate(ticks - self._booked):
            self.book.ticks[state] += int(more)
        if self.timetable is not None:
            # Kernels know one kind of stop: the share of closures is not planned, but starved.
            closed = self.timetable.closed_between(self._flushed_at, now) * self.unit_count
            closed = min(closed, self.book.ticks[PLANNED])
            self.book.ticks[PLANNED] -= closed
            self.book.ticks[STARVED] += closed
        self._booked, self._flushed_at = ticks, now
        self.failures += failures - self._failures_booked
        self._failures_booked = failures
        self.book.flush()


def planned_stops(timetable: Timetable | None, end: int) -> Ints:
    """Planned stops that begin before tick `end`, as the kernels take them, shape (k, 2)."""
    stops: list[tuple[int, int]] = []
    if timetable is not None:
        off = timetable.next_off(0)
        while off < end:
            on = timetable.next_on(off)
            stops.append((off, on))
            off = timetable.next_off(on)
    return np.array(stops, np.int64).reshape(-1, 2)
