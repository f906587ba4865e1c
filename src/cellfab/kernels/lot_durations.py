"""Durations of all parts of a lot at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.laws import DETERMINISTIC, LONGEST, duration, sample
from cellfab.kernels.random import fill_row_uniforms, uniform
from cellfab.units import TICKS_PER_S

_CHUNK = 1024


@kernel
def durations_from(
    law: int, p0: float, p1: float, p2: float, pool: npt.NDArray[np.float64], factor: float, key: np.uint64,
    entity: int, first_row: int, out: npt.NDArray[np.int64],
) -> None:  # fmt: skip
    """Fill `out` (int64, shape (rows,)) with durations in ticks: element i is the draw (key, entity, first_row + i)."""
    if law == DETERMINISTIC:
        out[:] = duration(law, p0, p1, p2, pool, factor, key, entity, 0)
        return
    uniforms = np.empty(min(_CHUNK, out.size), np.float64)
    for done in range(0, out.size, _CHUNK):
        m = min(_CHUNK, out.size - done)
        fill_row_uniforms(key, entity, first_row + done, uniforms[:m])
        for i in range(m):
            seconds = sample(law, p0, p1, p2, pool, uniforms[i]) * factor
            out[done + i] = int(min(np.rint(seconds * TICKS_PER_S), LONGEST))


@kernel
def durations(
    law: int, p0: float, p1: float, p2: float, pool: npt.NDArray[np.float64], factor: float, key: np.uint64,
    entity: int, out: npt.NDArray[np.int64],
) -> None:  # fmt: skip
    """Fill `out` (int64, shape (rows,)) with durations in ticks: element i is the draw (key, entity, i)."""
    durations_from(law, p0, p1, p2, pool, factor, key, entity, 0, out)


@kernel
def durations_of(
    law: int, p0: float, p1: float, p2: float, pool: npt.NDArray[np.float64], key: np.uint64,
    entity: npt.NDArray[np.int64], out: npt.NDArray[np.int64],
) -> None:  # fmt: skip
    """Fill `out` with durations in ticks: element i is the draw (key, entity[i], 0); arrays of shape (n,)."""
    for i in range(out.size):
        seconds = sample(law, p0, p1, p2, pool, uniform(key, entity[i], 0))
        out[i] = int(min(np.rint(seconds * TICKS_PER_S), LONGEST))
