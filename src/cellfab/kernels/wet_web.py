"""What is particular to a slurry-coated web: batches with more flaws than others, stops, and rare events on it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normal_quantile, uniform

_TRIES = 64  # rows set aside for one batch: each try takes two and is accepted with a probability above 0.95


@kernel
def batch_factors(key: np.uint64, entity: int, shape: float, out: npt.NDArray[np.float64]) -> None:
    """Factors on defect rates, Gamma-distributed over batches with mean 1: counts become negative binomial.

    Marsaglia and Tsang, "A simple method for generating gamma variables", ACM Trans. Math. Softw. 26 (2000) 363-372.

    Parameters
    ----------
    key, entity
        Stream and lot: batch i uses rows 64 i to 64 i + 63.
    shape : float
        Of the Gamma distribution, at least 1/3; large: no clusters.
    out : ndarray of float64, shape (batches,)
        Written.
    """
    # Below 1 the method draws Gamma(shape + 1) and shrinks it by U^(1 / shape).
    drawn = shape if shape >= 1.0 else shape + 1.0
    d = drawn - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    for i in range(out.size):
        value = 1.0
        for attempt in range(_TRIES // 2 - 1):
            row = _TRIES * i + 2 * attempt
            x = normal_quantile(uniform(key, entity, row))
            v = (1.0 + c * x) ** 3
            if v > 0.0 and math.log(uniform(key, entity, row + 1)) < 0.5 * x * x + d * (1.0 - v + math.log(v)):
                value = d * v
                break
        if shape < 1.0:
            value *= uniform(key, entity, _TRIES * i + _TRIES - 1) ** (1.0 / shape)
        out[i] = value / shape


@kernel
def interrupt_web(
    entity: int,
    pitch_m: float,
    start_m: float,
    start_code: int,
    break_key: np.uint64,
    break_per_m: float,
    break_m: float,
    break_code: int,
    stop_key: np.uint64,
    stop_per_m: float,
    stop_m: float,
    stop_code: int,
    code: npt.NDArray[np.int16],
) -> tuple[int, int, int, int]:
    """Mark positions lost at the start of a roll, after web breaks and in the dryer when the line stops.

    Breaks and stops are Poisson along the web, one uniform per spacing; what they spoil comes after them.

    Parameters
    ----------
    entity : int
        The web.
    pitch_m : float
        Length of a position.
    start_m, break_m, stop_m : float
        Web lost at the start, after each break and each stop.
    break_key, stop_key : numpy.uint64
        Streams.
    break_per_m, stop_per_m : float
        Rates.
    start_code, break_code, stop_code : int
        Exit codes.
    code : ndarray of int16, shape (positions,)
        Written: one of the codes, or 0.

    Returns
    -------
    tuple of int
        Breaks; positions lost to the start, to breaks and to stops.
    """
    positions = code.size
    started = min(math.ceil(start_m / pitch_m), positions)
    code[:started] = start_code
    code[started:] = 0
    breaks = broken = stopped = 0
    for stops in (False, True):
        key = stop_key if stops else break_key
        rate = stop_per_m if stops else break_per_m
        spoilt_m = stop_m if stops else break_m
        new = stop_code if stops else break_code
        at_m, number = 0.0, 0
        while rate > 0.0:
            at_m += -math.log(uniform(key, entity, number)) / rate
            number += 1
            if at_m >= positions * pitch_m:
                break
            breaks += not stops
            first = int(at_m / pitch_m)
            after = min(int((at_m + spoilt_m) / pitch_m) + 1, positions) if spoilt_m > 0.0 else first
            for position in range(first, after):
                if code[position] == 0:
                    code[position] = new
                    broken += not stops
                    stopped += stops
    return breaks, started, broken, stopped


@kernel
def settle_along(charge: npt.NDArray[np.int32], settled: float, along: npt.NDArray[np.float32]) -> None:
    """Add what settling does to the loading: the first web of a batch is richer by half of `settled`, the last poorer.

    Parameters
    ----------
    charge : ndarray of int32, shape (positions,)
        Ascending.
    settled : float
        Relative difference between the first and the last slurry of a batch.
    along : ndarray of float32, shape (positions,)
        Changed.
    """
    first = 0
    while first < charge.size:
        after = first + 1
        while after < charge.size and charge[after] == charge[first]:
            after += 1
        for position in range(first, after):
            along[position] += np.float32(settled * (0.5 - (position - first + 0.5) / (after - first)))
        first = after
