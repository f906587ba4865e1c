"""What a record leaves open: the values written with `low` and `high`, as coordinates of independent normal laws.

Each value has the median `value` and, by assumption, `low` and `high` as its 5 % and 95 % points: a normal law on each
side of the median, of the value itself, of its logarithm where it must be positive, or of its logit where it is a
share.
Such a law has tails, so that a plant may turn out worse than anybody assumed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from cellfab.config.resolved import Resolved
from cellfab.config.tree_path import TreePath, dotted

Floats = npt.NDArray[np.float64]
Scale = Literal["share", "positive", "any"]

SIDE = NormalDist().inv_cdf(0.95)
"""Standard deviations from the median to the 95 % point."""
_TO: dict[Scale, Callable[[float], float]] = {
    "share": lambda x: math.log(x / (1.0 - x)),
    "positive": math.log,
    "any": lambda x: x,
}
_FROM: dict[Scale, Callable[[Floats], Floats]] = {
    "share": lambda y: 1.0 / (1.0 + np.exp(-y)),
    "positive": np.exp,
    "any": lambda y: y,
}


@dataclass(frozen=True, slots=True)
class Unknown:
    """One open value.

    Attributes
    ----------
    name : str
        Path of the value in the record.
    value, low, high : float
        Median, 5 % and 95 % point; low <= value <= high and low < high.
    scale : str
        On which of the three scales it is normal.
    """

    name: str
    value: float
    low: float
    high: float
    scale: Scale

    def at(self, normal: Floats) -> Floats:
        """Values at coordinates that are standard normal."""
        to = _TO[self.scale]
        middle, below, above = to(self.value), to(self.value) - to(self.low), to(self.high) - to(self.value)
        return _FROM[self.scale](middle + np.where(normal < 0.0, below, above) * normal / SIDE)


def unknowns_of(resolved: Resolved, paths: Iterable[TreePath]) -> list[Unknown]:
    """The open values among the paths, which have been validated, in their order."""
    found = []
    for path in paths:
        note = resolved.notes.get(path)
        if note is None or note.low is None or note.high is None or not note.low < note.high:
            continue
        found.append(Unknown(dotted(path), note.value, note.low, note.high, _scale(note.low, note.high)))
    return found


def _scale(low: float, high: float) -> Scale:
    if low > 0.0 and high < 1.0:
        return "share"
    return "positive" if low > 0.0 else "any"
