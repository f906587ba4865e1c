"""When a station does nothing although it could: planned stops, closures, and being held by a conversion."""

from __future__ import annotations

from typing import Any

from cellfab.line.clock import NEVER, Timetable
from cellfab.line.events import BOUNDARY, Alarm
from cellfab.line.nodes import Giver
from cellfab.line.states import PLANNED, STARVED


class Stopped(Giver):
    """What stations and stores that act as stations have in common about stops.

    No slots, so that it can stand beside another base that has some.

    Attributes
    ----------
    off, held : bool
        In a planned stop or a closure; stopped by a controller (conversion).
    off_state : int
        How the time counts while it is off: planned, or starved while nothing is supplied to it.
    off_at, on_at : int
        Tick at which the next planned stop begins, and at which the present one ends.
    held_until : int
        Tick up to which it was last told to be held.
    timetable : Timetable or None
        None: no stop is planned.
    """

    def plan_stops(self, spec: Any) -> None:
        """Lay out the timetable of a station as configured."""
        line = self.line
        self.off = self.held = False
        self.off_state = PLANNED
        self.off_at = NEVER
        self.on_at = self.held_until = 0
        calendar = None if spec.calendar is None else line.spec.calendars[spec.calendar]
        timetable = Timetable(calendar, spec.maintenance.values(), line.closures.get(self.name, ()), self.begins)
        self.timetable: Timetable | None = None if timetable.always_on else timetable

    def follow_timetable(self, _: Any = None) -> None:
        """Be off or on as the timetable says, now and at each of its changes from now on."""
        timetable = self.timetable
        if timetable is None:
            return
        now = self.line.env.now
        self.off = timetable.is_off(now)
        if self.off:
            self.on_at = timetable.next_on(now)
            self.off_state = STARVED if timetable.closed_until(now) > now else PLANNED
            upcoming = timetable.next_change(now)
        else:
            self.off_at = upcoming = timetable.next_off(now)
        if upcoming < NEVER:
            Alarm(self.line.env, upcoming - now, self.follow_timetable, BOUNDARY)
        self.stops_changed()

    def hold(self, until: int) -> None:
        """Begin nothing before tick `until`: what is empty is "converting", the rest becomes so once empty."""
        self.held = True
        self.held_until = max(until, self.held_until)
        Alarm(self.line.env, max(until - self.line.env.now, 0), self.release_hold, BOUNDARY)
        self.stops_changed()

    def release_hold(self, _: Any) -> None:
        """Go on, unless it has been told to be held for longer."""
        if self.held and self.line.env.now >= self.held_until:
            self.held = False
            self.stops_changed()

    def stops_changed(self) -> None:
        """`off` or `held` has changed."""
        raise NotImplementedError
