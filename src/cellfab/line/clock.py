"""When a station does not work: shifts, planned maintenance and closures as one merged timetable, exact in ticks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from cellfab.config.line_spec import Calendar, PlannedMaintenance
from cellfab.errors import ConfigError
from cellfab.units import to_ticks

NEVER = 1 << 62
"""Later than any tick of a run."""
_MOST_STEPS = 100_000
"""Intervals looked at before a timetable is declared to be off for ever."""


def hours_to_ticks(hours: float) -> int:
    """Hours to the nearest tick."""
    return to_ticks(hours * 3600.0)


class Timetable:
    """Intervals in which a station is off, half open: off at their first tick, on again at their end.

    Shifts and maintenance are not listed ahead: each question is answered from the repeating pattern, so memory does
    not grow with simulated time. Closures are single, and given.

    Parameters
    ----------
    calendar : Calendar or None
        Working windows within a repeating cycle; None: always on.
    maintenance : iterable of PlannedMaintenance
        Stops at a fixed interval, merged with the calendar.
    closures : sequence of (int, int)
        Ticks from which and up to which nothing is supplied to the station; in order, apart from each other.
    begins : int
        Tick from which the intervals of maintenance are counted.
    """

    def __init__(
        self,
        calendar: Calendar | None,
        maintenance: Iterable[PlannedMaintenance] = (),
        closures: Sequence[tuple[int, int]] = (),
        begins: int = 0,
    ) -> None:
        self._cycle = 0
        self._windows: list[tuple[int, int]] = []
        if calendar is not None:
            self._cycle = hours_to_ticks(calendar.cycle_h)
            self._windows = _merged(
                [(hours_to_ticks(w.start_h), hours_to_ticks(w.end_h)) for w in calendar.working.values()], self._cycle
            )
            if self._windows == [(0, self._cycle)]:
                self._windows = []
        self._stops = []
        for stop in maintenance:
            every, lasts = hours_to_ticks(stop.every_h), hours_to_ticks(stop.duration_h)
            if lasts >= every:
                raise ConfigError(
                    f"planned maintenance of {stop.duration_h:g} h every {stop.every_h:g} h leaves no time to work"
                )
            first = begins + (every if stop.first_h is None else hours_to_ticks(stop.first_h))
            self._stops.append((first, every, lasts))
        self._closures = tuple(closures)
        self._closing = [start for start, _ in self._closures]

    @property
    def always_on(self) -> bool:
        """True if there is no stop at all."""
        return not self._windows and not self._stops and not self._closures

    def is_off(self, tick: int) -> bool:
        """Whether `tick` lies in a planned stop or a closure."""
        return self._off_until(tick) > tick

    def closed_until(self, tick: int) -> int:
        """End of the closure that covers `tick`; `tick` itself if none does."""
        before = bisect_right(self._closing, tick)
        return max(tick, self._closures[before - 1][1]) if before else tick

    def closed_between(self, start: int, end: int) -> int:
        """Ticks of closures from `start` to `end`."""
        return sum(max(min(last, end) - max(first, start), 0) for first, last in self._closures)

    def next_change(self, tick: int) -> int:
        """The first tick after `tick`, at which the station is off, where it goes on again or a closure begins or ends.

        Where a closure meets a planned stop the closure counts, so these are all changes of what keeps it off.
        """
        until = self.closed_until(tick)
        if until > tick:
            return until
        coming = bisect_right(self._closing, tick)
        closing = self._closing[coming] if coming < len(self._closing) else NEVER
        return min(self.next_on(tick), closing)

    def next_off(self, tick: int) -> int:
        """The first tick at or after `tick` that is off; `NEVER` if none is."""
        for _ in range(_MOST_STEPS):
            if tick >= NEVER or self.is_off(tick):
                return tick
            tick = min(self._changes(tick))
        raise ConfigError("a timetable never stops although it has planned stops")

    def next_on(self, tick: int) -> int:
        """The first tick at or after `tick` that is not off."""
        for _ in range(_MOST_STEPS):
            until = self._off_until(tick)
            if until <= tick:
                return tick
            tick = until
        raise ConfigError("shifts and planned maintenance together leave no time to work")

    def _off_until(self, tick: int) -> int:
        """End of one stop that covers `tick`; `tick` itself if none does."""
        if self._windows:
            phase = tick % self._cycle
            start_of_cycle = tick - phase
            following = next((w for w in self._windows if phase < w[1]), None)
            if following is None:
                return start_of_cycle + self._cycle + self._windows[0][0]
            if phase < following[0]:
                return start_of_cycle + following[0]
        for first, every, lasts in self._stops:
            if tick >= first:
                into = (tick - first) % every
                if into < lasts:
                    return tick + lasts - into
        return self.closed_until(tick)

    def _changes(self, tick: int) -> Iterable[int]:
        """Ticks after `tick`, at which the station is on, where a stop may begin."""
        if self._windows:
            phase = tick % self._cycle
            yield tick - phase + next(end for _, end in self._windows if phase < end)
        for first, every, _ in self._stops:
            yield first if tick < first else tick + every - (tick - first) % every
        coming = bisect_right(self._closing, tick)
        yield self._closing[coming] if coming < len(self._closing) else NEVER


def _merged(windows: list[tuple[int, int]], cycle: int) -> list[tuple[int, int]]:
    """Working windows sorted, with overlapping and touching ones joined."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(windows):
        if not 0 <= start < end <= cycle:
            raise ConfigError("working time must have 0 <= start_h < end_h <= cycle_h")
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
