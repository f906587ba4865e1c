"""Means that scatter less than those of plain replicates: control variates and antithetic pairs.

A control is something else that is known of every replicate, goes with the figure, and has a mean that is known: what
the control was off by in these replicates says what the figure is off by. Where inputs are uncertain, the closed form
of the scenario (`cellfab.analytic`) at each replicate's inputs is one: it costs nothing next to a simulation, so that
its mean can be had from a thousand times as many draws.

Antithetic pairs take every random number once as u and once as 1 - u; what one is above the mean the other is below.

References
----------
S. S. Lavenberg, P. D. Welch, "A perspective on the use of control variables to increase the efficiency of Monte Carlo
simulations", Management Science 27 (1981), 322-335.
B. W. Schmeiser, M. R. Taaffe, J. Wang, "Biased control-variate estimation", IIE Transactions 33 (2001), 219-228:
controls whose mean is itself estimated.
A. M. Law, Simulation Modeling and Analysis, 5th ed. 2015: sections 11.3 (antithetic pairs) and 11.4 (controls).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.study.statistics import (
    CONFIDENCE,
    Interval,
    interval_of,
    mean_and_variance,
    mean_interval,
    student,
)

Floats = npt.NDArray[np.float64]


class Reduced(NamedTuple):
    """A mean with reduced scatter.

    Attributes
    ----------
    interval : Interval
        `n` is the number of replicates.
    plain : Interval
        Of the same replicates, each taken for itself.
    variance_ratio : float
        Variance of the mean with the reduction over that without: near 1 - rho^2 for one control of correlation rho,
        1 + rho for pairs whose halves have it; above 1 where it does harm.
    coefficients : tuple of float
        Of the controls: units of the figure per unit of the control; empty for pairs.
    """

    interval: Interval
    plain: Interval
    variance_ratio: float
    coefficients: tuple[float, ...]


def control_variates(
    values: Sequence[float],
    controls: Sequence[float] | Sequence[Sequence[float]] | Floats,
    means: float | Sequence[float],
    *,
    means_from: int | None = None,
    confidence: float = CONFIDENCE,
) -> Reduced:
    """Mean of a figure, corrected by controls with their best coefficients (Lavenberg & Welch 1981).

    The coefficients are those of least squares. They come from the same replicates, which the interval allows for: it
    has Student's law with n - q - 1 degrees of freedom if figure and controls are jointly normal, and widens with how
    far the controls were off.

    Parameters
    ----------
    values : sequence of float, shape (n,)
        One of each replicate.
    controls : array of float, shape (n,) or (n, q)
        Of the same replicates; n is at least q + 3.
    means : float or sequence of float, shape (q,)
        Known means of the controls.
    means_from : int, optional
        How many independent draws of the controls the means come from, if they were estimated (draws other than those
        of these replicates); default: they are exact.
    confidence : float
        In (0, 1).

    Raises
    ------
    ValueError
        If shapes do not fit, there are too few replicates, or a control is constant or a sum of others.
    """
    figure = np.asarray(values, dtype=np.float64)
    table = np.asarray(controls, dtype=np.float64).reshape(figure.size, -1) if figure.size else np.empty((0, 1))
    known = np.atleast_1d(np.asarray(means, dtype=np.float64))
    n, q = table.shape
    if known.shape != (q,):
        raise ValueError(f"{q} controls have {known.size} means")
    if n < q + 3:
        raise ValueError(f"{q} control{'s' * (q > 1)} need at least {q + 3} replicates, not {n}")
    if not (np.isfinite(figure).all() and np.isfinite(table).all() and np.isfinite(known).all()):
        raise ValueError("one of the values is not a finite number")
    plain = mean_interval(values, confidence)
    scale = table.std(axis=0)
    if not (scale > 0.0).all():
        raise ValueError("a control that is the same in every replicate explains nothing")
    centred = (table - table.mean(axis=0)) / scale
    off = (table.mean(axis=0) - known) / scale
    squares = centred.T @ centred
    if np.linalg.matrix_rank(squares, hermitian=True) < q:
        raise ValueError("one of the controls is a sum of others")
    coefficients = np.linalg.solve(squares, centred.T @ (figure - figure.mean()))
    residual = figure - figure.mean() - centred @ coefficients
    variance = float(residual @ residual) / (n - q - 1)
    widened = 1.0 / n + float(off @ np.linalg.solve(squares, off))
    error = variance * widened
    if means_from is not None:
        explained = centred @ coefficients
        error += float(explained @ explained) / (n - 1) / means_from
    mean = plain.mean - float(coefficients @ off)
    interval = interval_of(mean, student(n - q - 1, confidence) * math.sqrt(error), n)
    _, before = mean_and_variance(values)
    ratio = error / (before / n) if before > 0.0 else 1.0
    return Reduced(interval, plain, ratio, tuple((coefficients / scale).tolist()))


def antithetic_pairs(first: Sequence[float], second: Sequence[float], confidence: float = CONFIDENCE) -> Reduced:
    """Mean over antithetic pairs, of which each is one independent value (Law 2015, section 11.3).

    Parameters
    ----------
    first, second : sequence of float, shape (pairs,)
        Of replicates with the random numbers u, and with 1 - u; at least two pairs.

    Raises
    ------
    ValueError
        If they differ in number, or are fewer than two.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} replicates are no pairs")
    pairs = [(one + other) / 2.0 for one, other in zip(first, second, strict=True)]
    everything = [*first, *second]
    interval = mean_interval(pairs, confidence)._replace(n=len(everything))
    error = mean_and_variance(pairs)[1] / len(pairs)
    before = mean_and_variance(everything)[1] / len(everything)
    return Reduced(interval, mean_interval(everything, confidence), error / before if before > 0.0 else 1.0, ())


def mirrored(points: Floats) -> Floats:
    """The antithetic partners of points in the unit cube."""
    partners: Floats = 1.0 - np.asarray(points, dtype=np.float64)
    return partners
