"""Replicates of every case: a fixed number, or as many as it takes to know every figure as well as was asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cellfab.study.course import Ended, Known, Wanted
from cellfab.study.estimator import Estimated, estimated, required
from cellfab.study.plan import Case, Study
from cellfab.study.statistics import Interval


@dataclass(frozen=True, slots=True)
class Width:
    """How well one figure of one case is known."""

    case: Case
    metric: str
    every: tuple[float | None, ...]
    estimated: Estimated
    wanted_share: float | None

    @property
    def values(self) -> tuple[float, ...]:
        """Of the replicates that have one."""
        return tuple(value for value in self.every if value is not None)

    @property
    def interval(self) -> Interval | None:
        """None while there are too few values."""
        return self.estimated.interval

    @property
    def share(self) -> float:
        """Half-width over the mean; infinite while there is no interval."""
        return math.inf if self.interval is None else self.interval.share

    @property
    def reached(self) -> bool:
        """Whether it is known as well as was asked for."""
        return self.wanted_share is None or self.share <= self.wanted_share


def widths(study: Study, known: Known, counts: Sequence[int]) -> list[Width]:
    """How well the study's figures are known from so many replicates of each case."""
    found = []
    for case in study.cases:
        for name in study.spec.figures:
            metric = study.spec.metrics.get(name)
            every = tuple(known.values(study, case, name, counts[case.number]))
            wanted = None if metric is None else metric.half_width_share
            found.append(Width(case, name, every, estimated(study, case, every), wanted))
    return found


class Replication:
    """The same number of replicates of every case, or for each as many as its figures' scatter asks for."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.metrics = tuple(study.spec.metrics)
        self._counts: tuple[int, ...] = ()

    def next(self, known: Known) -> Wanted | Ended:
        """How many replicates each case should have: as before where every figure is known well enough.

        The number that the present scatter asks for, at most twice as many as now, for the scatter is not known well
        either. A figure that no replicate has is not waited for. Cases that are compared in pairs have the same number.
        """
        spec = self.study.spec
        if not self._counts:
            start = spec.replicates if isinstance(spec.replicates, int) else spec.replicates.least
            return self._wanted([start] * len(self.study.cases))
        if spec.fixed is not None:
            return "fixed"
        needed = list(self._counts)
        found = widths(self.study, known, self._counts)
        for width in found:
            place = width.case.number
            now = self._counts[place]
            if width.reached or width.wanted_share is None or not width.values:
                continue
            asked = required(self.study, width.every, width.estimated, width.wanted_share)
            asked = 2 * now if asked is None else min(max(asked, now + 1), 2 * now)
            needed[place] = max(needed[place], min(asked, spec.most))
        reduction = spec.variance_reduction
        if reduction is not None and reduction.antithetic:
            needed = [count + count % 2 for count in needed]
        if spec.comparison is not None and spec.comparison.paired:
            needed = [max(needed)] * len(needed)
        if tuple(needed) != self._counts:
            return self._wanted(needed)
        short = [width for width in found if not width.reached]
        if not short:
            return "precision"
        return "replicates" if any(width.values for width in short) else "unmeasured"

    def remark(self, known: Known) -> str:
        """Nothing: the half-widths say it."""
        return ""

    def part(self, known: Known) -> None:
        """Nothing: the estimates say it."""

    def _wanted(self, counts: Sequence[int]) -> Wanted:
        self._counts = tuple(counts)
        return Wanted(self.study, self._counts)
