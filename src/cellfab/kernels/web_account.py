"""What is left of a web: the loading of its good segments, summed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

_ABREAST = 32  # partial sums: a single one would wait for every addition


@kernel
def good_coating(loading: npt.NDArray[np.float32], exit_code: npt.NDArray[np.int16]) -> float:
    """Sum of the loading over rows with exit code 0.

    Parameters
    ----------
    loading, exit_code : ndarray of float32 and int16, shape (n,)
    """
    sums = np.empty(_ABREAST)
    for j in range(_ABREAST):
        sums[j] = 0.0
    whole = loading.size - loading.size % _ABREAST
    for start in range(0, whole, _ABREAST):
        for j in range(_ABREAST):
            sums[j] += loading[start + j] if exit_code[start + j] == 0 else np.float32(0.0)
    for i in range(whole, loading.size):
        sums[0] += loading[i] if exit_code[i] == 0 else np.float32(0.0)
    total = 0.0
    for j in range(_ABREAST):
        total += sums[j]
    return total
