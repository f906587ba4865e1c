"""Which inputs the scatter of a figure comes from: Morris screening and Sobol indices.

Both are designs of points in the unit cube, one coordinate for each input, and an analysis of the figure at these
points. What runs the points, and what a coordinate means for its input, is not known here
(`cellfab.study.uncertain.Input.at`, `cellfab.study.design.level`). All points should have the same random numbers:
the figure is then a function of the inputs, and a difference is not chance.

Screening takes (inputs + 1) runs a trajectory, 10 trajectories as a rule, and finds what does not matter. Indices take
(inputs + 2) runs a sample, hundreds of samples, and say which share of the variance each input causes.

References
----------
M. D. Morris, "Factorial sampling plans for preliminary computational experiments", Technometrics 33 (1991), 161-174.
F. Campolongo, J. Cariboni, A. Saltelli, "An effective screening design for sensitivity analysis of large models",
Environmental Modelling & Software 22 (2007), 1509-1518: the mean of absolute effects.
A. Saltelli, P. Annoni, I. Azzini, F. Campolongo, M. Ratto, S. Tarantola, "Variance based sensitivity analysis of model
output", Computer Physics Communications 181 (2010), 259-270: estimators of table 2, (b) and (f).
M. J. W. Jansen, "Analysis of variance designs for model output", Computer Physics Communications 117 (1999), 35-43.
S. Joe, F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM Journal on Scientific
Computing 30 (2008), 2635-2654: the sequence of `scipy.stats.qmc.Sobol`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.study.statistics import CONFIDENCE, Interval, interval_of, mean_interval

Floats = npt.NDArray[np.float64]

MORRIS_LEVELS = 4
"""Levels of each input: 4 with a step of 2/3 (Morris 1991, section 3)."""
BOOTSTRAPS = 1000
_KEPT_AT_ONCE = 4_000_000
"""Numbers that the bootstrap holds at a time."""


# ---- screening ------------------------------------------------------------------------------------------------------


class Effect(NamedTuple):
    """Elementary effects of one input: change of the figure per full range of the input.

    Attributes
    ----------
    name : str
    strength : Interval
        Mean of the absolute effects (mu* of Campolongo 2007) with its t-interval.
    mean : float
        With their signs; as large as the strength where the figure only rises with the input.
    scatter : float
        Standard deviation: 0 for an input whose effect is the same everywhere, large for one that is not linear or
        acts together with others.
    """

    name: str
    strength: Interval
    mean: float
    scatter: float


def morris_design(inputs: int, trajectories: int, seed: int, levels: int = MORRIS_LEVELS) -> Floats:
    """Trajectories through the unit cube, each of which moves every input once (Morris 1991).

    Parameters
    ----------
    inputs, trajectories : int
        At least 1, and 2.
    seed : int
        Of the random starts, directions and orders.
    levels : int
        Even; the step is levels / (2 (levels - 1)).

    Returns
    -------
    ndarray of float64, shape (trajectories * (inputs + 1), inputs)
        Trajectory after trajectory.
    """
    if inputs < 1 or trajectories < 2:
        raise ValueError("screening needs at least one input and two trajectories")
    if levels < 2 or levels % 2:
        raise ValueError(f"the number of levels is even, not {levels}")
    generator = np.random.default_rng(seed)
    low = generator.integers(0, levels // 2, (trajectories, inputs))
    upward = generator.random((trajectories, inputs)) < 0.5
    order = np.argsort(generator.random((trajectories, inputs)), axis=1)
    moved = np.arange(inputs + 1)[:, None] > np.argsort(order, axis=1)[:, None, :]  # (trajectory, point, input)
    high = moved == upward[:, None, :]
    points: Floats = (low[:, None, :] + high * (levels // 2)) / (levels - 1.0)
    return points.reshape(-1, inputs)


def morris_effects(
    names: Sequence[str], points: Floats, values: Sequence[float] | Floats, confidence: float = CONFIDENCE
) -> list[Effect]:
    """Elementary effects from the figure at the points of `morris_design`, in the order of the inputs.

    Parameters
    ----------
    names : sequence of str, shape (inputs,)
    points : ndarray, shape (trajectories * (inputs + 1), inputs)
    values : array of float, shape (trajectories * (inputs + 1),)
        NaN where there is none; the two effects that hang on it are left out.

    Raises
    ------
    ValueError
        If shapes do not fit, or an input has fewer than two effects.
    """
    inputs = len(names)
    figure = np.asarray(values, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != inputs or len(points) % (inputs + 1) or figure.shape != points.shape[:1]:
        raise ValueError("points and values are not those of a screening of these inputs")
    steps = np.diff(points.reshape(-1, inputs + 1, inputs), axis=1).reshape(-1, inputs)
    changes = np.diff(figure.reshape(-1, inputs + 1), axis=1).ravel()
    found = []
    for place, name in enumerate(names):
        here = (steps[:, place] != 0.0) & np.isfinite(changes)
        effects = changes[here] / steps[here, place]
        if effects.size < 2:
            raise ValueError(f"{name} has {effects.size} effects, and a scatter needs at least two")
        strength = mean_interval(np.abs(effects).tolist(), confidence)
        found.append(Effect(name, strength, float(effects.mean()), float(effects.std(ddof=1))))
    return found


# ---- indices --------------------------------------------------------------------------------------------------------


class Share(NamedTuple):
    """Shares of the figure's variance that one input causes.

    Attributes
    ----------
    name : str
    first : Interval
        By itself: what would be gone if only this were known exactly.
    total : Interval
        With everything that it does together with others: what would be left if only this were not known.
    """

    name: str
    first: Interval
    total: Interval


def sobol_design(inputs: int, samples: int, seed: int) -> Floats:
    """Points for first and total indices (Saltelli 2010): A, B, and A with each column of B in turn.

    Parameters
    ----------
    inputs : int
    samples : int
        A power of two, for a Sobol sequence is balanced only then; at least 2.
    seed : int
        Scrambles the sequence.

    Returns
    -------
    ndarray of float64, shape (samples * (inputs + 2), inputs)
        By sample, so that a design which is cut short after a whole number of samples can be analysed.
    """
    from scipy.stats import qmc

    if inputs < 1 or samples < 2 or samples & (samples - 1):
        raise ValueError(f"samples must be a power of two from 2 on, not {samples}, and there must be inputs")
    both = qmc.Sobol(2 * inputs, scramble=True, rng=seed).random_base2(samples.bit_length() - 1)
    points = np.repeat(both[:, None, :inputs], inputs + 2, axis=1)
    points[:, 1] = both[:, inputs:]
    each = np.arange(inputs)
    points[:, 2 + each, each] = both[:, inputs:]
    return points.reshape(-1, inputs)


def sobol_indices(
    names: Sequence[str],
    values: Sequence[float] | Floats,
    *,
    seed: int = 1,
    confidence: float = CONFIDENCE,
    bootstraps: int = BOOTSTRAPS,
) -> list[Share]:
    """First and total indices from the figure at the points of `sobol_design`, in the order of the inputs.

    First by Saltelli 2010, total by Jansen 1999; intervals from resampled samples, normal with the bootstrap's standard
    error. They hold for random points and are wider than need be for a Sobol sequence.

    Parameters
    ----------
    names : sequence of str, shape (inputs,)
    values : array of float, shape (samples * (inputs + 2),)
        NaN where there is none; the sample that it belongs to is left out.
    seed : int
        Of the resampling.

    Raises
    ------
    ValueError
        If the shape does not fit, or fewer than two samples are whole.
    """
    from scipy.special import ndtri

    inputs = len(names)
    figure = np.asarray(values, dtype=np.float64)
    if not inputs or figure.ndim != 1 or figure.size % (inputs + 2):
        raise ValueError("values are not those of a design for the indices of these inputs")
    rows = figure.reshape(-1, inputs + 2)
    rows = rows[np.isfinite(rows).all(axis=1)]
    n = len(rows)
    if n < 2:
        raise ValueError("fewer than two samples have a value at each of their points")
    rows = rows - rows[:, :2].mean()
    a, b, mixed = rows[:, 0], rows[:, 1], rows[:, 2:]
    # per sample: the sums from which variance, first and total follow
    terms = np.column_stack([a + b, a**2 + b**2, b[:, None] * (mixed - a[:, None]), (a[:, None] - mixed) ** 2 / 2.0])
    best = _indices(terms.mean(axis=0))
    generator = np.random.default_rng(seed)
    resampled = np.empty((bootstraps, 2 * inputs))
    at_once = max(1, _KEPT_AT_ONCE // n)
    for start in range(0, bootstraps, at_once):
        count = min(at_once, bootstraps - start)
        weights = generator.multinomial(n, np.full(n, 1.0 / n), size=count)
        resampled[start : start + count] = _indices(weights @ terms / n)
    half = float(ndtri(0.5 + confidence / 2.0)) * resampled.std(axis=0, ddof=1)
    intervals = [interval_of(float(index), float(width), n) for index, width in zip(best, half, strict=True)]
    return [
        Share(name, first, total)
        for name, first, total in zip(names, intervals[:inputs], intervals[inputs:], strict=True)
    ]


def _indices(means: Floats) -> Floats:
    """First and then total indices, shape (..., 2 inputs); 0 for a figure that does not scatter."""
    variance = means[..., 1] / 2.0 - (means[..., 0] / 2.0) ** 2
    varies = variance > 0.0
    indices: Floats = np.where(varies[..., None], means[..., 2:] / np.where(varies, variance, 1.0)[..., None], 0.0)
    return indices


def interactions(shares: Sequence[Share]) -> float:
    """Share of the variance that no input causes by itself: 1 less all first indices, at least 0."""
    return max(0.0, 1.0 - math.fsum(share.first.mean for share in shares))
