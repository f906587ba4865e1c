"""Clocks that run towards the failures of one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cellfab.config.line_spec import FailureMode
from cellfab.kernels.laws import DETERMINISTIC, Law
from cellfab.kernels.mending import LEFT, NUMBER, mend
from cellfab.kernels.serial_line import Mode, Stage, build
from cellfab.line.crews import Crew
from cellfab.line.durations import Duration
from cellfab.line.events import Alarm

if TYPE_CHECKING:
    from cellfab.line.units import Unit

IDLE = 1 << 62
_STOPS_AT_A_TIME = 256
_NO_CYCLE = Law(DETERMINISTIC, 0.0, 0.0, 0.0, np.empty(0))


class Clock:
    """One failure mode of one unit: how long it still runs and how often it has struck.

    Attributes
    ----------
    operation : bool
        It runs only while the unit works.
    left : int
        Ticks of work to the next failure (operation-dependent).
    due : int
        Tick of the next failure if the clock is not stopped before (time-dependent).
    number : int
        Failures so far: the row of the draws.
    """

    __slots__ = (
        "_entity", "_repair", "_run", "alarm_at", "crew", "due", "left", "name", "number", "operation", "priority",
        "scrap",
    )  # fmt: skip

    def __init__(self, name: str, mode: FailureMode, crew: Crew | None, run: Duration, repair: Duration, entity: int):
        self.name = name
        self.operation = mode.clock == "operation_dependent"
        self.scrap = mode.fate == "scrap"
        self.priority = mode.priority
        self.crew = crew
        self.number = 0
        self.left = self.due = IDLE
        self.alarm_at = IDLE
        self._run = run
        self._repair = repair
        self._entity = entity

    def wind(self, now: int, factor: float) -> None:
        """Draw the time to the next failure, counted from tick `now`."""
        ticks = self._run.ticks(self._entity, self.number, factor)
        if self.operation:
            self.left = ticks
        else:
            self.due = now + ticks

    @property
    def mends_itself(self) -> bool:
        """Whether its failures concern nobody but the unit: no crew is called and the lot is kept."""
        return self.operation and self.crew is None and not self.scrap

    @property
    def mode(self) -> Mode:
        """The same as the kernels take it."""
        run, repair = self._run, self._repair
        return Mode(run.law, repair.law, run.key, repair.key, scrap=self.scrap, crew=self.crew is not None)

    def count_mended(self, failures: int) -> None:
        """So many of its failures have been drawn elsewhere."""
        self.number += failures
        for duration in (self._run, self._repair):
            if duration.fixed is None:
                duration.drawn += failures

    def repair_ticks(self, factor: float) -> int:
        """Draw how long the repair of the failure that has just struck takes."""
        return self._repair.ticks(self._entity, self.number, factor)


class Clocks:
    """All failure modes of one unit.

    While the unit is down, planned off or converting no clock runs: `stop` and `go` shift what is due by the time in
    between. Time-dependent clocks keep one alarm each, never more, so that memory does not grow with time.
    """

    __slots__ = ("_chain", "_state", "_stopped_at", "_stops", "_unit", "mends_itself", "modes", "timed")

    def __init__(self, unit: Unit, modes: list[Clock]) -> None:
        self.modes = modes
        self.timed = [clock for clock in modes if not clock.operation]
        self._unit = unit
        self._stopped_at: int | None = None
        self.mends_itself = not self.timed and any(clock.mends_itself for clock in modes)
        self._chain = build([Stage(_NO_CYCLE, np.uint64(0), modes=[clock.mode for clock in modes])])
        # What the kernel works in, kept from lot to lot.
        self._state = np.empty((len(modes), 2), np.int64)
        self._stops = np.empty((_STOPS_AT_A_TIME, 2), np.int64)

    def mend_ahead(self, now: int, work: int, time_to_failure: float, time_to_repair: float) -> tuple[int, int]:
        """Decide ahead of time all failures within `work` ticks that need nobody and spare the lot.

        Nothing outside the unit can change when they come and how long they last, so that they need not be events: they
        go to `Unit.ahead`. Only for a unit without planned stops and time-dependent clocks.

        Returns
        -------
        (int, int)
            Tick up to which it has been decided, and the work that is left then.
        """
        state, stops = self._state, self._stops
        for row, clock in enumerate(self.modes):
            state[row, LEFT], state[row, NUMBER] = clock.left, clock.number
        mended = _STOPS_AT_A_TIME
        while mended == _STOPS_AT_A_TIME:
            mended, now, work = mend(
                self._chain, state, self._unit.index, now, work, time_to_failure, time_to_repair, stops
            )
            if mended:
                self._unit.stop_ahead(stops[:mended].copy())
        for clock, (left, number) in zip(self.modes, state.tolist(), strict=True):
            clock.left = left
            if number > clock.number:
                clock.count_mended(number - clock.number)
        return int(now), int(work)  # uncompiled kernels give numpy integers

    def next_in(self, now: int, working: bool) -> tuple[int, Clock | None]:
        """Ticks to the next failure and its clock; the order written decides between equals."""
        soonest, which = IDLE, None
        for clock in self.modes:
            if clock.operation:
                if not working:
                    continue
                ticks = clock.left
            else:
                ticks = clock.due - now
            if ticks < soonest:
                soonest, which = ticks, clock
        # A clock that ran out at the very tick at which its unit finished a lot or was stopped strikes at once.
        return max(soonest, 0), which

    def worked(self, ticks: int) -> None:
        """The unit has worked for `ticks`."""
        for clock in self.modes:
            if clock.operation:
                clock.left -= ticks

    def stop(self, now: int) -> None:
        """Stop all clocks (if they run)."""
        if self._stopped_at is None:
            self._stopped_at = now

    def go(self, now: int) -> None:
        """Let all clocks run on (if they are stopped)."""
        if self._stopped_at is not None:
            for clock in self.timed:
                clock.due += now - self._stopped_at
            self._stopped_at = None

    def rewind(self, clock: Clock, now: int, factor: float) -> None:
        """After a repair: draw anew for the mode that struck; the clocks are still stopped."""
        clock.number += 1
        clock.wind(now if self._stopped_at is None else self._stopped_at, factor)

    def overdue(self, now: int) -> Clock | None:
        """A time-dependent clock that has run out, if any."""
        if self._stopped_at is None:
            for clock in self.timed:
                if clock.due <= now:
                    return clock
        return None

    def watch(self, now: int) -> None:
        """The unit waits: make sure that each time-dependent clock has an alarm no later than it is due."""
        for clock in self.timed:
            if clock.due < clock.alarm_at:
                clock.alarm_at = clock.due
                Alarm(self._unit.station.line.env, max(clock.due - now, 0), _Ring(self, clock, clock.due))

    def ring(self, clock: Clock, at: int) -> None:
        """An alarm: strike if the clock has run out and the unit waits, else watch on."""
        if at != clock.alarm_at:
            return
        clock.alarm_at = IDLE
        if self._stopped_at is None and self._unit.waits:
            now = self._unit.station.line.env.now
            if clock.due <= now:
                self._unit.strike(clock)
            else:
                self.watch(now)


class _Ring:
    """A callback that remembers which clock it belongs to."""

    __slots__ = ("_at", "_clock", "_clocks")

    def __init__(self, clocks: Clocks, clock: Clock, at: int) -> None:
        self._clocks = clocks
        self._clock = clock
        self._at = at

    def __call__(self, _: Any) -> None:
        self._clocks.ring(self._clock, self._at)
