"""A screening one at a time: few replicates of every end, then more of the ends of those values that seem to matter.

With common random numbers most values of a plant change a figure by exactly nothing, and one replicate says so. What is
left is ranked by the length of its bar; the longest are looked at again in as many replicates as it takes to know them.
"""

from __future__ import annotations

import math

from cellfab.study.course import Ended, Known, Wanted
from cellfab.study.plan import Case, Study
from cellfab.study.tornado import largest, tornado


class Screening:
    """`least` replicates of every case, then `most` of the base and of the ends of the values that are kept."""

    def __init__(self, study: Study) -> None:
        assert not isinstance(study.spec.replicates, int)
        assert study.spec.design.keep is not None
        self.study = study
        self.metrics = tuple(study.spec.metrics)
        self._least, self._most = study.spec.replicates.least, study.spec.replicates.most
        self._keep = study.spec.design.keep
        self._counts: tuple[int, ...] = ()
        self._decided = False

    def next(self, known: Known) -> Wanted | Ended:
        """Every end in the first round, the kept ones in the second."""
        cases = self.study.cases
        if not self._counts:
            self._counts = (self._least,) * len(cases)
            ends = 2 * self._keep + 1
            return Wanted(self.study, self._counts, later=(self._most - self._least) * min(ends, len(cases)))
        if self._decided or self._most == self._least:
            return "fixed"
        self._decided = True
        kept = self._kept(known)
        self._counts = tuple(self._most if case.number in kept else self._least for case in cases)
        return Wanted(self.study, self._counts)

    def remark(self, known: Known) -> str:
        """Which round it is."""
        if not self._decided:
            return "every value at both ends"
        return f"the {self._keep} values with the longest bars"

    def part(self, known: Known) -> None:
        """Nothing: the analysis of the points says it."""

    def _kept(self, known: Known) -> set[int]:
        """Numbers of the cases that are looked at again: by any of the figures, in any variant."""
        by_variant: dict[str, dict[int, Case]] = {}
        for case in self.study.cases:
            by_variant.setdefault(case.variant, {})[case.point] = case
        kept = set()
        for cases in by_variant.values():
            if 0 not in cases:
                continue
            kept.add(cases[0].number)
            moved = {(point + 1) // 2 for point in cases if point}
            for metric in self.metrics:
                ends = {
                    str(place): (
                        self._values(known, cases.get(2 * place - 1), metric),
                        self._values(known, cases.get(2 * place), metric),
                    )
                    for place in moved
                }
                swings = tornado(self._values(known, cases[0], metric) or [], ends)
                for swing in largest([one for one in swings if one.size > 0.0], self._keep):
                    points = (2 * int(swing.name) - 1, 2 * int(swing.name))
                    kept |= {cases[point].number for point in points if point in cases}
        return kept

    def _values(self, known: Known, case: Case | None, metric: str) -> list[float] | None:
        if case is None:
            return None
        values = known.values(self.study, case, metric, self._least)
        return [math.nan if value is None else value for value in values]
