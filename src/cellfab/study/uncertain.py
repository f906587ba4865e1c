"""Inputs that are not known exactly, and what that makes of a figure.

A value that a configuration writes as `{value, low, high}` is an uncertain input. Points of a design in the unit cube
become values by the inverse of each input's law, and the figures at the points are drawn from the law of the answer.

References
----------
Triangular law with `value` as its mode: an assumption, the least that can be made of three numbers.
D. G. Malcolm, J. H. Roseboom, C. E. Clark, W. Fazar, "Application of a technique for research and development program
evaluation", Operations Research 7 (1959), 646-669: the PERT law, a beta law with weight 4 on the mode.
H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed. 2003, section 7.1: intervals of quantiles.
S. R. Searle, G. Casella, C. E. McCulloch, Variance Components, 1992, section 3.4: scatter between and within groups.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.config.tree_path import TreePath, dotted
from cellfab.scenario import Scenario, places
from cellfab.study.statistics import CONFIDENCE, Interval, mean_interval

Floats = npt.NDArray[np.float64]
Law = Literal["triangular", "pert", "uniform", "log_uniform", "normal", "lognormal"]

_TAIL = 0.0005
"""Share of an endless law that is cut off at each end, so that every point of a design has a value."""
_LEAST_SHARE = 1e-60
"""Below it scipy's inverse of the beta law fails; the quantile is within 1e-12 of the range of its end."""


@dataclass(frozen=True, slots=True)
class Input:
    """One uncertain input.

    Attributes
    ----------
    name : str
        Path of the value in the configuration.
    value : float
        As the configuration has it.
    low, high : float
        Ends; of a normal or lognormal law the central 95 % lies between them.
    law : str
        triangular and pert have `value` as their mode; the others do not look at it.
    whole : bool
        Only whole numbers.
    """

    name: str
    value: float
    low: float
    high: float
    law: Law = "triangular"
    whole: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"{self.name}: low ({self.low:g}) must be less than high ({self.high:g})")
        if self.law in ("triangular", "pert") and not self.low <= self.value <= self.high:
            raise ValueError(f"{self.name}: {self.value:g} does not lie between {self.low:g} and {self.high:g}")
        if self.law in ("log_uniform", "lognormal") and self.low <= 0.0:
            raise ValueError(f"{self.name}: low ({self.low:g}) has no logarithm")

    def at(self, share: float) -> float | int:
        """The value below which a share, in [0, 1], of its law lies."""
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"a share lies between 0 and 1, not at {share:g}")
        wider = 0.5 if self.whole and self.law not in ("log_uniform", "lognormal") else 0.0
        found = _quantile(self.law, share, self.low - wider, self.value, self.high + wider)
        if self.law not in ("normal", "lognormal"):
            found = min(max(found, self.low), self.high)
        return round(found) if self.whole else found


def _quantile(law: Law, share: float, low: float, mode: float, high: float) -> float:
    width = high - low
    match law:
        case "uniform":
            return low + share * width
        case "log_uniform":
            return low * math.exp(share * math.log(high / low))
        case "triangular":
            rising = (mode - low) / width
            if share <= rising:
                return low + math.sqrt(share * width * (mode - low))
            return high - math.sqrt((1.0 - share) * width * (high - mode))
        case "pert":
            from scipy.special import betaincinv

            if share < _LEAST_SHARE:
                return low
            weight = 4.0 * (mode - low) / width
            return low + width * float(betaincinv(1.0 + weight, 5.0 - weight, share))
    from scipy.special import ndtri

    if law == "lognormal":
        return math.exp(_quantile("normal", share, math.log(low), 0.0, math.log(high)))
    z = float(ndtri(_TAIL + share * (1.0 - 2.0 * _TAIL)))
    return (low + high) / 2.0 + z * width / 2.0 / float(ndtri(0.975))


def inputs_of(scenario: Scenario, *, assumed_only: bool = False, law: Law = "triangular") -> list[Input]:
    """Uncertain inputs of a scenario: values written with `low` and `high`, in the order of the configuration.

    Parameters
    ----------
    scenario : Scenario
    assumed_only : bool
        Only those whose source says `assumption`.
    law : str
        Of all of them.
    """
    roots = _typed_roots(scenario)
    found = []
    for path, note in scenario.resolved.notes.items():
        numbers = (note.value, note.low, note.high)
        if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in numbers):
            continue
        if note.low < note.high and (note.assumed or not assumed_only):
            found.append(Input(dotted(path), note.value, note.low, note.high, law, _is_whole(roots, path)))
    return found


def _typed_roots(scenario: Scenario) -> dict[TreePath, Any]:
    """Validated parts of a configuration by their path; parameters of steps are not part of the spec."""
    path_of = {place.key: place.path for place in places(scenario.spec.line)}
    roots: dict[TreePath, Any] = {(): scenario.spec}
    for (key, product), step in scenario.steps.items():
        roots[*path_of[key], "params"] = roots["products", product, "params", key] = step.params
    return roots


def _is_whole(roots: Mapping[TreePath, Any], path: TreePath) -> bool:
    """Whether the field at a path takes whole numbers only: its validated value is one."""
    depth = next(depth for depth in range(len(path), -1, -1) if path[:depth] in roots)
    node = roots[path[:depth]]
    for part in path[depth:]:
        if isinstance(node, Mapping):
            node = node.get(part)
        elif isinstance(node, tuple) and isinstance(part, int):
            node = node[part]
        else:
            node = getattr(node, str(part), None)
    return isinstance(node, int) and not isinstance(node, bool)


def values_at(inputs: Sequence[Input], points: Floats) -> list[dict[str, float | int]]:
    """Values of the inputs, by name, at points of the unit cube of shape (points, inputs)."""
    return [
        {one.name: one.at(share) for one, share in zip(inputs, row, strict=True)} for row in np.asarray(points).tolist()
    ]


# ---- what comes out -------------------------------------------------------------------------------------------------


class Quantile(NamedTuple):
    """A quantile of the answer, with an interval that holds whatever its law.

    Attributes
    ----------
    share : float
    value : float
        Median-unbiased (Hyndman & Fan 1996, definition 8).
    low, high : float
        Infinite where there are too few values to say.
    """

    share: float
    value: float
    low: float
    high: float


class Spread(NamedTuple):
    """The law of a figure over uncertain inputs.

    Attributes
    ----------
    mean : Interval
    deviation : float
        Standard deviation.
    quantiles : tuple of Quantile
    """

    mean: Interval
    deviation: float
    quantiles: tuple[Quantile, ...]


def spread(
    values: Sequence[float], shares: Sequence[float] = (0.05, 0.5, 0.95), confidence: float = CONFIDENCE
) -> Spread:
    """The law of a figure from its values at points drawn from the laws of the inputs.

    Intervals hold for independent points; of a Latin hypercube or Sobol sequence the mean is known better.

    Parameters
    ----------
    values : sequence of float
        At least two.
    shares : sequence of float
        In (0, 1).
    """
    mean = mean_interval(values, confidence)
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    found = np.quantile(ordered, shares, method="median_unbiased")
    quantiles = [
        Quantile(share, float(value), *_order_interval(ordered, share, confidence))
        for share, value in zip(shares, found, strict=True)
    ]
    return Spread(mean, float(ordered.std(ddof=1)), tuple(quantiles))


def _order_interval(ordered: Floats, share: float, confidence: float) -> tuple[float, float]:
    """Ordered values between which a quantile lies, by the binomial law of how many are below it."""
    from scipy.special import bdtr

    n = ordered.size
    below = bdtr(np.arange(n + 1, dtype=np.float64), n, share)  # at most so many of n below the quantile
    tail = (1.0 - confidence) / 2.0
    least = int(np.searchsorted(below, tail, side="right"))  # fewer are improbable
    most = int(np.searchsorted(below, 1.0 - tail, side="left"))  # more are improbable
    low = float(ordered[least - 1]) if least > 0 else -math.inf
    high = float(ordered[most]) if most < n else math.inf
    return low, high


class Split(NamedTuple):
    """Variance of a figure: what comes from the inputs, and what from chance within a replicate.

    Attributes
    ----------
    inputs, chance : float
        Variances, in the square of the figure's unit; `inputs` is at least 0.
    """

    inputs: float
    chance: float

    @property
    def share(self) -> float:
        """Of the inputs; 0 for a figure that does not scatter."""
        both = self.inputs + self.chance
        return self.inputs / both if both > 0.0 else 0.0


def split_variance(table: Sequence[Sequence[float]] | Floats) -> Split:
    """How much of the scatter would go if the inputs were known, and how much with more replicates.

    Parameters
    ----------
    table : array of float, shape (points, replicates)
        Replicates of each point independent of those of the others; at least two of both.
    """
    values = np.asarray(table, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError("needs at least two points with the same number of replicates, at least two")
    chance = float(values.var(axis=1, ddof=1).mean())
    between = float(values.mean(axis=1).var(ddof=1)) - chance / values.shape[1]
    return Split(max(0.0, between), chance)
