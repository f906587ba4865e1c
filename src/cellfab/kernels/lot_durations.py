"""Durations of all parts of a lot at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.laws import duration


@kernel
def durations(
    law: int, p0: float, p1: float, p2: float, pool: npt.NDArray[np.float64], factor: float, key: np.uint64,
    entity: int, out: npt.NDArray[np.int64],
) -> None:  # fmt: skip
    """Fill `out` (int64, shape (rows,)) with durations in ticks: element i is the draw (key, entity, i)."""
    for row in range(out.size):
        out[row] = duration(law, p0, p1, p2, pool, factor, key, entity, row)
