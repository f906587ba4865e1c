"""Statistics that are gathered as time goes by and take the same memory after an hour and after a year."""

from __future__ import annotations

import numpy as np

from cellfab.kernels.sketch import BUCKETS, bucket_of, quantile
from cellfab.units import TICKS_PER_WEEK


class Tally:
    """Count, mean, largest value and quantiles of durations.

    Quantiles come from counts in buckets of growing width (`cellfab.kernels.sketch`), exact within 0.4 %.
    """

    __slots__ = ("_counts", "count", "largest", "total")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything seen so far (end of the warm-up)."""
        self.count = 0
        self.total = 0
        self.largest = 0
        self._counts: dict[int, int] = {}  # by bucket: few of them are ever filled

    def add(self, ticks: int) -> None:
        """Note one duration, in ticks, zero or more."""
        self.count += 1
        self.total += ticks
        if ticks > self.largest:
            self.largest = ticks
        bucket = bucket_of(ticks)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1

    def merge(self, other: Tally) -> None:
        """Add everything that another tally has noted."""
        self.count += other.count
        self.total += other.total
        self.largest = max(self.largest, other.largest)
        for bucket, count in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + count

    @property
    def mean(self) -> float:
        """Mean in ticks; 0 if nothing was noted."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, share: float) -> float:
        """Ticks that a share (0 to 1) of the noted durations does not exceed; 0 if none was noted."""
        counts = np.zeros(BUCKETS, np.int64)
        counts[list(self._counts)] = list(self._counts.values())
        return quantile(counts, share, self.total, self.largest)


class Level:
    """A whole number that changes in time: its integral, mean and largest value.

    What it is between two changes at the same tick does not count: a lot that goes straight through has not waited.

    Attributes
    ----------
    value : int
        Now.
    """

    __slots__ = ("_area", "_area_before", "_began", "_largest", "_since", "value")

    def __init__(self) -> None:
        self.value = 0
        self._largest = 0
        self._area = self._area_before = 0
        self._since = self._began = 0

    def change(self, by: int, now: int) -> None:
        """Step by `by` at tick `now`."""
        if now != self._since:
            self._area += self.value * (now - self._since)
            self._since = now
            if self.value > self._largest:
                self._largest = self.value
        self.value += by

    def reset(self, now: int) -> None:
        """Forget the past (end of the warm-up), keep the level."""
        self._area_before = self._area = self.area(now)
        self._since = self._began = now
        self._largest = 0

    def largest(self, now: int) -> int:
        """Largest value since the last reset that lasted."""
        return max(self._largest, self.value) if now > self._since else self._largest

    def area(self, now: int) -> int:
        """Integral from the very start to tick `now`, in ticks."""
        return self._area + self.value * (now - self._since)

    def mean(self, now: int) -> float:
        """Time average since the last reset."""
        span = now - self._began
        return (self.area(now) - self._area_before) / span if span else float(self.value)


class WeeklyArea:
    """A whole number that changes in time: its integral by week from the very start."""

    __slots__ = ("_since", "_value", "_weeks")

    def __init__(self) -> None:
        self._value = self._since = 0
        self._weeks: dict[int, int] = {}

    def change(self, by: int, now: int) -> None:
        """Step by `by` at tick `now`."""
        while self._value and self._since < now:
            week = self._since // TICKS_PER_WEEK
            until = min(now, (week + 1) * TICKS_PER_WEEK)
            self._weeks[week] = self._weeks.get(week, 0) + self._value * (until - self._since)
            self._since = until
        self._since = now
        self._value += by

    def by_week(self, now: int) -> dict[int, int]:
        """Integral by week up to tick `now`, in ticks; weeks without any are left out."""
        self.change(0, now)
        return dict(self._weeks)
