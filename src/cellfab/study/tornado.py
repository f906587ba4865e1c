"""The inputs that move a figure most: one at a time from end to end, or by how they go with it over many points.

References
----------
T. G. Eschenbach, "Spiderplots versus tornado diagrams for sensitivity analysis", Interfaces 22 (1992), 40-46.
A. Saltelli, K. Chan, E. M. Scott (eds), Sensitivity Analysis, 2000, section 2.5: rank correlation.
E. C. Fieller, H. O. Hartley, E. S. Pearson, "Tests for rank correlation coefficients. I", Biometrika 44 (1957),
470-481: its scatter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from cellfab.study.sensitivity import Effect, Share
from cellfab.study.statistics import CONFIDENCE, paired_difference

Floats = npt.NDArray[np.float64]


class Change(NamedTuple):
    """Difference of a figure to that of the base.

    Attributes
    ----------
    value : float
    half_width : float or None
        None if there is only one replicate.
    """

    value: float
    half_width: float | None


class Swing(NamedTuple):
    """What one input does to a figure when it alone goes to its ends.

    Attributes
    ----------
    name : str
    at_low, at_high : Change or None
        None where the run at that end failed, or there is no such scenario.
    """

    name: str
    at_low: Change | None
    at_high: Change | None

    @property
    def size(self) -> float:
        """Length of the bar: from the lowest to the highest figure, the base's included."""
        changes = [0.0, *(change.value for change in (self.at_low, self.at_high) if change is not None)]
        return max(changes) - min(changes)


class Association(NamedTuple):
    """How a figure goes with one input over the points of a Monte Carlo study.

    Attributes
    ----------
    name : str
    correlation : float
        Of ranks (Spearman): 1 if the figure only rises with the input and depends on nothing else.
    low, high : float
        Interval, by Fisher's transformation.
    n : int
    """

    name: str
    correlation: float
    low: float
    high: float
    n: int


Measure = TypeVar("Measure", Swing, Association, Effect, Share)


def tornado(
    base: Sequence[float],
    ends: Mapping[str, tuple[Sequence[float] | None, Sequence[float] | None]],
    confidence: float = CONFIDENCE,
) -> list[Swing]:
    """Swings of a figure, the longest first.

    Parameters
    ----------
    base : sequence of float
        Replicates of the base; NaN where there is no figure.
    ends : mapping of str to (low, high)
        By input: the same replicates, or the first of them, with the same random numbers at its ends; None for an end
        that is no scenario.
    confidence : float
        Of the half-widths.
    """
    swings = []
    for name, (low, high) in ends.items():
        changes = [None if end is None else _change(end, base, confidence) for end in (low, high)]
        swings.append(Swing(name, *changes))
    return largest(swings, len(swings))


def _change(end: Sequence[float], base: Sequence[float], confidence: float) -> Change | None:
    """Over the replicates that both have; None if there are none."""
    pairs = [(a, b) for a, b in zip(end, base, strict=False) if not (math.isnan(a) or math.isnan(b))]
    if not pairs:
        return None
    if len(pairs) == 1:
        return Change(pairs[0][0] - pairs[0][1], None)
    interval = paired_difference([a for a, _ in pairs], [b for _, b in pairs], confidence).interval
    return Change(interval.mean, interval.half_width)


def associations(
    names: Sequence[str], points: Floats, values: Sequence[float] | Floats, confidence: float = CONFIDENCE
) -> list[Association]:
    """Rank correlation of a figure with each input, from a Monte Carlo study that was run anyway.

    It sees what rises or falls all along, not what goes up and down again; inputs are taken to be independent.

    Parameters
    ----------
    names : sequence of str, shape (inputs,)
    points : ndarray, shape (points, inputs)
        In the unit cube or in units: only their order counts.
    values : array of float, shape (points,)
        NaN where there is none.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    figure = np.asarray(values, dtype=np.float64)
    if points.ndim != 2 or points.shape != (figure.size, len(names)):
        raise ValueError("points and values do not belong together")
    known = np.isfinite(figure)
    n = int(known.sum())
    if n < 4:
        raise ValueError(f"a correlation needs at least four points with a value, not {n}")
    of_figure = rankdata(figure[known]) - (n + 1) / 2.0
    of_inputs = rankdata(points[known], axis=0) - (n + 1) / 2.0
    scale = np.sqrt((of_inputs**2).sum(axis=0) * (of_figure**2).sum())
    rho = np.divide(of_figure @ of_inputs, scale, out=np.zeros(len(names)), where=scale > 0.0).clip(-1.0, 1.0)
    reach = float(ndtri(0.5 + confidence / 2.0)) * math.sqrt(1.06 / (n - 3))
    with np.errstate(divide="ignore"):  # a correlation of 1 stays one
        low, high = np.tanh(np.arctanh(rho) - reach), np.tanh(np.arctanh(rho) + reach)
    rows = zip(names, rho.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Association(*row, n) for row in rows]


def size_of(measure: Swing | Association | Effect | Share) -> float:
    """How much an input matters by a measure: length of its swing, strength of its effect, total index."""
    match measure:
        case Swing():
            return measure.size
        case Association():
            return abs(measure.correlation)
        case Effect():
            return measure.strength.mean
        case Share():
            return measure.total.mean


def largest(measures: Sequence[Measure], count: int = 10) -> list[Measure]:
    """The inputs that matter most, the first one most; of equal ones the first in the alphabet first."""
    return sorted(measures, key=lambda one: (-size_of(one), one.name))[:count]
