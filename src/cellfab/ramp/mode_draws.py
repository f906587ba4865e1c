"""Random numbers of learning by causes, named by mode (or setback) and decision and counted by occurrence."""

from __future__ import annotations

import math

import numpy as np

from cellfab.kernels import AtFirstUse

random = AtFirstUse("random")


class ModeDraws:
    """Draws of one replicate.

    Parameters
    ----------
    seed, replicate : int
        Of the run.
    """

    def __init__(self, seed: int, replicate: int) -> None:
        self._seed, self._replicate = seed, replicate
        self._keys: dict[tuple[str, str], np.uint64] = {}

    def uniform(self, owner: str, decision: str, entity: int, row: int = 0) -> float:
        """A number in (0, 1)."""
        key = self._keys.get((owner, decision))
        if key is None:
            key = random.stream_key(self._seed, self._replicate, "failure_modes", owner, decision)
            self._keys[owner, decision] = key
        return float(random.uniform(key, entity, row))

    def exponential(self, owner: str, decision: str, entity: int) -> float:
        """Mean 1."""
        return -math.log(self.uniform(owner, decision, entity))

    def erlang(self, owner: str, decision: str, entity: int, shape: int) -> float:
        """Sum of `shape` exponentials of mean 1."""
        return math.fsum(-math.log(self.uniform(owner, decision, entity, row)) for row in range(shape))

    def lognormal(self, owner: str, decision: str, entity: int, mean: float, cv: float) -> float:
        """With the given mean and standard deviation over mean."""
        variance = math.log1p(cv * cv)
        normal = float(random.normal_quantile(self.uniform(owner, decision, entity)))
        return mean * math.exp(math.sqrt(variance) * normal - 0.5 * variance)
