"""Leaks of seams and seals, the test that looks for them, and the second weld that closes them.

Leak sites lie along a seam as a Poisson process; log10(leak rate / limit) of a site is exponential. So the number of
sites worse than x is Poisson with mean ``m exp(-x / mu)``, and the worst of a seam with m sites on average has
``P(worst <= x) = exp(-m exp(-x / mu))``: one uniform number tells whether a seam leaks and how much.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.inspection import detection_probability
from cellfab.kernels.random import fill_uniform, uniform

TIGHT, MENDED, REJECTED = 0, 1, 2
"""What the test says in the end: passed at once, passed after a second weld, rejected."""


@kernel
def worst_leak(sites: float, decades: float, u: float) -> float:
    """log10(leak rate / limit) of the worst of Poisson many leak sites; 0 without one.

    Parameters
    ----------
    sites : float
        Mean number of sites; more of them never leak less on the same `u`.
    decades : float
        Mean of log10(leak rate / limit) of one site.
    u : float
        Uniform number in (0, 1): small ones leak, so rare leaks keep their probability in float32.
    """
    hazard = -math.log1p(-u)
    if hazard >= sites:
        return 0.0
    return -decades * math.log(hazard / sites)


class LeakTestLaw(NamedTuple):
    """A leak test, and the second weld after an alarm, as floats."""

    false_alarm: float
    ceiling: float
    midpoint: float
    width: float
    """Of the logistic law of `cellfab.kernels.inspection`, in decades of leak rate above the limit."""
    mend_success: float
    """Probability that a second weld closes the leak."""


@kernel
def find_leaks(
    law: LeakTestLaw,
    mends_at_most: int,
    keys: npt.NDArray[np.uint64],
    entity: int,
    beyond_repair: npt.NDArray[np.uint8],
    leak: npt.NDArray[np.float32],
    verdict: npt.NDArray[np.uint8],
) -> None:
    """Test every cell; weld again after an alarm and test again, up to a limit.

    Parameters
    ----------
    law : LeakTestLaw
        Constants.
    mends_at_most : int
        Second welds at most; 0 rejects after the first alarm.
    keys : ndarray of uint64, shape (2,)
        Streams of the first test, and of second welds with theirs: rows 2 (mends_at_most i + k) and one more belong
        to the k-th of cell i.
    entity : int
        The lot.
    beyond_repair : ndarray of uint8, shape (n,) or, if there is no such cell, (0,)
        1 where the leak is not in the seam: a second weld does not close it.
    leak : ndarray of float32, shape (n,)
        log10(leak rate / limit), 0 for a tight cell; set to 0 where a second weld closes it. NaN is rejected.
    verdict : ndarray of uint8, shape (n,)
        Filled: `TIGHT` (or a leak missed), `MENDED` or `REJECTED`.
    """
    u = np.empty(leak.size, np.float32)
    fill_uniform(keys[0], entity, u)
    quiet = np.float32(law.false_alarm)
    zero = np.float32(0.0)
    for i in range(u.size):
        verdict[i] = TIGHT
        if leak[i] == zero and u[i] >= quiet:
            continue
        draw = np.float64(u[i])
        for mend in range(mends_at_most + 1):
            alarm = law.false_alarm
            if not (leak[i] <= zero):
                seen = detection_probability(leak[i], law.ceiling, law.midpoint, law.width)
                alarm += (1.0 - law.false_alarm) * seen
            if draw >= alarm:
                break
            if mend == mends_at_most:
                verdict[i] = REJECTED
                break
            verdict[i] = MENDED
            row = 2 * (i * mends_at_most + mend)
            closable = leak[i] > zero and (beyond_repair.size == 0 or beyond_repair[i] == 0)
            if closable and uniform(keys[1], entity, row) < law.mend_success:
                leak[i] = zero
            draw = uniform(keys[1], entity, row + 1)
