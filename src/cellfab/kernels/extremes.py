"""The weakest of many and the highest of a random number: extremes of normal values, one normal number each.

A standard normal number z is turned into the extreme with the same probability of being undercut, u = Phi(z). As that
is a smooth function of z, it is tabulated once per call (or per count) and interpolated per row.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normal_quantile

_REACH = 6.5  # normal numbers made from 32-bit words stay within 6.34 standard deviations
_PER_UNIT = 32
_POINTS = int(2 * _REACH * _PER_UNIT) + 1
_WORD_STEPS_LOG2 = 5
_WORD_STEPS = 1 << _WORD_STEPS_LOG2
_WORD_ROWS = 32 * _WORD_STEPS + 1
_WORD_UPPER = np.int32(2 * _WORD_ROWS)
_WORD_SHIFT = np.int32(23 - _WORD_STEPS_LOG2)
_WORD_MASK = np.int32((1 << (23 - _WORD_STEPS_LOG2)) - 1)
_WORD_SCALE = np.float32(2.0 ** -(23 - _WORD_STEPS_LOG2))
_WORD_FIRST = np.int32(126 << _WORD_STEPS_LOG2)  # of the float32 0.5, the smallest word + 1/2
_SIGN_BIT = np.int32(31)
FLOOR = -4.0
"""Standard normal value reported for the highest of none."""


@kernel
def _farthest_table(count: float, table: npt.NDArray[np.float64]) -> None:
    """Tabulate the largest of the sizes of `count` standard normal values: (2 Phi(x) - 1)^count = u."""
    for i in range(table.size):
        z = i / _PER_UNIT - _REACH
        above = 0.5 * math.erfc(z / math.sqrt(2.0))
        log_below = math.log1p(-above) if z > 0.0 else math.log(0.5 * math.erfc(-z / math.sqrt(2.0)))
        table[i] = -normal_quantile(-0.5 * math.expm1(log_below / count))


@kernel
def _surprise_table(table: npt.NDArray[np.float64]) -> None:
    """Tabulate -ln Phi(z)."""
    for i in range(table.size):
        z = i / _PER_UNIT - _REACH
        above = 0.5 * math.erfc(z / math.sqrt(2.0))
        table[i] = -math.log1p(-above) if z > 0.0 else -math.log(0.5 * math.erfc(-z / math.sqrt(2.0)))


@kernel
def highest_table(mean: float, surprise: npt.NDArray[np.float64], table: npt.NDArray[np.float64]) -> None:
    """Tabulate the highest of Poisson(mean) standard normal values: 1 - Phi(x) = -ln(u) / mean, at least `FLOOR`."""
    most = 0.5 * math.erfc(FLOOR / math.sqrt(2.0))
    for i in range(table.size):
        none = surprise[i] >= mean * most
        table[i] = FLOOR if none else -normal_quantile(surprise[i] / mean)


@kernel
def interpolate(z: npt.NDArray[np.float32], table: npt.NDArray[Any], out: npt.NDArray[np.float32]) -> None:
    """Read the table (float32 or float64) linearly at each z; z and out of shape (n,) may be the same array."""
    last = np.int32(table.size - 2)
    for i in range(z.size):
        at = (z[i] + np.float32(_REACH)) * np.float32(_PER_UNIT)
        cell = min(max(np.int32(at), np.int32(0)), last)
        part = min(max(at - np.float32(cell), np.float32(0.0)), np.float32(1.0))
        out[i] = table[cell] + part * (table[cell + 1] - table[cell])


@kernel
def pair_up(table: npt.NDArray[np.float32], pairs: npt.NDArray[np.int64]) -> None:
    """Each value with the rise to the next, 64 bits together, for `interpolate_pairs`: shapes (n,) and (n - 1,)."""
    both = pairs.view(np.float32)
    for i in range(pairs.size):
        both[2 * i], both[2 * i + 1] = table[i], table[i + 1] - table[i]


@kernel
def interpolate_pairs(
    z: npt.NDArray[np.float32], pairs: npt.NDArray[np.int64], lines: npt.NDArray[np.int64], out: npt.NDArray[np.float32]
) -> None:
    """`interpolate` with one look-up a number, which is most of what it costs; `lines` is room to work in.

    All arrays but the table have shape (n,). Numbers must be of `cellfab.kernels.random`: they are not checked.
    """
    both = lines.view(np.float32)
    for i in range(z.size):
        at = (z[i] + np.float32(_REACH)) * np.float32(_PER_UNIT)
        cell = np.uint32(at)
        out[i] = at - np.float32(cell)
        lines[i] = pairs[cell]
    for i in range(z.size):
        out[i] = both[2 * i] + out[i] * both[2 * i + 1]


@kernel
def _lowest_word_table(count: float, table: npt.NDArray[np.float64]) -> None:
    """Tabulate the lowest of `count` normal values by the word that names its probability, see `lowest_by_word`."""
    for upper in range(2):
        for row in range(_WORD_ROWS):
            octave = 2.0 ** (row // _WORD_STEPS - 33)
            value = 0.0
            for end in range(2):
                p = octave * (1.0 + (row % _WORD_STEPS + end) / _WORD_STEPS)
                log_above = math.log(p) if upper else math.log1p(-p)
                at_end = normal_quantile(-math.expm1(log_above / count))
                table[(2 * upper + end) * _WORD_ROWS + row] = at_end - value
                value = at_end


@lru_cache(maxsize=64)
def lowest_by_word(count: float) -> npt.NDArray[np.float32]:
    """The lowest of `count` >= 1 standard normal values as a function of a random word, for `lowest_of_words`.

    Value and slope for pieces of each octave of the word's distance to the nearer end, as the normal quantile is
    tabulated in `cellfab.kernels.random`: one look-up instead of two. Error below 1e-4.
    """
    table = np.empty(4 * _WORD_ROWS)
    _lowest_word_table(float(count), table)
    return table.astype(np.float32)


@kernel
def lowest_of_words(
    words: npt.NDArray[np.uint32], table: npt.NDArray[np.float32], out: npt.NDArray[np.float32]
) -> None:
    """The lowest values with the probabilities (word + 1/2) / 2**32, by the table of `lowest_by_word`; shapes (n,)."""
    signed = words.view(np.int32)
    scaled = np.empty(words.size, np.float32)
    bits = scaled.view(np.int32)
    for i in range(words.size):
        # Words of the upper half are negative as int32; flipping all their bits mirrors them into the lower half.
        scaled[i] = np.float32(signed[i] ^ (signed[i] >> _SIGN_BIT)) + np.float32(0.5)
    for i in range(words.size):
        row = (bits[i] >> _WORD_SHIFT) - _WORD_FIRST + (_WORD_UPPER if signed[i] < 0 else np.int32(0))
        t = np.float32(bits[i] & _WORD_MASK) * _WORD_SCALE
        out[i] = table[row] + t * table[row + np.int32(_WORD_ROWS)]


@lru_cache(maxsize=64)
def farthest(count: float) -> npt.NDArray[np.float32]:
    """Largest of the sizes of `count` >= 1 standard normal values, for kernels that read it (`interpolate`).

    With distribution (2 Phi(x) - 1)^count; interpolation error below 2e-4 where it exceeds 0.1.
    """
    table = np.empty(_POINTS)
    _farthest_table(float(count), table)
    return table.astype(np.float32)


@lru_cache(maxsize=1)
def _surprise() -> npt.NDArray[np.float64]:
    table = np.empty(_POINTS)
    _surprise_table(table)
    return table


def highest(mean: float) -> npt.NDArray[np.float64]:
    """The highest of a Poisson number of standard normal values as a table, for kernels that read it (`interpolate`).

    Parameters
    ----------
    mean : float
        Expected number, >= 0.

    Returns
    -------
    ndarray of float64
        At a standard normal number: a value with distribution exp(-mean (1 - Phi(x))) above `FLOOR` (-4), which stands
        for none; interpolation error below 1e-3 for values above 0.
    """
    table = np.empty(_POINTS)
    highest_table(float(mean), _surprise(), table)
    return table
