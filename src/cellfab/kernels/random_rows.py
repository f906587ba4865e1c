"""Named random numbers of chosen rows only: a reading is drawn where its error can change what is decided."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import LANES, fill_words, normals_of_words, philox_abreast

REACH = 6.35
"""Standard deviations that no number of `fill_normal` or `fill_row_normals` exceeds (it stays within 6.34)."""
_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)
_WORDS = 2.0**32


@kernel
def fill_words_from(key: np.uint64, entity: int, first: int, out: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Words `first` onwards of those that `fill_words` would make from block 0.

    Parameters
    ----------
    key, entity
        As in `fill_words`.
    first : int
        Index of the first word wanted.
    out : ndarray of uint32, shape (n + 3,)
        Overwritten.

    Returns
    -------
    ndarray of uint32, shape (n,)
        The part of `out` that holds the words wanted.
    """
    skip = first & 3
    fill_words(key, entity, first >> 2, out)
    return out[skip : skip + out.size - 3]


@kernel
def fill_row_words(key: np.uint64, entity: int, rows: npt.NDArray[np.int32], out: npt.NDArray[np.uint32]) -> None:
    """The words that `fill_words` from block 0 would put at the indices `rows`; arrays of shape (n,).

    Rows that follow one another share their blocks of four words: it is quickest where `rows` ascends.
    """
    low, high = np.uint64(entity) & _LOW_32, np.uint64(entity) >> _SHIFT_32
    lanes = np.empty((4, LANES), np.uint64)
    c0, c1, c2, c3 = lanes[0], lanes[1], lanes[2], lanes[3]
    lane_of = np.empty(rows.size, np.uint8)
    done = 0
    while done < rows.size:
        blocks, after, last = 0, done, np.int32(-1)
        while after < rows.size:
            block = rows[after] >> 2
            if block != last:
                if blocks == LANES:
                    break
                c0[blocks] = np.uint64(block)
                last = block
                blocks += 1
            lane_of[after] = blocks - 1
            after += 1
        for j in range(LANES):
            c1[j] = np.uint64(0)
            c2[j] = low
            c3[j] = high
        for j in range(blocks, LANES):
            c0[j] = np.uint64(0)
        philox_abreast(key, c0, c1, c2, c3)
        for i in range(done, after):
            out[i] = np.uint32(lanes[rows[i] & 3, lane_of[i]])
        done = after


@kernel
def fill_row_normals(key: np.uint64, entity: int, rows: npt.NDArray[np.int32], out: npt.NDArray[np.float32]) -> None:
    """The numbers that `fill_normal` would put at the indices `rows`; arrays of shape (n,)."""
    words = np.empty(rows.size, np.uint32)
    fill_row_words(key, entity, rows, words)
    normals_of_words(words, out)


@kernel
def last_word_below(probability: float) -> np.uint32:
    """The largest random word whose uniform number (word + 1/2) / 2**32 is below `probability`, 0-1.

    So an event is ``word <= last_word_below(p)`` and its opposite ``word > last_word_below(1 - p)``, wrong by one word
    in 2**32 where p is smaller than that.
    """
    return np.uint32(min(max(probability * _WORDS - 0.5, 0.0), _WORDS - 1.0))
