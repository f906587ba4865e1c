"""Speed released by policy: held on purpose until scrap has fallen, then raised step by step."""

from __future__ import annotations

import math
from collections import deque

from cellfab.config.ramp_spec import RateRelease, ReleaseWhen


class Release:
    """The speed of one station under a policy.

    Parameters
    ----------
    rate : RateRelease
        From `start` to `mature`, shares of nominal speed.
    when : ReleaseWhen
        The condition, and how large a step is.

    Attributes
    ----------
    rate : float
        Share of nominal speed released so far.
    """

    def __init__(self, rate: RateRelease, when: ReleaseWhen) -> None:
        self._start, self._mature, self._when = rate.start, rate.mature, when
        self.rate = rate.start
        self._restart()

    def _restart(self) -> None:
        self._weeks: deque[tuple[float, float]] = deque(maxlen=self._when.over_weeks)
        self._first: float | None = None

    def week(self, begun: float, lost: float) -> None:
        """A week is over in which `lost` of `begun` cells (or what is worth as many) were scrapped.

        A week in which nothing was begun tells nothing and does not count.
        """
        if begun <= 0.0:
            return
        self._weeks.append((begun, lost))
        if len(self._weeks) < self._when.over_weeks:
            return
        scrap = math.fsum(part for _, part in self._weeks) / math.fsum(whole for whole, _ in self._weeks)
        if self._first is None:
            self._first = scrap
        limit = self._when.scrap_below_share
        if limit is None:
            limit = self._first * (self._when.scrap_falls_to_share or 0.0)
        if scrap <= limit and self.rate < self._mature:
            self.rate = min(self._mature, self.rate + self._when.step_share)
            self._weeks.clear()

    @property
    def progress(self) -> float:
        """Share released so far of what there is to release, 0-1."""
        gap = self._mature - self._start
        return (self.rate - self._start) / gap if gap > 0.0 else 1.0

    def restart(self, progress: float) -> None:
        """Start again with a share of the release, 0-1, done; scrap is counted anew."""
        self.rate = self._start + progress * (self._mature - self._start)
        self._restart()
