"""How late tasks become: named random numbers, and the inverse of each law of a slip.

A slip of a case is a pure function of (seed, task, slip, case): the case-th number of a stream that has their names.
Replicate r of a simulation is case r of the plan's probabilities, so both tell the same story; and a task that is added
changes no other task's luck. Streams are Philox (Salmon et al., SC'11) as numpy has it, which needs no compiler.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from hashlib import blake2b
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from cellfab.config.distribution import (
    Deterministic,
    Distribution,
    Empirical,
    Exponential,
    Lognormal,
    Triangular,
    Uniform,
    Weibull,
    mean_seconds,
)
from cellfab.config.project_spec import Slip
from cellfab.ramp.project import Task
from cellfab.units import TICKS_PER_S, TICKS_PER_WEEK

Floats = npt.NDArray[np.float64]
_SECONDS_PER_WEEK = TICKS_PER_WEEK / TICKS_PER_S
_LEAST = 1e-60
"""Below it scipy's inverse of the beta law fails; the quantile is within 1e-12 of the range of its end."""


def stream(seed: int, task: str, slip: str, decision: str, cases: int) -> Floats:
    """Uniform numbers in (0, 1) for cases 0, 1, ... of one decision about one slip, shape (cases,)."""
    text = "\x1f".join(map(str, (seed, "project", task, slip, decision)))
    key = int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "little")
    words = np.random.Philox(key=key).random_raw(cases)
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52


def slip_weeks(slip: Slip, happens: Floats, length: Floats) -> Floats:
    """Weeks that a slip costs, of two uniform numbers of a case each: whether it happens, and how long it is."""
    weeks = _lengths(slip, length)
    return np.where(happens < slip.probability, weeks, 0.0)


def mean_weeks(slip: Slip) -> float:
    """Expected weeks of a slip, its probability counted."""
    if slip.delay is not None:
        return slip.probability * mean_seconds(slip.delay) / _SECONDS_PER_WEEK
    likely = slip.likely_weeks or 0.0
    if slip.low_weeks is None or slip.high_weeks is None:
        return slip.probability * likely
    weight = 4.0 if slip.curve == "pert" else 1.0
    return slip.probability * (slip.low_weeks + weight * likely + slip.high_weeks) / (2.0 + weight)


def drawn_slips(tasks: Iterable[Task], seed: int, cases: int) -> dict[tuple[str, str], Floats]:
    """Weeks that each slip of each task costs in each case, by (task, slip), shape (cases,)."""
    return {
        (task.name, name): slip_weeks(
            slip,
            stream(seed, task.name, name, "happens", cases),
            stream(seed, task.name, name, "length", cases),
        )
        for task in tasks
        for name, slip in task.slips.items()
    }


def delays_of_case(tasks: Iterable[Task], seed: int, case: int) -> dict[str, float]:
    """Weeks that each task is late in one case, tasks without slips left out."""
    late: dict[str, float] = {}
    for (task, _), weeks in drawn_slips(tasks, seed, case + 1).items():
        late[task] = late.get(task, 0.0) + float(weeks[case])
    return late


def _lengths(slip: Slip, u: Floats) -> Floats:
    if slip.delay is not None:
        return _quantiles(slip.delay, u) / _SECONDS_PER_WEEK
    likely = slip.likely_weeks or 0.0
    if slip.low_weeks is None or slip.high_weeks is None or slip.low_weeks == slip.high_weeks:
        return np.full_like(u, likely)
    if slip.curve == "triangular":
        return _triangular(slip.low_weeks, likely, slip.high_weeks, u)
    from scipy.special import betaincinv

    width = slip.high_weeks - slip.low_weeks
    weight = 4.0 * (likely - slip.low_weeks) / width
    return slip.low_weeks + width * np.asarray(betaincinv(1.0 + weight, 5.0 - weight, np.maximum(u, _LEAST)))


def _triangular(low: float, mode: float, high: float, u: Floats) -> Floats:
    width = high - low
    rising = low + np.sqrt(u * width * (mode - low))
    falling = high - np.sqrt((1.0 - u) * width * (high - mode))
    return np.where(u <= (mode - low) / width, rising, falling)


def _quantiles(law: Distribution, u: Floats) -> Floats:
    """Durations in seconds below which shares `u` of a law lie."""
    match law:
        case Deterministic():
            return np.full_like(u, law.value_s)
        case Exponential():
            return -law.mean_s * np.log1p(-u)
        case Weibull():
            scale = law.scale_s or (law.mean_s or 0.0) / math.gamma(1.0 + 1.0 / law.shape)
            return scale * (-np.log1p(-u)) ** (1.0 / law.shape)
        case Lognormal():
            sigma = math.sqrt(math.log1p(law.cv**2)) if law.cv is not None else math.log(law.gsd or 1.0)
            median = law.median_s or (law.mean_s or 0.0) * math.exp(-sigma * sigma / 2.0)
            normal = NormalDist()
            return median * np.exp(sigma * np.array([normal.inv_cdf(float(share)) for share in u]))
        case Uniform():
            return law.low_s + u * (law.high_s - law.low_s)
        case Triangular():
            return _triangular(law.low_s, law.mode_s, law.high_s, u)
        case Empirical():
            values = np.array(law.values_s)
            return values[np.minimum((u * values.size).astype(np.int64), values.size - 1)]
