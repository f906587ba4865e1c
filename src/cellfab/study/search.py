"""Searching the factors for what is best, with constraints and one objective or more: ask for points, tell the figures.

`Search` knows goals, limits and what was tried; a `Searcher` proposes points of the unit cube, one coordinate for each
factor. The one built in is evolutionary: it begins with points that fill the space, moves along differences of those
that it has (differential evolution) and keeps those that nothing beats (NSGA-II). What it proposes depends on its seed
and on the figures, never on the order in which they came, so that a search gives the same points with any number of
workers and after having been interrupted.

References
----------
K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
Transactions on Evolutionary Computation 6 (2002), 182-197.
R. Storn, K. Price, "Differential evolution: a simple and efficient heuristic for global optimization over continuous
spaces", Journal of Global Optimization 11 (1997), 341-359.
S. Kukkonen, J. Lampinen, "GDE3: the third evolution step of generalized differential evolution", IEEE Congress on
Evolutionary Computation 2005, 443-450: both together.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from cellfab.study.pareto import crowding, pareto_front, ranks

Floats = npt.NDArray[np.float64]
Point = tuple[float, ...]

STEP = (0.2, 0.8)
"""Factor of a difference, drawn anew for each child (Storn & Price 1997 advise 0.5, between 0 and 2)."""
CROSSOVER_CHANCE = 0.9
"""Share of a child's factors that are moved (Storn & Price 1997: 0.9 for quick convergence)."""
_FEWEST = 4
"""Parents that a child needs: three to move by, and one to move."""


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


class Evolution(Generations):
    """Differential evolution in the unit cube, with the selection of NSGA-II.

    Parameters
    ----------
    factors : int
    seed : int
    population : int
        Points of a generation, at least 4; fewer converge sooner, more run side by side.
    """

    def __init__(self, factors: int, seed: int, population: int = 12) -> None:
        if factors < 1 or population < _FEWEST:
            raise ValueError(f"an evolution needs at least one factor, and a population of at least {_FEWEST}")
        super().__init__()
        self.factors, self.seed, self.population = factors, seed, population
        self.generation = 0
        self._parents: list[tuple[Point, Score]] = []

    def propose(self, done: list[tuple[Point, Score | None]]) -> list[Point]:
        """Keep the best of parents and children, and make children of them."""
        if not done:
            return self._filling()
        alive = [*self._parents, *((point, score) for point, score in done if score is not None)]
        self.generation += 1
        generator = np.random.default_rng([self.seed, self.generation])
        if len(alive) < _FEWEST:  # too little to go on from: look elsewhere
            self._parents = alive
            return [tuple(row) for row in generator.random((self.population, self.factors)).tolist()]
        fitness = _fitness([score for _, score in alive])
        kept = np.lexsort((-fitness[1], fitness[0]))[: self.population]
        self._parents = [alive[place] for place in kept.tolist()]
        cube = np.array([point for point, _ in self._parents])
        return [tuple(row) for row in self._children(cube, fitness[:, kept], generator).tolist()]

    def _filling(self) -> list[Point]:
        from scipy.stats import qmc

        power = math.ceil(math.log2(self.population))
        cube = qmc.Sobol(self.factors, scramble=True, rng=self.seed).random_base2(power)
        return [tuple(row) for row in cube[: self.population].tolist()]

    def _children(self, cube: Floats, fitness: Floats, generator: np.random.Generator) -> Floats:
        """One parent moved by the difference of two others, mixed with the better one of two more."""
        count, places = self.population, np.arange(self.population)
        movers = np.argsort(generator.random((count, len(cube))), axis=1)[:, :3]
        step = generator.uniform(*STEP, (count, 1))
        moved = cube[movers[:, 0]] + step * (cube[movers[:, 1]] - cube[movers[:, 2]])
        rivals = generator.integers(0, len(cube), (count, 2))
        rank, alone = fitness[0][rivals], fitness[1][rivals]
        second = (rank[:, 1] < rank[:, 0]) | ((rank[:, 1] == rank[:, 0]) & (alone[:, 1] > alone[:, 0]))
        better = cube[rivals[places, second.astype(np.int64)]]
        taken = generator.random(moved.shape) < CROSSOVER_CHANCE
        taken[places, generator.integers(0, self.factors, count)] = True
        children: Floats = np.where(taken, moved, better).clip(0.0, 1.0)
        return children


def _fitness(scores: Sequence[Score]) -> Floats:
    """Rank, and how alone each is on its front, shape (2, scores)."""
    objectives = np.array([score.objectives for score in scores])
    rank = ranks(objectives, [score.violation for score in scores])
    alone = np.zeros(len(scores))
    for front in range(int(rank.max()) + 1):
        alone[rank == front] = crowding(objectives[rank == front])
    return np.stack([rank.astype(np.float64), alone])
