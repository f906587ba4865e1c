"""Choosing the best of several systems with a stated probability: fully sequential, with an indifference zone.

The best is chosen with at least the stated probability if it is better than the others by the indifference zone or
more, else one within the zone of it. Systems that cannot be the best any more get no further replicates, and common
random numbers make it faster. What is chosen depends on the values in the order of their replicates only.

References
----------
S.-H. Kim, B. L. Nelson, "A fully sequential procedure for indifference-zone selection in simulation", ACM TOMACS 11
(2001), 251-273.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cellfab.config.selection_spec import KimNelsonSelection
from cellfab.study.course import Ended, Known, Wanted
from cellfab.study.plan import Study
from cellfab.study.selection import Choice, candidates, gap, whole_values
from cellfab.study.statistics import CONFIDENCE

Floats = npt.NDArray[np.float64]

FIRST_STAGE = 10
"""Replicates of every system before the first decision: 10 to 20 (Kim & Nelson 2001, section 5)."""


class KimNelson:
    """Fully sequential selection of the best with an indifference zone (Kim & Nelson 2001, with c = 1).

    Parameters
    ----------
    systems : sequence of str
        At least two.
    indifference : float
        Smallest difference that matters, in the unit of the values; above 0.
    largest : bool
        Whether the best has the largest mean; false: the smallest.
    confidence : float
        Probability of choosing rightly, in (1 / systems, 1).
    first_stage : int
        Replicates of every system from which the scatter of the differences is estimated.

    Attributes
    ----------
    in_play : tuple of str
        Systems that may still be the best.
    excluded : dict of str to int
        The others, with the replicates after which they were.
    best : str or None
        None while it is not decided.
    replicates : int
        Looked at so far.
    """

    def __init__(
        self,
        systems: Sequence[str],
        indifference: float,
        *,
        largest: bool = True,
        confidence: float = CONFIDENCE,
        first_stage: int = FIRST_STAGE,
    ) -> None:
        k = len(systems)
        if k < 2 or len(set(systems)) < k:
            raise ValueError("a choice needs at least two systems, all with names of their own")
        if indifference <= 0.0:
            raise ValueError(f"the smallest difference that matters is above 0, not {indifference:g}")
        if not 1.0 / k < confidence < 1.0:
            raise ValueError(f"confidence must lie between 1/{k} and 1, not {confidence:g}")
        if first_stage < 2:
            raise ValueError("the first stage needs at least two replicates")
        self.systems = tuple(systems)
        self.indifference, self.first_stage = indifference, first_stage
        self._sign = 1.0 if largest else -1.0
        alpha = 1.0 - confidence
        eta = ((2.0 * alpha / (k - 1)) ** (-2.0 / (first_stage - 1)) - 1.0) / 2.0
        self._h_squared = 2.0 * eta * (first_stage - 1)
        self.in_play = self.systems
        self.excluded: dict[str, int] = {}
        self.best: str | None = None
        self.replicates = 0
        self._places: list[int] = list(range(k))  # of the systems in play
        self._sums: Floats = np.zeros(k)
        self._reach: Floats | None = None  # h^2 S^2 / indifference of every pair in play

    def wanted(self, more: int = 1) -> dict[str, int]:
        """Replicates that each system should have next, counted from the first; empty once the best is known.

        Parameters
        ----------
        more : int
            Replicates to ask for at a time after the first stage; what is chosen does not depend on it.
        """
        if self.best is not None:
            return {}
        return dict.fromkeys(self.in_play, max(self.first_stage, self.replicates + more))

    def tell(self, values: Mapping[str, Sequence[float]]) -> None:
        """Look at the values of each system, in the order of its replicates from the first on.

        Those of systems that are out of play, and those seen before, are not looked at again.

        Raises
        ------
        ValueError
            If a value is not finite: a replicate that failed has no place in a comparison.
        """
        while self.best is None:
            known = min(len(values.get(name, ())) for name in self.in_play)
            if known < max(self.first_stage, self.replicates + 1):
                return
            upto = max(self.first_stage, self.replicates + 1)
            rows = np.array([values[name][self.replicates : upto] for name in self.in_play], dtype=np.float64)
            if not np.isfinite(rows).all():
                place, column = np.argwhere(~np.isfinite(rows))[0]
                raise ValueError(f"{self.in_play[place]} has no value in replicate {self.replicates + int(column)}")
            self._sums[self._places] += self._sign * rows.sum(axis=1)
            self.replicates = upto
            if self._reach is None:
                centred = rows[:, None, :] - rows[None, :, :]
                self._reach = self._h_squared * centred.var(axis=2, ddof=1) / self.indifference
            self._screen(self._reach)

    def _screen(self, reach: Floats) -> None:
        """Exclude what is worse than another by more than chance would have it; decide if that is all."""
        r, places = self.replicates, self._places
        sums, reach = self._sums[places], reach[np.ix_(places, places)]
        # sums: r times means, so r W = max(0, h^2 S^2 / indifference - r indifference) / 2
        slack = np.maximum(0.0, reach - r * self.indifference) / 2.0
        kept: npt.NDArray[np.bool_] = np.all(sums[:, None] >= sums[None, :] - slack, axis=1)
        longest = math.floor(float(reach.max()) / self.indifference)
        for place, stays in zip(list(places), kept.tolist(), strict=True):
            if not stays:
                self.excluded[self.systems[place]] = r
                places.remove(place)
        self.in_play = tuple(self.systems[place] for place in places)
        if len(places) == 1:
            self.best = self.in_play[0]
        elif r > longest:
            self.best = self.systems[places[int(np.argmax(self._sums[places]))]]


def select_best(procedure: KimNelson, replicate: Callable[[str, int], float], more: int = 1) -> str:
    """Run a selection to its end, with a function that gives the value of a system in a replicate."""
    values: dict[str, list[float]] = {name: [] for name in procedure.systems}
    while procedure.best is None:
        for name, count in procedure.wanted(more).items():
            values[name] += [replicate(name, number) for number in range(len(values[name]), count)]
        procedure.tell(values)
    return procedure.best


class KimNelsonCourse:
    """The course of a study that chooses by this procedure; its systems are the cases, by number."""

    def __init__(self, study: Study, selection: KimNelsonSelection) -> None:
        self.study, self.selection = study, selection
        self.metrics: tuple[str, ...] = (selection.metric,)
        self.procedure = KimNelson(
            [str(case.number) for case in study.cases],
            selection.indifference,
            largest=selection.goal == "largest",
            confidence=selection.probability,
            first_stage=selection.first,
        )
        self._counts = [0] * len(study.cases)
        self._reason = ""

    def next(self, known: Known) -> Wanted | Ended:
        """Further replicates of the cases in play, an eighth of what they have; nothing once one is chosen."""
        procedure, selection = self.procedure, self.selection
        if any(self._counts):
            given = whole_values(self.study, known, selection.metric, self._counts)
            procedure.tell({str(number): values for number, values in enumerate(given)})
            if procedure.best is not None:
                return "selected"
            in_play = [self.study.cases[int(name)] for name in procedure.in_play]
            replicates = self._counts[in_play[0].number]
            case = min(in_play, key=lambda one: len(given[one.number]))
            if len(given[case.number]) < replicates:
                self._reason = gap(self.study, known, case, len(given[case.number]), selection.metric)
                return "unmeasured"
            if replicates == selection.most:
                return "replicates"
        for name, count in procedure.wanted(more=max(1, procedure.replicates // 8)).items():
            self._counts[int(name)] = min(count, selection.most)
        return Wanted(self.study, tuple(self._counts))

    def remark(self, known: Known) -> str:
        """How many may still be the best."""
        procedure = self.procedure
        return f"{len(procedure.in_play)} of {len(procedure.systems)} in play after {procedure.replicates} replicates"

    def part(self, known: Known) -> Choice:
        """The one that is chosen, and after how many replicates the others could not be it any more."""
        procedure, selection = self.procedure, self.selection
        best = None if procedure.best is None else self.study.cases[int(procedure.best)]
        found = [
            one._replace(out_after=procedure.excluded.get(str(one.case.number)))
            for one in candidates(self.study, known, selection, self._counts, best)
        ]
        # Those in play first, then whoever stayed in it longest.
        found.sort(key=lambda one: -(math.inf if one.out_after is None else one.out_after))
        found.sort(key=lambda one: one.case is not best)
        probability = None if best is None else selection.probability
        return Choice(selection, best, probability, tuple(found), self._reason)
