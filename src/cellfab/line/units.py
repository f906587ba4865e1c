"""One unit of a station: what it holds, what it is doing, and how it fails and is mended."""

from __future__ import annotations

from collections.abc import Generator
from heapq import heappush
from typing import TYPE_CHECKING, Any

import numpy as np
from simpy.events import Event

from cellfab.core.lot import Lot
from cellfab.kernels.serial_line import Ints
from cellfab.line.events import Bell
from cellfab.line.failures import Clock, Clocks
from cellfab.line.states import BLOCKED, CONVERTING, DOWN, STARVED, WAITING_CREW, WAITS, WORKING

if TYPE_CHECKING:
    from cellfab.line.stations import Station

Flow = Generator[int | None, Any, Any]
"""A unit's life: it yields ticks to spend, or None to be left alone until it is needed."""


class Unit:
    """One of the identical units of a station.

    Attributes
    ----------
    lots : list of Lot
        In it: collected, worked on, or finished and waiting to leave.
    outgoing : int
        How many of them are finished and waiting to leave.
    state : int
        What it would be doing; what counts is `shown`, in which a planned stop or a conversion covers the rest.
    waits : bool
        It is suspended in `next_lots`, until it may `begin` or something `strike`s.
    hungry : bool
        It is free and able to take lots.
    product : str or None
        What it was last set up for.
    ahead : ndarray of int64, shape (stops, 2), or None
        Ticks at which it goes down and comes up again: decided (`Clocks.mend_ahead`) but not yet booked to the end.
    """

    __slots__ = (
        "_bell", "_life", "ahead", "clocks", "collected", "down", "failures", "hungry", "hungry_since", "index", "lots",
        "outgoing", "product", "shown", "since", "state", "station", "waits",
    )  # fmt: skip

    def __init__(self, station: Station, index: int) -> None:
        self.station = station
        self.index = index
        self.lots: list[Lot] = []
        self.outgoing = 0
        self.collected = 0
        self.product: str | None = None
        self.state = self.shown = STARVED
        self.since = station.begins
        self.down = self.waits = self.hungry = False
        self.hungry_since = 0
        self.failures = 0
        self._life: Flow
        self._bell = Bell(station.line.env, self._time_is_up)
        self.clocks: Clocks | None = None
        self.ahead: Ints | None = None

    # Living.

    def live(self, life: Flow) -> None:
        """Begin a life, at the present tick."""
        self._life = life
        self._bell.set(0)

    def _time_is_up(self, _: Event) -> None:
        self._go_on(None)

    def _crew_came(self) -> None:
        self._go_on(None)

    def _go_on(self, struck: Clock | None) -> None:
        """Do what comes next, up to the moment at which time has to pass."""
        ticks = self._life.send(struck)
        if ticks is not None:
            self._bell.set(ticks)

    # States.

    def enter(self, state: int) -> None:
        """Be in `state` from now on."""
        self.state = state
        station = self.station
        if self.ahead is not None:
            self.flush()
            if self.ahead is not None:
                return  # it is in the midst of what has been decided: work and stops
        if station.held and not self.lots:
            state = CONVERTING
        elif station.off:
            state = station.off_state
        shown = self.shown
        if state != shown:
            self._book()
            waits = WAITS[state]
            if waits is not WAITS[shown]:
                station.line.turn(station.order, waits=waits)
            self.shown = state

    def flush(self) -> None:
        """Book the time in the present state up to now."""
        if self.ahead is not None:
            self._flush_ahead(self.ahead)
        self._book()

    def _book(self) -> None:
        station = self.station
        now = station.line.env.now
        if now > self.since:
            station.book.ticks[self.shown] += now - self.since
            self.since = now

    def stop_ahead(self, stops: Ints) -> None:
        """Stops of the work that has just begun, shape (stops, 2): ticks of going down and of coming up."""
        self.ahead = stops if self.ahead is None else np.concatenate((self.ahead, stops))

    def _flush_ahead(self, stops: Ints) -> None:
        """Book work and stops up to now, or to the end of the last stop; keep those that are still to come."""
        now = self.station.line.env.now
        ticks = self.station.book.ticks
        begun = int(np.searchsorted(stops[:, 0], now, side="right"))
        if not begun:
            return
        past = np.minimum(stops[:begun], now)
        until = int(past[-1, 1])
        down = int((past[:, 1] - np.maximum(past[:, 0], self.since)).sum())
        ticks[DOWN] += down
        ticks[WORKING] += until - self.since - down
        failures = begun - (self.shown == DOWN)  # the first one may be one that was booked in part
        self.failures += failures
        self.station.failures += failures
        self.since = until
        self.shown = DOWN if stops[begun - 1, 1] > now else WORKING
        rest = stops[begun - (self.shown == DOWN) :]
        self.ahead = rest if len(rest) else None

    def let_clocks_run(self) -> None:
        """Let the failure clocks go on if nothing keeps them stopped."""
        station = self.station
        if self.clocks is None or self.down or station.off or (station.held and not self.lots):
            return
        now = station.line.env.now
        self.clocks.go(now)
        if self.waits:
            self.clocks.watch(now)

    def stop_clocks(self) -> None:
        """Stop the failure clocks."""
        if self.clocks is not None:
            self.clocks.stop(self.station.line.env.now)

    # Waiting.

    def next_lots(self) -> Flow:
        """Wait until the finished lots have left and new ones are here; fail and be mended meanwhile."""
        station = self.station
        env = station.line.env
        clocks = self.clocks
        while True:
            if self.outgoing:
                self.enter(BLOCKED)
            else:
                self.become_hungry()
            struck = None if clocks is None else clocks.overdue(env.now)
            if struck is None:
                if clocks is not None:
                    clocks.watch(env.now)
                self.waits = True
                struck = yield None
                if struck is None:
                    return
            self.hungry = False
            if struck.scrap and self.lots:
                station.throw_out(self)
            yield from self.fail(struck)

    def become_hungry(self) -> None:
        """Be free for new lots."""
        station = self.station
        self.hungry = True
        self.hungry_since = station.line.env.now
        heappush(station.hungry, (self.hungry_since, self.index))
        self.enter(STARVED)
        if station.held and not self.lots:
            self.stop_clocks()
        station.line.touch(station)

    def freed(self) -> None:
        """The last finished lot has left."""
        if self.waits:
            self.become_hungry()

    def begin(self) -> None:
        """All lots that were waited for are here."""
        self.hungry = self.waits = False
        self.collected = 0
        self._go_on(None)

    def strike(self, clock: Clock) -> None:
        """A failure while the unit waits."""
        self.hungry = self.waits = False
        self._go_on(clock)

    # Failing.

    def fail(self, clock: Clock) -> Flow:
        """Go down, wait for the crew if one is needed, be mended."""
        station = self.station
        line = station.line
        assert self.clocks is not None
        self.down = True
        self.failures += 1
        station.failures += 1
        self.clocks.stop(line.env.now)
        crew = clock.crew
        if crew is not None:
            self.enter(WAITING_CREW)
            crew.call(clock.priority, station.order, self.index, self._crew_came)
            yield None
        self.enter(DOWN)
        yield clock.repair_ticks(station.pace.time_to_repair)
        if crew is not None:
            crew.dismiss(station.order)
        self.down = False
        self.clocks.rewind(clock, line.env.now, station.pace.time_to_failure)
        self.let_clocks_run()
