"""Stations whose inside is computed ahead of the clock (`cellfab.line.ahead`), as the line sees them."""

from __future__ import annotations

from heapq import heapify
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.line.ahead import MACHINE_FAILURE, NEVER, Call, Entrance, Ints, Lost, Passage
from cellfab.line.crews import Crew
from cellfab.line.events import Alarm
from cellfab.line.states import PLANNED, STARVED
from cellfab.line.stations import Station
from cellfab.line.units import Unit
from cellfab.ramp.pace import Pace

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun


class AheadUnit(Unit):
    """The station as the line sees it: one unit that holds all lots inside; what they do is computed elsewhere."""

    __slots__ = ()

    def enter(self, state: int) -> None:
        """States are booked by the station, which also tells whether it waits."""
        _ahead(self).tell_whether_it_waits()

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
        "_waits", "crews",
    )  # fmt: skip

    flow: Any
    """What happens inside: an `Ahead`, or anything that answers like one. None until the station comes alive."""
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
        self.flow = None
        self.units = [AheadUnit(self, 0)]
        self.crews: dict[int, tuple[Crew, int, int]] = {}
        self._inside: dict[int, Lot] = {}
        self._finished: dict[int, Any] = {}
        self._armed = NEVER
        self._waits = True
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
        if self.begins:  # what the kernels counted before does not count
            self.flow.idle_until(self.begins)
            self._booked, _ = self.flow.booked(self.begins)
            self._empty_from = self._flushed_at = self.begins
        self.follow_timetable()
        self.units[0].waits = True
        self.units[0].become_hungry()
        self._arm()

    def feed(self, unit: Unit) -> bool:
        """Take the next lot if the first place inside is free; False if it is not."""
        giver = next((giver for giver in self.feeds if giver.ready()), None)
        if giver is None:
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
        self.ask_pace()
        if self.line.physics is not None:
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
        self.tell_whether_it_waits()
        env = self.line.env
        due = int(self.flow.due())  # uncompiled kernels give numpy integers
        self.units[0].waits = due >= NEVER or not self.flow.busy
        if due < NEVER and due != self._armed:
            self._armed = due
            Alarm(env, max(due - env.now, 0), lambda _: self._ring(due))

    def tell_whether_it_waits(self) -> None:
        """It waits while it could take a lot and has none, or while a finished lot keeps a place from working."""
        if self.flow is None:
            return
        starved = self.units[0].hungry and not (self.off and self.off_state == PLANNED)
        waits = starved or self.flow.held_up
        if waits is not self._waits:
            self._waits = waits
            self.line.turn(self.order, waits=waits)

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

        def came() -> None:
            self.flow.crew_came(call, env.now)
            Alarm(env, int(call.repair), lambda _: crew.dismiss(self.order))
            self._arm()

        crew.call(priority, self.order, index, came)

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
        if self.line.ramp is not None:
            self.line.ramp.worked(self.name, lot, started, ended)
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

    def release_hold(self, event: Any) -> None:
        """Go on, unless it has been told to be held for longer."""
        self.book_idle()
        super().release_hold(event)

    def book_idle(self) -> None:
        """Book the time of whatever has no part up to now."""
        if self.flow is None:
            return
        now = self.line.env.now
        converting = self.held and not self.flow.passages
        self.flow.idle_until(now, max(self._empty_from, self._last_out) if converting else None)

    def flush(self) -> None:
        """Book everybody's time up to now."""
        if self.flow is None:
            return
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
