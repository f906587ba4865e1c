"""Heat seals of pouches, cell by cell: too cold, too hot, or contaminated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.leaks import worst_leak
from cellfab.kernels.random import fill_normal, fill_uniform

MOST_DECADES = 4.0
"""Leak rate over the limit of a seam that is hardly joined, log10 (assumption)."""


class SealLaw(NamedTuple):
    """What one seal depends on, as floats."""

    mean_c: float
    """Temperature between the sheets, with the lot's offset."""
    sd_c: float
    """Cell to cell."""
    low_c: float
    high_c: float
    """Within these the seal is strong enough."""
    decades_per_k: float
    """log10(leak rate / limit) per kelvin outside, up to `MOST_DECADES`."""
    sites: float
    """Mean number of channels through dirt and wrinkles."""
    decades: float
    """Mean log10(leak rate / limit) of one channel."""


@kernel
def seal(law: SealLaw, keys: npt.NDArray[np.uint64], entity: int, leak: npt.NDArray[np.float32]) -> None:
    """Seal every cell of a lot; a cell keeps its worst leak.

    Parameters
    ----------
    law : SealLaw
        Constants.
    keys : ndarray of uint64, shape (2,)
        Streams of the temperature and of channels.
    entity : int
        The lot.
    leak : ndarray of float32, shape (n,)
        log10(leak rate / limit) of each cell so far, 0 for a tight one; raised to that of the seal where that is worse.
    """
    z, u = np.empty(leak.size, np.float32), np.empty(leak.size, np.float32)
    fill_normal(keys[0], entity, z)
    fill_uniform(keys[1], entity, u)
    mean, sd = np.float32(law.mean_c), np.float32(law.sd_c)
    low, high = np.float32(law.low_c), np.float32(law.high_c)
    rare = np.float32(law.sites)  # a channel needs -ln(1 - u) below this, and so u
    for i in range(leak.size):
        at = mean + sd * z[i]
        outside = max(low - at, at - high)
        if outside > np.float32(0.0):
            leak[i] = max(leak[i], min(law.decades_per_k * outside, MOST_DECADES))
        if u[i] < rare:
            leak[i] = max(leak[i], worst_leak(law.sites, law.decades, u[i]))
