"""Random numbers of finished cells: one block of four words each, from which a step takes all that every cell needs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random_blocks import fill_blocks, normal_pairs


@kernel
def fill_cell_numbers(key: np.uint64, entity: int, words: npt.NDArray[np.uint32], z: npt.NDArray[np.float32]) -> None:
    """Fill the words of every cell, and normal numbers out of the first of them.

    Parameters
    ----------
    key, entity
        Name the draws: block i of the stream belongs to cell i.
    words : ndarray of uint32, shape (4, n)
        Filled: word k of each cell in ``words[k]``.
    z : ndarray of float32, shape (2, n) or (4, n)
        Filled: standard normal numbers 0 and 1 out of words 0 and 1; 2 and 3 out of words 2 and 3.
    """
    fill_blocks(key, entity, 0, 0, words)
    for pair in range(0, z.shape[0], 2):
        normal_pairs(words[pair], words[pair + 1], 0, z[pair], z[pair + 1])
