"""Searching the factors for what is best, with constraints and one objective or more: ask for points, tell the figures.

`Search` knows goals, limits and what was tried; a `Searcher` proposes points of the unit cube, one coordinate for each
factor. What it proposes depends on its seed and on the figures, never on the order in which they came, so that a search
gives the same points with any number of workers and after having been interrupted.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from cellfab.study.pareto import pareto_front

Point = tuple[float, ...]


class Goal(NamedTuple):
    """A figure that is to be small, or large."""

    metric: str
    largest: bool = False


class Limit(NamedTuple):
    """A figure that must not be below `least` or above `most`."""

    metric: str
    least: float = -math.inf
    most: float = math.inf

    def violation(self, value: float) -> float:
        """By how much it is broken, over the size of the limit where that is not 0."""
        if value < self.least:
            return (self.least - value) / (abs(self.least) or 1.0)
        if value > self.most:
            return (value - self.most) / (abs(self.most) or 1.0)
        return 0.0


class Trial(NamedTuple):
    """One point to try; its coordinates are shares in [0, 1] of the factors' ranges."""

    number: int
    point: Point


class Score(NamedTuple):
    """What a trial gave: objectives of which smaller is better, and by how much constraints were broken."""

    objectives: tuple[float, ...]
    violation: float


class Searcher(Protocol):
    """What proposes points."""

    def ask(self, count: int) -> list[Trial]:
        """Up to `count` trials; fewer, or none, while it waits for scores of those it has handed out."""
        ...

    def tell(self, trial: Trial, score: Score | None) -> None:
        """The score of a trial; None if it failed."""
        ...


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial that is done.

    Attributes
    ----------
    trial : Trial
    figures : mapping of str to float
        Empty if it failed.
    score : Score or None
    reason : str
        Why it failed.
    """

    trial: Trial
    figures: Mapping[str, float]
    score: Score | None
    reason: str = ""


@dataclass
class Search:
    """A search for the best points.

    Parameters
    ----------
    searcher : Searcher
    goals : sequence of Goal
        At least one.
    limits : sequence of Limit
    """

    searcher: Searcher
    goals: Sequence[Goal]
    limits: Sequence[Limit] = ()
    tried: dict[int, Tried] = field(default_factory=dict)
    """By number of the trial."""

    def __post_init__(self) -> None:
        if not self.goals:
            raise ValueError("a search needs a goal")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every figure that must be told."""
        names = [goal.metric for goal in self.goals] + [limit.metric for limit in self.limits]
        return tuple(dict.fromkeys(names))

    def ask(self, count: int = 1) -> list[Trial]:
        """Up to `count` trials to run; none while the next ones depend on those that are out."""
        return self.searcher.ask(count)

    def tell(self, trial: Trial, figures: Mapping[str, float | None], reason: str = "") -> Tried:
        """What a trial gave; one without a figure that is needed has failed, and nothing is made of it.

        Raises
        ------
        ValueError
            If it was told before.
        """
        if trial.number in self.tried:
            raise ValueError(f"trial {trial.number} was told before")
        known = {name: value for name, value in figures.items() if value is not None and math.isfinite(value)}
        missing = [name for name in self.metrics if name not in known]
        score = None
        if missing:
            reason = reason or f"has no {missing[0]}"
        else:
            objectives = tuple(-known[goal.metric] if goal.largest else known[goal.metric] for goal in self.goals)
            score = Score(objectives, math.fsum(limit.violation(known[limit.metric]) for limit in self.limits))
        done = Tried(trial, known, score, reason)
        self.tried[trial.number] = done
        self.searcher.tell(trial, score)
        return done

    def front(self) -> list[Tried]:
        """Trials within the limits that no other beats, by the first goal; of equal ones the first that was tried."""
        scored = [(one, one.score) for _, one in sorted(self.tried.items()) if one.score is not None]
        if not scored:
            return []
        best = pareto_front([score.objectives for _, score in scored], [score.violation for _, score in scored])
        found: dict[tuple[float, ...], Tried] = {}
        for place in best:
            one, score = scored[place]
            found.setdefault(score.objectives, one)
        return list(found.values())


# ---- searchers ------------------------------------------------------------------------------------------------------


class Generations(ABC):
    """A searcher that proposes some points at a time and looks at their scores together, in the order of the points."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._told: dict[int, Score | None] = {}
        self._first = 0  # number of the generation's first trial
        self._asked = 0

    @abstractmethod
    def propose(self, done: list[tuple[Point, Score | None]]) -> list[Point]:
        """The next points, after the scores of those proposed last; at first of none."""

    def ask(self, count: int) -> list[Trial]:
        """Up to `count` trials of this generation; of the next one once all of this have been told."""
        if len(self._told) == len(self._points):
            done = [(point, self._told[place]) for place, point in enumerate(self._points)]
            self._first += len(self._points)
            self._points, self._told, self._asked = self.propose(done), {}, 0
        stop = min(self._asked + count, len(self._points))
        trials = [Trial(self._first + place, self._points[place]) for place in range(self._asked, stop)]
        self._asked = stop
        return trials

    def tell(self, trial: Trial, score: Score | None) -> None:
        """The score of a trial of this generation."""
        place = trial.number - self._first
        if not 0 <= place < self._asked or place in self._told:
            raise ValueError(f"nobody waits for trial {trial.number}")
        self._told[place] = score
