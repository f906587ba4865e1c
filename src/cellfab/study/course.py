"""What decides how a study goes on: after each round it says what is to be known next, or that the study has ended.

A course sees figures by case and replicate, never in the order in which they came, and what it remembers comes from
them alone. When a study is resumed its course is asked from the beginning again, and the store answers: so a study
takes the same course with any number of workers, and after having been killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from cellfab.study.part import Part
from cellfab.study.plan import Case, Study
from cellfab.study.task import Task
from cellfab.study.worker import Figure, Outcome

Ended = Literal["fixed", "precision", "selected", "trials", "replicates", "budget", "unmeasured", "infeasible"]
"""What ended a study: the fixed number of replicates was done; every figure was known well enough; the best case was
chosen; all trials of a search were done; the largest number of replicates came first; the time was up first; a figure
that was to be known has no value; no trial of a search kept within its limits."""


class Wanted(NamedTuple):
    """What is to be known before the next decision.

    Attributes
    ----------
    study : Study
        As the course had it, or with further cases behind those that it had.
    counts : tuple of int
        Replicates of each case, never fewer than before.
    later : int
        Replicates that will follow in any case, for the estimate of the time left.
    """

    study: Study
    counts: tuple[int, ...]
    later: int = 0


class Course(Protocol):
    """A way through a study.

    Attributes
    ----------
    metrics : tuple of str
        The figures that it decides by.
    """

    metrics: tuple[str, ...]

    def next(self, known: Known) -> Wanted | Ended:
        """What is to be known next, once all of what was wanted before is; at first nothing is known."""
        ...

    def remark(self, known: Known) -> str:
        """How far it is, in a few words for whoever looks on; empty if counts say it all."""
        ...

    def part(self, known: Known) -> Part | None:
        """What it has found when the study has ended, whatever ended it; None if estimates say it all."""
        ...


class _Told(NamedTuple):
    figures: Mapping[str, Figure]
    reason: str


@dataclass
class Known:
    """Figures of the replicates that are finished.

    Attributes
    ----------
    metrics : frozenset of str
        Those that are remembered.
    """

    metrics: frozenset[str]
    _told: dict[Task, _Told] = field(default_factory=dict)
    failed: int = 0

    def __contains__(self, task: Task) -> bool:
        return task in self._told

    def __len__(self) -> int:
        return len(self._told)

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        """Remember what became of some tasks."""
        for outcome in outcomes:
            figures = {figure.metric: figure for figure in outcome.figures if figure.metric in self.metrics}
            self._told[outcome.task] = _Told(figures, outcome.reason)
            self.failed += outcome.failed

    def finished(self, study: Study, case: Case, most: int) -> int:
        """Replicates of a case from the first on without a gap."""
        return next((n for n in range(most) if study.task(case, n) not in self._told), most)

    def values(self, study: Study, case: Case, metric: str, count: int) -> list[float | None]:
        """A figure of the first replicates of a case, all finished; None where there is none."""
        found = (self._told[study.task(case, replicate)].figures.get(metric) for replicate in range(count))
        return [None if figure is None else figure.value for figure in found]

    def reason(self, study: Study, case: Case, replicate: int, metric: str) -> str:
        """Why a replicate has no such figure."""
        told = self._told[study.task(case, replicate)]
        figure = told.figures.get(metric)
        return told.reason or ("there is no such figure" if figure is None else figure.reason)
