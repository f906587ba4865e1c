"""Where the warm-up of a run ends, found in the run itself: MSER-5 on the number of lots inside.

References
----------
K. P. White, "An effective truncation heuristic for bias reduction in simulation output", Simulation 69 (1997), 323-334.
S. C. Spratt, "An evaluation of contemporary heuristics for the startup problem", University of Virginia 1998: batches
of 5. K. P. White, S. Robinson, "The problem of the initial transient (again), or why MSER works", Journal of Simulation
4 (2010), 268-272: the cut must lie in the first half, else the run is too short.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MSER_BATCH = 5
"""Observations that are averaged before MSER looks for the cut (Spratt 1998)."""
SAMPLES = 1000
"""Moments of a run, evenly spaced, at which the lots inside are counted: 200 batches."""


class Cut(NamedTuple):
    """Where the warm-up of a series ends.

    Attributes
    ----------
    observations : int
        To leave out at the beginning.
    mean : float
        Of the observations after them.
    settled : bool
        False if the best cut is the last one that was allowed: the series is too short to say.
    """

    observations: int
    mean: float
    settled: bool


def mser5(series: Sequence[float] | Floats) -> Cut:
    """Warm-up cut that makes the standard error of the mean of the rest smallest (White 1997, Spratt 1998).

    The series is averaged in batches of 5; of n batches the first d are left out, with d at most n / 2, so that

        MSER(d) = sum_{j > d} (Z_j - mean_{j > d} Z)^2 / (n - d)^2

    is smallest; the earliest of several.

    Parameters
    ----------
    series : sequence of float, shape (observations,)
        At least 10, evenly spaced in time; what does not fill a batch at the end is not looked at for the cut.

    Raises
    ------
    ValueError
        If it is shorter, or has values that are not finite.
    """
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 1 or values.size < 2 * MSER_BATCH:
        raise ValueError(f"MSER-5 needs a series of at least {2 * MSER_BATCH} values")
    if not np.isfinite(values).all():
        raise ValueError("one of the values is not a finite number")
    n = values.size // MSER_BATCH
    batches = values[: n * MSER_BATCH].reshape(n, MSER_BATCH).mean(axis=1)
    centred = (batches - batches[-1])[::-1]  # a constant tail then has sums of exactly 0
    left = np.arange(1, n + 1, dtype=np.float64)
    squares = np.maximum(np.cumsum(centred**2) - np.cumsum(centred) ** 2 / left, 0.0)
    mser = (squares / left**2)[::-1][: n // 2 + 1]
    dropped = int(np.argmin(mser))
    observations = dropped * MSER_BATCH
    return Cut(observations, float(values[observations:].mean()), dropped < n // 2)


def watch_ticks(horizon: int) -> npt.NDArray[np.int64]:
    """The ticks at which the lots inside are counted: `SAMPLES` of them, evenly spaced, all inside the run."""
    return np.arange(1, SAMPLES + 1, dtype=np.int64) * max(1, horizon // (SAMPLES + 1))
