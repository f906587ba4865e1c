"""Fields along a web, as a cell sees them: averaged over the length of its own electrode.

A stationary Ornstein-Uhlenbeck (OU) process with correlation length l has autocorrelation exp(-d / l). Its mean over a
segment and its value at the segment's end are jointly normal given its value at the start, so a whole web can be drawn
segment by segment without any discretisation error.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import fill_normal

_SERIES_BELOW = 1e-3


@lru_cache(maxsize=64)
def mean_variance_factor(segment_m: float, correlation_m: float) -> float:
    """Variance of an OU process averaged over a segment, over its point variance: rho^2 = 2 (x - 1 + e^-x) / x^2.

    Parameters
    ----------
    segment_m, correlation_m : float
        Lengths L > 0 and l > 0; x = L / l.

    Returns
    -------
    float
        In (0, 1]: 1 for a segment much shorter than the correlation length, 2 l / L for a much longer one.
    """
    x = segment_m / correlation_m
    if x < _SERIES_BELOW:
        return 1.0 - x / 3.0 + x * x / 12.0
    return 2.0 * (x + math.expm1(-x)) / (x * x)


class Coefficients(NamedTuple):
    """How the OU process (of unit variance) goes from segment to segment.

    state' = keep * state + kick * z;  mean = lead * state + shared * z + own * z2, with z, z2 standard normal.
    """

    keep: float
    kick: float
    lead: float
    shared: float
    own: float


@lru_cache(maxsize=64)
def ou_coefficients(segment_m: float, correlation_m: float) -> Coefficients:
    """Exact coefficients for segments of length L > 0 and correlation length l > 0, both in m.

    keep = e^-x, kick^2 = 1 - keep^2, lead = (1 - keep) / x; covariance of mean and end state given the start:
    lead (1 - keep); variance of the mean given the start: rho^2 - lead^2 (integrals of the exponential kernel).
    """
    x = segment_m / correlation_m
    keep = math.exp(-x)
    kick = math.sqrt(-math.expm1(-2.0 * x))
    lead = -math.expm1(-x) / x
    shared = lead * -math.expm1(-x) / kick
    own = math.sqrt(max(mean_variance_factor(segment_m, correlation_m) - lead**2 - shared**2, 0.0))
    return Coefficients(keep, kick, lead, shared, own)


@kernel
def ou_segment_means(
    state_normal: npt.NDArray[np.float32],
    mean_normal: npt.NDArray[np.float32],
    keep: float,
    kick: float,
    lead: float,
    shared: float,
    own: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Means of a stationary OU process of unit variance over consecutive segments.

    Parameters
    ----------
    state_normal : ndarray of float32, shape (n + 1,)
        Standard normal numbers: the state at the start of the web, then one per segment.
    mean_normal : ndarray of float32, shape (n,)
        Standard normal numbers.
    keep, kick, lead, shared, own : float
        From `ou_coefficients`.
    out : ndarray of float32, shape (n,)
        Written.
    """
    state = float(state_normal[0])
    for i in range(out.size):
        z = float(state_normal[i + 1])
        out[i] = lead * state + shared * z + own * float(mean_normal[i])
        state = keep * state + kick * z


@kernel
def wander_web(
    state_key: np.uint64,
    mean_key: np.uint64,
    entity: int,
    keep: float,
    kick: float,
    lead: float,
    shared: float,
    own: float,
    out: npt.NDArray[np.float32],
) -> None:
    """`ou_segment_means` of the normal numbers of two streams about a web; `out` is written."""
    state_normal, mean_normal = np.empty(out.size + 1, np.float32), np.empty(out.size, np.float32)
    fill_normal(state_key, entity, state_normal)
    fill_normal(mean_key, entity, mean_normal)
    ou_segment_means(state_normal, mean_normal, keep, kick, lead, shared, own, out)


@kernel
def add_along(
    drift_cv: float,
    ripple: float,
    step_radians: float,
    phase: float,
    roll: float,
    offset: npt.NDArray[np.float32],
    charge: npt.NDArray[np.int32],
    along: npt.NDArray[np.float32],
) -> None:
    """Relative error of loading common to all lanes: drift + ripple + the charge's offset + the roll's.

    Parameters
    ----------
    drift_cv : float
        Point value of the drift, 1 sigma.
    ripple, step_radians, phase : float
        Amplitude of the ripple's means; the sine's angle from one position to the next, and at the first one
        (`ripple_law`).
    roll : float
    offset : ndarray of float32, shape (charges,)
    charge : ndarray of int32, shape (positions,)
    along : ndarray of float32, shape (positions,)
        Means of the drift's process of unit variance; changed into the error.
    """
    # The angle grows by a fixed step: turning a pointer is ten times as fast as a sine (and loses 1e-13 in 1000 steps).
    sine, cosine = ripple * math.sin(phase), ripple * math.cos(phase)
    turn_sine, turn_cosine = math.sin(step_radians), math.cos(step_radians)
    for position in range(along.size):
        drift = drift_cv * float(along[position])  # in double precision without a compiler, too
        along[position] = np.float32(drift + sine + float(offset[charge[position]]) + roll)
        sine, cosine = sine * turn_cosine + cosine * turn_sine, cosine * turn_cosine - sine * turn_sine


class Ripple(NamedTuple):
    """Means of a sine over consecutive segments: amplitude x sin(phase + i x step), i the segment's number."""

    amplitude: float
    step_radians: float
    phase: float


def ripple_law(amplitude: float, segment_m: float, wavelength_m: float, phase: float) -> Ripple:
    """Means over segments of amplitude x sin(2 pi x / wavelength + phase), x in m from the start of the web.

    The mean of a sine over a length L is its middle value times sinc(L / wavelength).

    Parameters
    ----------
    amplitude : float
        Of the sine itself.
    segment_m, wavelength_m : float
        Lengths.
    phase : float
        At the start of the web, in radians.
    """
    turns = segment_m / wavelength_m
    step = 2.0 * math.pi * turns
    sinc = math.sin(0.5 * step) / (0.5 * step) if step > 0.0 else 1.0
    return Ripple(amplitude * sinc, step, phase + 0.5 * step)
