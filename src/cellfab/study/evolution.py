"""A searcher that breeds points: it fills the space, moves along differences, and keeps what nothing beats.

It begins with points that fill the space, moves along differences of those that it has (differential evolution) and
keeps those that nothing beats (NSGA-II).

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
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellfab.config.search_spec import AT_ONCE, FEWEST_PARENTS
from cellfab.study.pareto import crowding, ranks
from cellfab.study.search import Generations, Point, Score

Floats = npt.NDArray[np.float64]

STEP = (0.2, 0.8)
"""Factor of a difference, drawn anew for each child (Storn & Price 1997 advise 0.5, between 0 and 2)."""
CROSSOVER_CHANCE = 0.9
"""Share of a child's factors that are moved (Storn & Price 1997: 0.9 for quick convergence)."""


class Evolution(Generations):
    """Differential evolution in the unit cube, with the selection of NSGA-II.

    Parameters
    ----------
    factors : int
    seed : int
    population : int
        Points of a generation, at least 4; fewer converge sooner, more run side by side.
    """

    def __init__(self, factors: int, seed: int, population: int = AT_ONCE["evolution"]) -> None:
        if factors < 1 or population < FEWEST_PARENTS:
            raise ValueError(f"an evolution needs at least one factor, and a population of at least {FEWEST_PARENTS}")
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
        if len(alive) < FEWEST_PARENTS:  # too little to go on from: look elsewhere
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
