"""Kneading: what one depth error makes of a face of bare foil flags."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

MOST_TORN = 0.99
"""No face is torn off entirely: some flags are always left to weld (assumption)."""


@kernel
def knead(
    error_mm: npt.NDArray[np.float32],
    distance_mm: float,
    onset_mm: float,
    torn_per_mm: float,
    to_separator_mm: npt.NDArray[np.float32],
    torn: npt.NDArray[np.float32],
) -> float:
    """Distance to the separator and torn share of the flags of one face, from its depth error.

    Parameters
    ----------
    error_mm : ndarray of float32, shape (n,)
        Depth error; positive is too deep.
    distance_mm : float
        From weld plane to separator without an error.
    onset_mm, torn_per_mm : float
        Flags tear beyond the onset, so much of them per mm.
    to_separator_mm, torn : ndarray of float32, shape (n,)
        Filled.

    Returns
    -------
    float
        The largest torn share.
    """
    distance = np.float32(distance_mm)
    onset = np.float32(onset_mm)
    slope = np.float32(torn_per_mm)
    deepest = np.float32(0.0)
    for i in range(torn.size):
        to_separator_mm[i] = distance - error_mm[i]
        torn[i] = min(slope * max(error_mm[i] - onset, np.float32(0.0)), np.float32(MOST_TORN))
        deepest = max(deepest, error_mm[i])
    return float(min(max(slope * (deepest - onset), np.float32(0.0)), np.float32(MOST_TORN)))
