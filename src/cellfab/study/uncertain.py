"""Inputs that are not known exactly, and what that makes of a figure.

A value that a configuration writes with a `distribution`, or with `low` and `high`, is an uncertain input. Points of a
design in the unit cube become values by the inverse of each input's law, and the figures at the points are drawn from
the law of the answer.

References
----------
Triangular law with `value` as its mode for a value with `low` and `high` only: an assumption, the least that can be
made of three numbers.
H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed. 2003, section 7.1: intervals of quantiles.
S. R. Searle, G. Casella, C. E. McCulloch, Variance Components, 1992, section 3.4 and 3.6: scatter between and within
groups, and the interval of its share.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.config.tree_path import TreePath, dotted
from cellfab.config.value_law import EndsLaw, ValueLaw, value_law
from cellfab.scenario import Scenario, places
from cellfab.study.statistics import CONFIDENCE, Interval, mean_interval

Floats = npt.NDArray[np.float64]

_LEAST_SHARE = 1e-60
"""Below it scipy's inverse of the beta law fails; the quantile is within 1e-12 of the range of its end."""
_BOUNDED = ("triangular", "pert", "uniform", "beta")


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
        Between them it is moved alone; of a normal or lognormal law the central 95 % lies between them.
    law : ValueLaw
        Given as such, or as a word for a law with the ends `low` and `high`: triangular and pert have `value` as their
        mode, the others do not look at it.
    whole : bool
        Only whole numbers.
    source, place : str
        What the configuration says of where it comes from, and the file and line.
    path : TreePath
        What `name` says, for setting it.
    """

    name: str
    value: float
    low: float
    high: float
    given: ValueLaw | EndsLaw = "triangular"
    whole: bool = False
    source: str = ""
    place: str = ""
    path: TreePath = ()
    law: ValueLaw = field(init=False)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"{self.name}: low ({self.low:g}) must be less than high ({self.high:g})")
        law = self.given
        if isinstance(law, str):
            try:
                law = value_law(law, {"low": self.low, "high": self.high}, self.value)
            except ValueError as error:
                raise ValueError(f"{self.name}: {error}") from None
        object.__setattr__(self, "law", law)

    def at(self, share: float) -> float | int:
        """The value below which a share, in [0, 1], of its law lies."""
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"a share lies between 0 and 1, not at {share:g}")
        law = self.law
        wider = 0.5 if self.whole and law.law in _BOUNDED else 0.0
        found = min(max(_quantile(law, share, law.low - wider, law.high + wider), law.low), law.high)
        return round(found) if self.whole else found

    def between(self, share: float) -> float | int:
        """The value at a share, in [0, 1], of the way from `low` to `high`; in the logarithm if the law is of it."""
        if self.law.logarithmic:
            found = self.low * math.exp(share * math.log(self.high / self.low))
        else:
            found = self.low + share * (self.high - self.low)
        found = min(max(found, self.low), self.high)
        return round(found) if self.whole else found


def _quantile(law: ValueLaw, share: float, low: float, high: float) -> float:
    width = high - low
    match law.law:
        case "uniform":
            return low + share * width
        case "log_uniform":
            return low * math.exp(share * math.log(high / low))
        case "empirical":
            return law.values[min(int(share * len(law.values)), len(law.values) - 1)]
        case "triangular":
            mode = law.first
            if share <= (mode - low) / width:
                return low + math.sqrt(share * width * (mode - low))
            return high - math.sqrt((1.0 - share) * width * (high - mode))
        case "pert" | "beta":
            from scipy.special import betaincinv

            if share < _LEAST_SHARE:
                return low
            first, second = law.first, law.second
            if law.law == "pert":
                weight = 4.0 * (law.first - low) / width
                first, second = 1.0 + weight, 5.0 - weight
            return low + width * float(betaincinv(first, second, share))
    from scipy.special import ndtr, ndtri

    ends = (math.log(low), math.log(high)) if law.law == "lognormal" else (low, high)
    below, above = (float(ndtr((end - law.first) / law.second)) for end in ends)
    found = law.first + law.second * float(ndtri(below + share * (above - below)))
    return math.exp(found) if law.law == "lognormal" else found


def inputs_of(scenario: Scenario, *, assumed_only: bool = False, law: EndsLaw = "triangular") -> list[Input]:
    """Uncertain inputs of a scenario, in the order of the configuration: values with a law, or with `low` and `high`.

    Parameters
    ----------
    scenario : Scenario
    assumed_only : bool
        Only those whose source says `assumption`.
    law : str
        Of values that have `low` and `high` only; where these have no logarithm, triangular in place of a law of it.
    """
    roots = _typed_roots(scenario)
    found = []
    for path in _paths(scenario.resolved.tree):
        note = scenario.resolved.notes.get(path)
        if note is None:
            continue
        given, low, high = note.distribution, note.low, note.high
        if not _is_number(note.value) or (assumed_only and not note.assumed):
            continue
        if isinstance(given, ValueLaw):
            ends = given.span
        elif _is_number(low) and _is_number(high) and low < high:
            ends, given = (low, high), law
        else:
            continue
        whole = isinstance(_typed(roots, path), int)
        location = scenario.resolved.location(path)
        place = f"{location.source.name}:{location.line}"
        try:
            found.append(Input(dotted(path), note.value, *ends, given, whole, note.source, place, path))
        except ValueError:  # a law that these ends do not allow: 0 has no logarithm
            found.append(Input(dotted(path), note.value, *ends, "triangular", whole, note.source, place, path))
    return found


def _paths(tree: Any, path: TreePath = ()) -> Iterator[TreePath]:
    """Of every value, in the order written."""
    yield path
    if isinstance(tree, dict):
        for name, child in tree.items():
            yield from _paths(child, (*path, name))
    elif isinstance(tree, list):
        for number, child in enumerate(tree):
            yield from _paths(child, (*path, number))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def value_in(scenario: Scenario, path: TreePath) -> Any:
    """The validated value at a path, also one that is a default; None if there is none."""
    return _typed(_typed_roots(scenario), path)


def _typed_roots(scenario: Scenario) -> dict[TreePath, Any]:
    """Validated parts of a configuration by their path; parameters of steps are not part of the spec."""
    one_line = scenario.one_line
    path_of = {place.key: place.path for place in places(one_line.spec.line)}
    roots: dict[TreePath, Any] = {(): one_line.spec.model_copy(update={"lines": scenario.spec.lines})}
    for (key, product), step in one_line.steps.items():
        roots[*path_of[key], "params"] = roots["products", product, "params", key] = step.params
    return roots


def _typed(roots: Mapping[TreePath, Any], path: TreePath) -> Any:
    depth = next(depth for depth in range(len(path), -1, -1) if path[:depth] in roots)
    node = roots[path[:depth]]
    for part in path[depth:]:
        if isinstance(node, Mapping):
            node = node.get(part)
        elif isinstance(node, tuple) and isinstance(part, int):
            node = node[part]
        else:
            node = getattr(node, str(part), None)
    return None if isinstance(node, bool) else node


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
    low, high : float
        Interval of the inputs' share, exact where both scatter normally.
    """

    inputs: float
    chance: float
    low: float
    high: float

    @property
    def share(self) -> float:
        """Of the inputs; 0 for a figure that does not scatter."""
        both = self.inputs + self.chance
        return self.inputs / both if both > 0.0 else 0.0


def split_variance(table: Sequence[Sequence[float]] | Floats, confidence: float = CONFIDENCE) -> Split:
    """How much of the scatter would go if the inputs were known, and how much with more replicates.

    Parameters
    ----------
    table : array of float, shape (points, replicates)
        Replicates of each point independent of those of the others; at least two of both.
    """
    values = np.asarray(table, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError("needs at least two points with the same number of replicates, at least two")
    points, replicates = values.shape
    chance = float(values.var(axis=1, ddof=1).mean())
    of_means = float(values.mean(axis=1).var(ddof=1))
    return Split(
        max(0.0, of_means - chance / replicates),
        chance,
        *_share_interval(of_means, chance, points, replicates, confidence),
    )


def _share_interval(
    of_means: float, chance: float, points: int, replicates: int, confidence: float
) -> tuple[float, float]:
    """Ends of the share of the variance that lies between groups (Searle 1992, section 3.6)."""
    from scipy.special import fdtri

    if chance == 0.0:
        return (1.0, 1.0) if of_means > 0.0 else (0.0, 0.0)
    ratio = replicates * of_means / chance
    freedom = (points - 1, points * (replicates - 1))
    ends = (ratio / float(fdtri(*freedom, 0.5 + side * confidence / 2.0)) for side in (1.0, -1.0))
    low, high = ((end - 1.0) / (end + replicates - 1.0) for end in ends)
    return max(0.0, low), max(0.0, high)
