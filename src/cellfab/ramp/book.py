"""The ramp book: where every station of a line stands, kept up to date lot by lot."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush
from typing import NamedTuple

from cellfab.config.ramp_spec import Ramp, StationRamp
from cellfab.ramp.laws import HOURS_PER_MONTH, carried_progress, duane_clock_for, experience_for
from cellfab.ramp.lessons import Lessons
from cellfab.ramp.pace import Pace
from cellfab.ramp.release import Release
from cellfab.units import TICKS_PER_H, TICKS_PER_WEEK

_TICKS_PER_MONTH = HOURS_PER_MONTH * TICKS_PER_H


class Standing(NamedTuple):
    """Where a station stands, for the report."""

    maturity: float
    experience_months: float
    operating_months: float
    clock_h: float


class _State:
    """One station's laws as plain numbers, and its three clocks."""

    __slots__ = (
        "calendar", "clock_h", "experience", "exponent", "forgetting", "idle_after", "last", "lessons", "mature_h",
        "operating", "rate_gap", "rate_mature", "rate_tau", "release", "repair_gap", "repair_tau", "tau", "units",
        "used",
    )  # fmt: skip

    def __init__(self, ramp: StationRamp, units: float, now: int) -> None:
        self.units = units
        self.last = now
        self.experience = 0.0  # months, effective
        self.operating = 0.0  # months, without idle time
        self.clock_h = 0.0  # Duane clock: operating hours, with the head start of `reliability.start`
        self.lessons: list[tuple[int, float]] = []  # tick from which on it counts, months; a heap
        self.set_laws(ramp)

    def set_laws(self, ramp: StationRamp) -> None:
        learning, rate, reliability = ramp.learning, ramp.rate, ramp.reliability
        self.tau = learning.time_constant_months
        self.calendar = learning.calendar_weight
        self.used = learning.utilisation_weight
        self.forgetting = learning.forgetting_share_per_month
        self.idle_after = learning.idle_after_weeks * TICKS_PER_WEEK
        self.rate_mature = rate.mature
        self.rate_gap = rate.mature - rate.start
        self.rate_tau = rate.time_constant_months
        self.release = None if rate.when is None else Release(rate, rate.when)
        self.exponent = reliability.growth_exponent
        self.mature_h = reliability.mature_after_h
        self.repair_gap = reliability.repair_start - 1.0
        self.repair_tau = reliability.repair_time_constant_months

    @property
    def freed(self) -> float:
        """Share released so far, when it last worked, of what speed there is to release, 0-1."""
        return -math.expm1(-self.operating / self.rate_tau) if self.release is None else self.release.progress

    def learn(self, now: int) -> None:
        """Put to use what other lines have learned by now."""
        while self.lessons and self.lessons[0][0] <= now:
            self.experience += heappop(self.lessons)[1]

    def experience_at(self, now: int) -> float:
        """Experience at `now`, if it has not worked since `last`; a tick before that counts as `last`."""
        gap = now - self.last
        if gap <= 0:
            return self.experience
        experience, active, idle = self.experience, float(gap), gap - self.idle_after
        if idle > 0.0:
            active = gap - idle
            experience *= math.exp(-self.forgetting * idle / _TICKS_PER_MONTH)
        return experience + self.calendar * (active / _TICKS_PER_MONTH)

    def operating_at(self, now: int) -> float:
        """Operating months in the same way."""
        gap = now - self.last
        if gap <= 0:
            return self.operating
        idle = gap - self.idle_after
        return self.operating + (gap if idle <= 0.0 else gap - idle) / _TICKS_PER_MONTH

    def work(self, now: int, started: int, worked: float) -> None:
        """Learn from a lot since `started`, finished at `now`, with `worked` ticks of all units together."""
        gap = now - self.last
        idle = started - self.last - self.idle_after
        active = float(gap)
        if idle > 0.0:
            active = gap - idle
            self.experience *= math.exp(-self.forgetting * idle / _TICKS_PER_MONTH)
        months = active / _TICKS_PER_MONTH
        self.experience += self.calendar * months + self.used * worked / _TICKS_PER_MONTH
        self.operating += months
        self.clock_h += worked / TICKS_PER_H
        self.last = now


class RampBook:
    """Experience of every station; deterministic, and independent of the order in which stations report.

    Three clocks run per station: effective experience (calendar and use; it fades while idle) drives yield, months of
    operation drive the released rate and the speed of repairs, and hours worked drive the time between failures.
    Ask at the start of a lot and keep the answer for the whole lot.

    Parameters
    ----------
    ramp : Ramp
        Laws by station.
    units : mapping of station name to float
        Parallel units (machines, positions, places of a store) of each station, so that one lot on one of many units
        counts for its share.
    start : int
        Tick at which the book opens.
    lessons : Lessons, optional
        What lines learn from each other; none: nothing.
    absent : collection of str
        Stations that are not there yet: each is opened by `begin_like`, and learns nothing before.

    Attributes
    ----------
    restarted : callable or None
        Told the station, the share carried over and the tick whenever a station restarts.
    """

    def __init__(
        self, ramp: Ramp, units: Mapping[str, float], start: int = 0, lessons: Lessons | None = None,
        absent: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self._lessons = lessons
        self._absent = set(absent)
        self.restarted: Callable[[str, float, int], None] | None = None
        self._states = {name: _State(ramp.of(name), count, start) for name, count in units.items()}
        for name, state in self._states.items():
            laws, age = ramp.of(name), 0.0 if name in self._absent else ramp.months_before_start
            used = ramp.utilisation_before_start
            state.experience = experience_for(laws.learning.maturity_at_start, state.tau)
            state.experience += (state.calendar + state.used * used) * age
            state.operating = age
            state.clock_h = duane_clock_for(laws.reliability.start, state.exponent, state.mature_h)
            state.clock_h += used * age * HOURS_PER_MONTH

    def advance(self, station: str, now: int, working_ticks: float, started: int | None = None) -> None:
        """The station has finished a lot at tick `now`, which took `working_ticks` of unit time.

        `started` is the tick at which it took the lot up; default: `working_ticks` before `now`, as on one unit. Only
        the time between its last lot and that tick can count as idle.
        """
        state = self._states[station]
        if self._lessons is not None:
            state.learn(now)
            self._teach(self._lessons, station, now, state.used * working_ticks / state.units / _TICKS_PER_MONTH)
        worked = working_ticks / state.units
        if now < state.last:  # a parallel unit reported a later end already: only the work itself is news
            state.experience += state.used * worked / _TICKS_PER_MONTH
            state.clock_h += worked / TICKS_PER_H
            return
        state.work(now, int(now - working_ticks) if started is None else started, worked)

    def _teach(self, lessons: Lessons, station: str, now: int, months: float) -> None:
        """Pass on what a lot of work has taught."""
        for peer in lessons.peers.get(station, ()):
            if peer not in self._absent:
                heappush(self._states[peer].lessons, (now + lessons.delay, lessons.share * months))

    def maturity(self, station: str, now: int) -> float:
        """Maturity in [0, 1) of the station's process capabilities at tick `now`."""
        state = self._states[station]
        if state.lessons:
            state.learn(now)
        return -math.expm1(-state.experience_at(now) / state.tau)

    def pace(self, station: str, now: int) -> Pace:
        """Factors on speed, time to failure and time to repair at tick `now`."""
        state = self._states[station]
        months, clock_h = state.operating_at(now), state.clock_h
        growth = 1.0 if clock_h >= state.mature_h else (clock_h / state.mature_h) ** state.exponent
        if state.release is None:
            rate = state.rate_mature - state.rate_gap * math.exp(-months / state.rate_tau)
        else:
            rate = state.release.rate
        return Pace(rate, growth, 1.0 + state.repair_gap * math.exp(-months / state.repair_tau))

    @property
    def waits_for_scrap(self) -> bool:
        """Whether the speed of any station depends on scrap: then `scrap_of_week` has to be told."""
        return any(state.release is not None for state in self._states.values())

    def scrap_of_week(self, begun: float, lost: float) -> None:
        """A week is over in which what is worth `begun` cells was begun and `lost` was scrapped, on the whole line."""
        for state in self._states.values():
            if state.release is not None:
                state.release.week(begun, lost)

    def idle_ticks(self, station: str, now: int) -> float:
        """How long a station has been idle by tick `now`, beyond the time from which on it counts as idle."""
        state = self._states[station]
        return max(0.0, now - state.last - state.idle_after)

    def standing(self, station: str, now: int) -> Standing:
        """All clocks of the station at tick `now`."""
        state = self._states[station]
        state.learn(now)
        experience = state.experience_at(now)
        return Standing(-math.expm1(-experience / state.tau), experience, state.operating_at(now), state.clock_h)

    def begin_like(self, station: str, model: str, now: int, kept: float) -> None:
        """A station that was not there comes alive at tick `now` as a copy of another one.

        Of the maturity, of the released share of the rate and of the operating hours that `model` has reached by then
        it starts with the share `kept` (0..1), or with what its own laws say if that is more: y_j0 = y_ref (1 - loss),
        said of what has been learned.
        """
        ours, theirs = self._states[station], self._states[model]
        theirs.learn(now)
        experience, months, clock_h = theirs.experience_at(now), theirs.operating_at(now), theirs.clock_h
        ours.experience = max(ours.experience, carried_progress(experience / theirs.tau, kept) * ours.tau)
        ours.operating = carried_progress(months / theirs.rate_tau, kept) * ours.rate_tau
        ours.clock_h = max(ours.clock_h, kept * clock_h)
        ours.last = now
        if ours.release is not None:
            freed = -math.expm1(-months / theirs.rate_tau) if theirs.release is None else theirs.release.progress
            ours.release.restart(kept * freed)
        self._absent.discard(station)

    def convert(self, station: str, now: int, carried: float, ramp: StationRamp | None = None) -> None:
        """Restart a station at tick `now` with a share of what it had learned.

        Of the maturity, of the released share of the rate and of the operating hours reached when it last worked,
        `carried` (0..1) still counts; the months of the standstill themselves neither teach nor fade, since `carried`
        describes the whole stop. `ramp` gives the laws from now on; none: the old ones.
        """
        state = self._states[station]
        progress = carried_progress(state.experience / state.tau, carried)
        released = carried_progress(state.operating / state.rate_tau, carried)
        freed = state.freed
        if ramp is not None:
            state.set_laws(ramp)
            head_start = duane_clock_for(ramp.reliability.start, state.exponent, state.mature_h)
            floor = experience_for(ramp.learning.maturity_at_start, state.tau)
        else:
            head_start = floor = 0.0
        state.experience = max(floor, progress * state.tau)
        state.operating = released * state.rate_tau
        state.clock_h = max(head_start, carried * state.clock_h)
        state.last = now
        if state.release is not None:
            state.release.restart(carried * freed)
        if self.restarted is not None:
            self.restarted(station, carried, now)
