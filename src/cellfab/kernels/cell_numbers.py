"""Random numbers of finished cells: one block of four words each, from which a step takes all that every cell needs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random_blocks import CHUNK, fill_blocks, normal_pairs


@kernel
def fill_cell_normals(key: np.uint64, entity: int, z: npt.NDArray[np.float32]) -> None:
    """Fill the normal numbers of every cell.

    Parameters
    ----------
    key, entity
        Name the draws: block i of the stream belongs to cell i.
    z : ndarray of float32, shape (2, n) or (4, n)
        Filled: standard normal numbers 0 and 1 out of words 0 and 1 of the block; 2 and 3 out of words 2 and 3.
    """
    words = np.empty((4, CHUNK), np.uint32)
    words_0, words_1, words_2, words_3 = words[0], words[1], words[2], words[3]
    for done in range(0, z.shape[1], CHUNK):
        end = min(done + CHUNK, z.shape[1])
        fill_blocks(key, entity, done, 0, words)
        normal_pairs(words_0, words_1, 0, z[0, done:end], z[1, done:end])
        if z.shape[0] > 2:
            normal_pairs(words_2, words_3, 0, z[2, done:end], z[3, done:end])
