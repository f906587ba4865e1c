"""The shifting bottleneck of a line while it runs, by active periods, in memory that does not grow with time.

A station is *active* while it waits for nobody: it works, is set up, repaired, stopped as planned, or waits for its
crew. It *waits* while a unit of it is starved or blocked (or being converted, which no flow limits). At each instant
the active station whose uninterrupted active period is the longest is the momentary bottleneck. When its period ends,
at T, the one whose active period around T is the longest takes over; while both periods overlap, the bottleneck shifts
from the one to the other, and otherwise the bottleneck is the only one.

Periods are compared by their full length, so who takes over at T is known only once all but one of the candidates have
ended, or earlier. Until then only what may still decide it is kept: the periods that have ended after T while a shorter
one among the candidates goes on. Otherwise one number for each station is all there is.

References
----------
C. Roser, M. Nakano, M. Tanaka, "A practical bottleneck detection method", Winter Simulation Conference 2001, 949-953;
"Shifting bottleneck detection", Winter Simulation Conference 2002, 1079-1086.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.units import TICKS_PER_WEEK

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun

Floats = npt.NDArray[np.float64]

SOLE, SHIFTING, SHARE = range(3)
"""Columns of what is counted, in ticks: only bottleneck; one of several between which it shifts; of all time as a
bottleneck the station's part, where that which shifts is shared out evenly."""
_NEVER = 1 << 62


class Period(NamedTuple):
    """An active period [start, end) of a station."""

    start: int
    end: int
    place: int


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """How long a station was the bottleneck.

    Attributes
    ----------
    window : ndarray of float64, shape (3,)
        Ticks since the warm-up: sole, shifting, and share (`SOLE`, `SHIFTING`, `SHARE`).
    weekly : ndarray of float64, shape (weeks, 3)
        The same by week from the very start.
    """

    window: Floats
    weekly: Floats


class Bottlenecks:
    """Watches which stations wait, and says which was the bottleneck how long.

    Parameters
    ----------
    places : int
        Stations are called 0 ... places - 1.
    horizon, warmup : int
        Ticks.
    """

    def __init__(self, places: int, horizon: int, warmup: int = 0) -> None:
        weeks = -(-horizon // TICKS_PER_WEEK)
        self.weekly: Floats = np.zeros((weeks, places, 3))
        self.window: Floats = np.zeros((places, 3))
        self._warmup = warmup
        self._horizon = horizon
        # What waits at the present tick, and since when each station has been active up to the last settled one.
        self._waiting = [0] * places
        self._since = [_NEVER] * places
        self._tick = 0
        self._touched: list[int] = []
        # The period that counts, if it is still open; else where the next one is looked for, and what may be it.
        self._current: int | None = None
        self._point = 0
        self._ended: list[Period] = []
        self._keeps_all = True
        self._look_at = 0
        # Periods that were bottlenecks and reach beyond `_counted`, up to which time is shared out.
        self._counted = 0
        self._live: list[Period] = []

    # What stations tell.

    def add(self, place: int, units: int) -> None:
        """So many units, each of which waits at first."""
        self._waiting[place] += units

    def turn(self, place: int, by: int, now: int) -> None:
        """A unit of a station begins to wait (1) or ceases to (-1) at tick `now`."""
        touched = self._touched
        if now != self._tick:
            if touched:
                self._settle()
            self._tick = now
        self._waiting[place] += by
        if by > 0:
            touched.append(place)
        elif touched and touched[-1] == place:
            touched.pop()  # it has waited for no time
        else:
            touched.append(~place)

    # One tick after the other: what has begun and ended at it, now that all of it is known.

    def _settle(self) -> None:
        tick, since, waiting = self._tick, self._since, self._waiting
        ask = self._current is None and tick >= self._look_at
        for turned in self._touched:
            place = max(turned, ~turned)
            start = since[place]
            if (not waiting[place]) == (start != _NEVER):
                continue
            if start == _NEVER:
                since[place] = tick
                ask = ask or (self._current is None and self._look_at == _NEVER)
                continue
            since[place] = _NEVER
            if place == self._current:
                self._close_current(Period(start, tick, place))
                ask = True
            elif self._current is None and start < tick and (self._keeps_all or start <= self._point):
                self._ended.append(Period(start, tick, place))
                ask = ask or start <= self._point
        self._touched.clear()
        if ask and self._current is None:
            self._decide()

    def _close_current(self, period: Period) -> None:
        self._live[-1] = period
        self._current = None
        self._point = period.end
        self._ended = []
        self._keeps_all = True

    def _decide(self) -> None:
        """Find the periods that follow, as far as they are known."""
        since, now = self._since, self._tick
        while True:
            point = self._point
            running = [place for place, start in enumerate(since) if start <= point]
            ended = [period for period in self._ended if period.start <= point < period.end]
            if not running and not ended:
                coming = [period.start for period in self._ended if period.start > point]
                coming += [start for start in since if start != _NEVER]
                if not coming:
                    self._look_at = _NEVER  # until one begins
                    return
                self._point = min(coming)
                continue
            longest = max(ended, key=lambda period: (period.end - period.start, -period.place), default=None)
            if not running:
                assert longest is not None
                self._begin(longest)
                self._point = longest.end
                self._ended = [period for period in self._ended if period.end > longest.end]
                continue
            oldest = min(running, key=lambda place: (since[place], place))
            # What runs will end after this tick, and be longer by one at least.
            beaten = longest is None or now - since[oldest] >= longest.end - longest.start
            if beaten and len(running) == 1:
                self._begin(Period(since[oldest], _NEVER, oldest))
                self._current = oldest
                self._ended = []
                return
            # If one that runs will be it, what has ended meanwhile can never follow.
            self._keeps_all = not beaten
            self._look_at = _NEVER - 1
            if beaten:
                self._ended = []
            elif longest is not None:
                self._look_at = since[oldest] + longest.end - longest.start
            return

    # Sharing out the time.

    def _begin(self, period: Period) -> None:
        """A bottleneck period is known to follow: none that comes later begins earlier."""
        self._count(period.start)
        self._live.append(period)

    def _count(self, until: int) -> None:
        """Share out the time up to `until`."""
        while self._counted < until:
            start = self._counted
            self._live = [period for period in self._live if period.end > start]
            end = min((period.end for period in self._live), default=until)
            end = min(end, until)
            if self._live:
                self._book([period.place for period in self._live], start, end)
            self._counted = end

    def _book(self, places: list[int], start: int, end: int) -> None:
        column, part = (SOLE, 1.0) if len(places) == 1 else (SHIFTING, 1.0 / len(places))
        in_window = max(0, end - max(start, self._warmup))
        for place in places:
            self.window[place, column] += in_window
            self.window[place, SHARE] += in_window * part
        while start < end:
            week = start // TICKS_PER_WEEK
            ticks = min(end, (week + 1) * TICKS_PER_WEEK) - start
            for place in places:
                self.weekly[week, place, column] += ticks
                self.weekly[week, place, SHARE] += ticks * part
            start += ticks

    @property
    def kept(self) -> int:
        """Periods that are remembered now, besides one number for each station."""
        return len(self._ended) + len(self._live)

    def close(self) -> None:
        """The run is over: every period ends at the horizon."""
        self._settle()
        self._tick = self._horizon
        for place, start in enumerate(self._since):
            if start != _NEVER:
                self._waiting[place] += 1
                self._touched.append(place)
        self._settle()
        self._count(self._horizon)


def bottlenecks(run: LineRun) -> Mapping[str, Bottleneck] | None:
    """What was found out about each station of a line that has run, by the name in the configuration."""
    seen = run.bottlenecks
    if seen is None:
        return None
    seen.close()
    return {
        name: Bottleneck(seen.window[place], seen.weekly[:, place])
        for name, place in {station.name: station.order for station in run.stations.values()}.items()
    }
