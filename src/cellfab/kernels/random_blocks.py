"""Random blocks of four words per row and column, and normal numbers out of two words: for steps that draw a lot.

One block serves all decisions about a row that need no more than 128 bits: a word may be split between a number that
needs 20 bits and a rare event that looks at 12 bits first and draws the rest of its digits where those leave doubt.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)
CHUNK = 1024
"""Rows that kernels work on at a time: few enough that all that is known of them stays near, in the L1 or L2 cache, and
so many that the calls do not count (each costs 60 to 90 ns, for the references to its arrays are counted)."""
SHARED = 256
"""Where a row needs only part of a block, rows that lie so far apart share one: part of a number's name."""


@kernel
def fill_blocks(key: np.uint64, entity: int, first_row: int, column: int, words: npt.NDArray[np.uint32]) -> None:
    """Fill `words` with the Philox4x32-10 blocks of consecutive rows.

    The generator of `cellfab.kernels.random`. Row and column are the two words of the counter that `uniform` gives to
    its row: column 0 holds the words behind ``uniform(key, entity, row)``.

    Parameters
    ----------
    key, entity
        As in `cellfab.kernels.random.uniform`.
    first_row : int
        Row of the first block, 0 to 2**32.
    column : int
        Which block of these rows, 0 to 2**32.
    words : ndarray of uint32, shape (4, n)
        Filled: the four words of row ``first_row + j`` in ``words[:, j]``.
    """
    low, high = np.uint64(entity) & _LOW_32, np.uint64(entity) >> _SHIFT_32
    for j in range(words.shape[1]):  # rounds inside, so that a vector of rows stays in registers from first to last
        c0, c1, c2, c3 = np.uint64(first_row + j), np.uint64(column), low, high
        k0, k1 = key & _LOW_32, key >> _SHIFT_32
        for _ in range(10):
            product_0 = _MULTIPLIER_0 * c0
            product_1 = _MULTIPLIER_1 * c2
            c0 = (product_1 >> _SHIFT_32) ^ c1 ^ k0
            c2 = (product_0 >> _SHIFT_32) ^ c3 ^ k1
            c1 = product_1 & _LOW_32
            c3 = product_0 & _LOW_32
            k0 = (k0 + _WEYL_0) & _LOW_32
            k1 = (k1 + _WEYL_1) & _LOW_32
        words[0, j] = c0
        words[1, j] = c1
        words[2, j] = c2
        words[3, j] = c3


# Polynomials through Chebyshev nodes; errors on the whole range: logarithm 1.5e-6, sine 3e-6, cosine 7e-6.
_LN = tuple(
    np.float32(c)
    for c in (1.47206501e-6, 0.999847697, -0.497373216, 0.315747317, -0.190354337, 0.0826912371, -0.0174140775)
)
_SIN = tuple(np.float32(c) for c in (3.14159027, -5.16740673, 2.54401052, -0.55946246))
_COS = tuple(np.float32(c) for c in (0.99999325, -4.93393467, 4.0412481, -1.22203176))
_L0, _L1, _L2, _L3, _L4, _L5, _L6 = _LN
_S0, _S1, _S2, _S3 = _SIN
_C0, _C1, _C2, _C3 = _COS
_LN_2 = np.float32(np.log(2.0))
_MANTISSA = np.int32((1 << 23) - 1)
_ONE_BITS = np.int32(127 << 23)
_MANTISSA_BITS = np.int32(23)
_BIAS = np.int32(127)


@kernel
def normal_pairs(
    radius_words: npt.NDArray[np.uint32],
    angle_words: npt.NDArray[np.uint32],
    skip: int,
    first: npt.NDArray[np.float32],
    second: npt.NDArray[np.float32],
) -> None:
    """Two independent standard normal numbers per row out of two words; all arrays of shape (n,).

    Box and Muller, "A note on the generation of random normal deviates", Ann. Math. Stat. 29 (1958) 610,
    https://doi.org/10.1214/aoms/1177706645: radius ``sqrt(-2 ln u)``, angle ``2 pi t``. In float32 with polynomials:
    numbers are within 6e-5 of the exact formula
    (2e-3 where the radius is below 0.02), and within 6.8 standard deviations (5.4 with 12 bits skipped).

    Parameters
    ----------
    radius_words, angle_words : ndarray of uint32
        Random words; u and t are the midpoints of the cells that their leading bits name.
    skip : int
        How many of the last bits not to look at: they are free for another use.
    first, second : ndarray of float32
        Filled.
    """
    shift_u, shift_t = np.uint32(skip), np.int32(skip)
    per_cell = np.float32(2.0 ** (skip - 32))
    zero, quarter, half = np.float32(0.0), np.float32(0.25), np.float32(0.5)
    one, two = np.float32(1.0), np.float32(2.0)
    turns = angle_words.view(np.int32)
    bits, mantissas = first.view(np.int32), second.view(np.int32)  # one loop writes what the next reads as another type
    for i in range(first.size):
        first[i] = (np.float32(radius_words[i] >> shift_u) + half) * per_cell
    for i in range(first.size):
        mantissas[i] = (bits[i] & _MANTISSA) | _ONE_BITS
    for i in range(first.size):
        octave = np.float32((bits[i] >> _MANTISSA_BITS) - _BIAS)
        m = second[i] - one
        ln = _L0 + m * (_L1 + m * (_L2 + m * (_L3 + m * (_L4 + m * (_L5 + m * _L6)))))
        radius = np.sqrt(max(-two * (_LN_2 * octave + ln), zero))
        t = (np.float32(turns[i] >> shift_t) + half) * per_cell
        y = two * (abs(t) - quarter)  # a quarter turn back: the angle is pi (y + 1/2), negative where t is
        q = y * y
        sine = radius * (_C0 + q * (_C1 + q * (_C2 + q * _C3)))
        first[i] = -radius * (y * (_S0 + q * (_S1 + q * (_S2 + q * _S3))))
        second[i] = -sine if t < zero else sine
