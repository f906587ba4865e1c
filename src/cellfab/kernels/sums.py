"""Sums and spreads over the rows of a lot that count."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel


@kernel
def sum_where(values: npt.NDArray[np.float32], counted: npt.NDArray[np.bool_]) -> float:
    """Sum of the values that are counted, in four strands: one alone would wait for each addition to end."""
    sum_0, sum_1, sum_2, sum_3 = 0.0, 0.0, 0.0, 0.0
    whole = values.size - values.size % 4
    for i in range(0, whole, 4):
        sum_0 += np.float64(values[i]) if counted[i] else 0.0
        sum_1 += np.float64(values[i + 1]) if counted[i + 1] else 0.0
        sum_2 += np.float64(values[i + 2]) if counted[i + 2] else 0.0
        sum_3 += np.float64(values[i + 3]) if counted[i + 3] else 0.0
    for i in range(whole, values.size):
        sum_0 += np.float64(values[i]) if counted[i] else 0.0
    return (sum_0 + sum_1) + (sum_2 + sum_3)


@kernel
def spread_where(values: npt.NDArray[np.float32], counted: npt.NDArray[np.bool_], centre: float) -> tuple[float, float]:
    """Mean and standard deviation of the values that are counted; ``(centre, 0)`` where there is none.

    `centre` should be near the mean: squares are taken of what is left without it.
    """
    count, first_0, second_0, first_1, second_1 = 0, 0.0, 0.0, 0.0, 0.0
    for i in range(values.size):
        off = np.float64(values[i]) - centre if counted[i] else 0.0
        count += counted[i]
        if i % 2 == 0:
            first_0 += off
            second_0 += off * off
        else:
            first_1 += off
            second_1 += off * off
    if count == 0:
        return centre, 0.0
    mean = (first_0 + first_1) / count
    return centre + mean, math.sqrt(max((second_0 + second_1) / count - mean * mean, 0.0))
