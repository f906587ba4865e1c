"""Quantiles without raw values: counts in buckets whose width grows with the value.

Whole numbers below 512 have a bucket each; above that every octave is cut into 256 buckets. A quantile read from the
counts is therefore exact for small numbers and otherwise within 1/256 of the true one; a bucket's middle is within
1/512 = 0.2 % of everything in it. Same idea as DDSketch (Masson, Rim, Lee 2019, https://doi.org/10.14778/3352063.3352135)
with the binary octaves of HdrHistogram, so that finding the bucket takes a shift and no logarithm.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

_EXACT_BITS = 9
_EXACT = 1 << _EXACT_BITS
_PER_OCTAVE = 256
BUCKETS = _EXACT + (63 - _EXACT_BITS) * _PER_OCTAVE
"""Length of an array of counts: room for every whole number below 2**63."""

_MANTISSA_SHIFT = np.int64(52 - 8)
_OFFSET = np.int64(((1023 + _EXACT_BITS) << 8) - _EXACT)


@kernel
def bucket(value: int) -> int:
    """Index of the bucket of a whole number 0 <= value < 2**62."""
    if value < _EXACT:
        return value
    # Exponent and leading eight fraction bits of the float64 are the octave and the place in it.
    bits = np.float64(value).view(np.int64)
    return int((bits >> _MANTISSA_SHIFT) - _OFFSET)


def bucket_of(value: int) -> int:
    """What `bucket` says, in plain Python: cheaper than a call into compiled code for one number."""
    octave = value.bit_length() - _EXACT_BITS - 1
    if octave < 0:
        return value
    return _EXACT + octave * _PER_OCTAVE + (value >> (octave + 1)) - _PER_OCTAVE


def bounds(index: int) -> tuple[int, int]:
    """First value of a bucket, and the first one beyond it."""
    if index < _EXACT:
        return index, index + 1
    octave, place = divmod(index - _EXACT, _PER_OCTAVE)
    return (_PER_OCTAVE + place) << (octave + 1), (_PER_OCTAVE + place + 1) << (octave + 1)


def quantile(counts: npt.NDArray[np.int64], share: float, summed: int, largest: int) -> float:
    """Value that the share `share` (0 to 1) of what was counted does not exceed, interpolated within its bucket.

    Never above the largest value, and exact if all values are the same.

    Parameters
    ----------
    counts : ndarray of int64, shape (BUCKETS,)
    share : float
    summed, largest : int
        Sum and largest of the values counted.

    Returns
    -------
    float
        In the unit of what was counted; 0 if nothing was.
    """
    running = np.cumsum(counts)
    total = int(running[-1])
    if total == 0:
        return 0.0
    if summed == total * largest:
        return float(largest)
    wanted = share * total
    index = int(np.searchsorted(running, wanted)) if wanted > 0.0 else int(np.flatnonzero(counts)[0])
    first, beyond = bounds(index)
    below = int(running[index] - counts[index])
    return min(first + (beyond - 1 - first) * (wanted - below) / int(counts[index]), float(largest))
