"""Random numbers with names: Philox4x32-10, keyed by what is drawn and counted by entity and row.

Every number is a pure function of (key, entity, row). The key is a hash of the seed, the replicate and the names of
owner and decision; entity is the lot (or unit), row the cell, part or failure number. There is no state, so neither
the order of the draws nor the number of workers can change a result.

Reference: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11,
https://doi.org/10.1145/2063384.2063405. The counter is (row or block: low, high, entity: low, high), 32 bits each.
"""

from __future__ import annotations

import math
from fractions import Fraction
from hashlib import blake2b
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)  # golden ratio
_WEYL_1 = np.uint64(0xBB67AE85)  # sqrt(3) - 1
_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)
_ROUNDS = 10
_HALF_MASK = np.uint64(0xFFFFFF)
_FIRST_HALF = np.uint64(0x5A3C96)  # of an antithetic pair; the mark of the second has the last bit set as well
_SECOND_HALF = np.uint64(0x5A3C97)
_CELLS = np.uint64((1 << 52) - 1)
_CHUNK = 4096  # words kept between generator and quantile


def stream_key(seed: int, replicate: int, *names: str | int) -> np.uint64:
    """Name a stream of random numbers.

    Parameters
    ----------
    seed, replicate : int
        Of the run. Replicates -1 and -2, -3 and -4, ... are antithetic pairs: where the first draws u by `uniform` or
        `fill_row_uniforms` (durations, breakdowns, arrivals), the second draws 1 - u. Columns of numbers, of which a
        lot has thousands, are other ones in the second.
    *names : str or int
        Owner and decision, for example ``("weld", "jam", "time_to_failure")``.

    Returns
    -------
    numpy.uint64
        First 64 bits of the BLAKE2b hash of the names: the Philox key. Of a pair the last 24 bits say which half it
        is; by chance one in 17 million other keys reads so, whose numbers are then mirrored, which does no harm.
    """
    pair, second = divmod(-1 - replicate, 2)
    text = "\x1f".join(map(str, (seed, replicate if replicate >= 0 else f"pair {pair}", *names)))
    key = np.uint64(int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little"))
    if replicate >= 0:
        return key
    return np.uint64((key & ~_HALF_MASK) | (_SECOND_HALF if second else _FIRST_HALF))


@kernel
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Philox4x32-10 of one counter: four 32-bit words from four counter and two key words, all held as uint64."""
    for _ in range(_ROUNDS):
        product_0 = _MULTIPLIER_0 * c0
        product_1 = _MULTIPLIER_1 * c2
        c0 = (product_1 >> _SHIFT_32) ^ c1 ^ k0
        c2 = (product_0 >> _SHIFT_32) ^ c3 ^ k1
        c1 = product_1 & _LOW_32
        c3 = product_0 & _LOW_32
        k0 = (k0 + _WEYL_0) & _LOW_32
        k1 = (k1 + _WEYL_1) & _LOW_32
    return c0, c1, c2, c3


@kernel
def uniform(key: np.uint64, entity: int, row: int) -> float:
    """One uniform number in the open interval (0, 1).

    Parameters
    ----------
    key : numpy.uint64
        From `stream_key`.
    entity, row : int
        Non-negative: whom and which draw it is about.

    Returns
    -------
    float
        Midpoint of one of 2**52 equal cells (a 53-bit significand), so neither 0 nor 1 can occur.
    """
    r = np.uint64(row)
    e = np.uint64(entity)
    second = np.uint64((key & _HALF_MASK) == _SECOND_HALF)
    key ^= second
    word_0, word_1, _, _ = philox(
        r & _LOW_32, r >> _SHIFT_32, e & _LOW_32, e >> _SHIFT_32, key & _LOW_32, key >> _SHIFT_32
    )
    cell = ((word_0 << np.uint64(20)) | (word_1 >> np.uint64(12))) ^ (second * _CELLS)
    return (np.float64(cell) + 0.5) * 2.0**-52


@kernel
def fill_row_uniforms(key: np.uint64, entity: int, first_row: int, out: npt.NDArray[np.float64]) -> None:
    """Fill `out` with ``uniform(key, entity, first_row + i)``, ten times as fast as one by one."""
    second = np.uint64((key & _HALF_MASK) == _SECOND_HALF)
    key ^= second
    mirror = second * _CELLS
    low, high = np.uint64(entity) & _LOW_32, np.uint64(entity) >> _SHIFT_32
    for i in range(out.size):
        counter = np.uint64(first_row) + np.uint64(i)
        c0, c1, c2, c3 = counter & _LOW_32, counter >> _SHIFT_32, low, high
        k0, k1 = key & _LOW_32, key >> _SHIFT_32
        for _ in range(_ROUNDS):
            product_0 = _MULTIPLIER_0 * c0
            product_1 = _MULTIPLIER_1 * c2
            c0 = (product_1 >> _SHIFT_32) ^ c1 ^ k0
            c2 = (product_0 >> _SHIFT_32) ^ c3 ^ k1
            c1 = product_1 & _LOW_32
            c3 = product_0 & _LOW_32
            k0 = (k0 + _WEYL_0) & _LOW_32
            k1 = (k1 + _WEYL_1) & _LOW_32
        out[i] = (np.float64(((c0 << np.uint64(20)) | (c1 >> np.uint64(12))) ^ mirror) + 0.5) * 2.0**-52


@kernel
def fill_words(key: np.uint64, entity: int, first_block: int, out: npt.NDArray[np.uint32]) -> None:
    """Fill `out` with random words: element i is word i % 4 of Philox block `first_block` + i // 4."""
    low, high = np.uint64(entity) & _LOW_32, np.uint64(entity) >> _SHIFT_32
    whole = out.size >> 2
    for j in range(whole):  # as `philox`, but written out: only so does the loop over blocks vectorise
        counter = np.uint64(first_block) + np.uint64(j)
        c0, c1, c2, c3 = counter & _LOW_32, counter >> _SHIFT_32, low, high
        k0, k1 = key & _LOW_32, key >> _SHIFT_32
        for _ in range(_ROUNDS):
            product_0 = _MULTIPLIER_0 * c0
            product_1 = _MULTIPLIER_1 * c2
            c0 = (product_1 >> _SHIFT_32) ^ c1 ^ k0
            c2 = (product_0 >> _SHIFT_32) ^ c3 ^ k1
            c1 = product_1 & _LOW_32
            c3 = product_0 & _LOW_32
            k0 = (k0 + _WEYL_0) & _LOW_32
            k1 = (k1 + _WEYL_1) & _LOW_32
        out[4 * j] = np.uint32(c0)
        out[4 * j + 1] = np.uint32(c1)
        out[4 * j + 2] = np.uint32(c2)
        out[4 * j + 3] = np.uint32(c3)
    if out.size & 3:
        counter = np.uint64(first_block) + np.uint64(whole)
        last = philox(counter & _LOW_32, counter >> _SHIFT_32, low, high, key & _LOW_32, key >> _SHIFT_32)
        for i in range(4 * whole, out.size):
            out[i] = np.uint32(last[i & 3])


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
def fill_uniform(key: np.uint64, entity: int, out: npt.NDArray[np.float32]) -> None:
    """Fill the float32 array `out` with uniform numbers in (0, 1); element i depends on (key, entity, i) only.

    The value is the float32 nearest to (word + 1/2) / 2**32, but at most 1 - 2**-24. Small values keep their full
    relative resolution, so an event of probability 1e-6 is drawn as often as it should be.
    """
    words = np.empty(min(_CHUNK, out.size), np.uint32)
    for done in range(0, out.size, _CHUNK):
        part = out[done : done + _CHUNK]
        fill_words(key, entity, done // 4, words[: part.size])
        for i in range(part.size):
            u = (np.float32(words[i]) + np.float32(0.5)) * np.float32(2.0**-32)
            part[i] = min(u, np.float32(1.0 - 2.0**-24))


def _quantile_table(first_octave: int, octaves: int, steps: int, degree: int) -> npt.NDArray[np.float64]:
    """Polynomials through Chebyshev nodes that give the normal quantile of p, piece by piece towards the tail.

    Parameters
    ----------
    first_octave, octaves : int
        p runs from 2**first_octave over so many octaves up to 1/2.
    steps : int
        Pieces per octave, of equal width.
    degree : int

    Returns
    -------
    ndarray of float64, shape (octaves * steps + 1, degree + 1)
        Coefficient of t**k in column k, t in [0, 1) across the piece; the last row holds p = 1/2 alone.
    """
    exact = NormalDist().inv_cdf  # Wichura's AS 241, as `normal_quantile` below
    nodes = [(1.0 - math.cos((2 * i + 1) * math.pi / (2 * degree + 2))) / 2.0 for i in range(degree + 1)]
    values = np.empty((octaves * steps + 1, degree + 1))
    for row in range(octaves * steps + 1):
        octave = 2.0 ** (first_octave + row // steps)
        start = octave * (1.0 + (row % steps) / steps)
        values[row] = [exact(start + octave / steps * node) for node in nodes]
    # Lagrange's polynomials, exact but for one rounding, and sums in the order written: no linear algebra, whose last
    # bits depend on the processor.
    table = np.zeros_like(values)
    for i in range(degree + 1):
        table += values[:, i, None] * np.array(_lagrange(nodes, i))
    return table


def _lagrange(nodes: list[float], i: int) -> list[float]:
    """Coefficients of t**k of the polynomial that is 1 at node i and 0 at the others."""
    exact, none = [Fraction(node) for node in nodes], [Fraction(0)]
    product = [Fraction(1)]
    for other in (*exact[:i], *exact[i + 1 :]):
        scale = exact[i] - other
        product = [(low - other * high) / scale for low, high in zip(none + product, product + none, strict=True)]
    return [float(coefficient) for coefficient in product]


_STEPS_LOG2 = 8  # many short straight pieces: one look-up, of both coefficients in 64 bits, is most of what they cost
_SMALLEST_EXPONENT = -1  # of the float32 nearest to word + 1/2, whose smallest value is 2**-1
_TABLE = _quantile_table(_SMALLEST_EXPONENT - 32, 32, 1 << _STEPS_LOG2, 1).astype(np.float32).view(np.int64).ravel()
_SHIFT = np.int32(23 - _STEPS_LOG2)
_FRACTION_MASK = np.int32((1 << (23 - _STEPS_LOG2)) - 1)
_FRACTION_SCALE = np.float32(2.0 ** -(23 - _STEPS_LOG2))
_FIRST_ROW = np.int32((127 + _SMALLEST_EXPONENT) << _STEPS_LOG2)
_SIGN_BIT = np.int32(31)


@kernel
def normals_of_words(words: npt.NDArray[np.uint32], out: npt.NDArray[np.float32]) -> None:
    """Standard normal numbers with the probabilities (word + 1/2) / 2**32; arrays of shape (n,), see `fill_normal`."""
    signed = words.view(np.int32)
    scaled = np.empty(words.size, np.float32)
    bits = scaled.view(np.int32)
    lines = np.empty(words.size, np.int64)
    coefficients = lines.view(np.float32)
    for i in range(words.size):
        # Words of the upper half are negative as int32; flipping all their bits mirrors them into the lower half.
        scaled[i] = np.float32(np.int32(signed[i] ^ (signed[i] >> _SIGN_BIT))) + np.float32(0.5)
    for i in range(words.size):
        lines[i] = _TABLE[(bits[i] >> _SHIFT) - _FIRST_ROW]
    for i in range(words.size):
        t = np.float32(np.int32(bits[i] & _FRACTION_MASK)) * _FRACTION_SCALE
        z = coefficients[2 * i] + t * coefficients[2 * i + 1]
        out[i] = -z if signed[i] < 0 else z


@kernel
def fill_normal(key: np.uint64, entity: int, out: npt.NDArray[np.float32]) -> None:
    """Fill the float32 array `out` with standard normal numbers; element i depends on (key, entity, i) only.

    Inverse CDF of (word + 1/2) / 2**32, hence never beyond 6.34 standard deviations. The lower half is tabulated by
    exponent and leading fraction bits of the float32 nearest to word + 1/2, which follows the tail without a branch;
    the upper half is its mirror image. The error is below 1e-6 everywhere.
    """
    words = np.empty(min(_CHUNK, out.size), np.uint32)
    for done in range(0, out.size, _CHUNK):
        part = out[done : done + _CHUNK]
        fill_words(key, entity, done // 4, words[: part.size])
        normals_of_words(words[: part.size], part)


@kernel
def fill_normals(keys: npt.NDArray[np.uint64], entity: int, out: npt.NDArray[np.float32]) -> None:
    """`fill_normal` of several streams: keys of shape (streams,), out of shape (streams, n)."""
    for stream in range(keys.size):
        fill_normal(keys[stream], entity, out[stream])


# Numerators and denominators of PPND16, highest power first: central part, tail, far tail.
_AS241 = np.array(
    [
        [2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
         1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0],
        [5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
         5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0],
        [7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
         3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0],
        [1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
         6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0],
        [2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
         2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0],
        [2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
         1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0],
    ]
)  # fmt: skip


@kernel
def _ratio(part: int, r: float) -> float:
    """The rational function in rows `part` and `part` + 1 of the table, by Horner's rule."""
    numerator = _AS241[part, 0]
    denominator = _AS241[part + 1, 0]
    for power in range(1, 8):
        numerator = numerator * r + _AS241[part, power]
        denominator = denominator * r + _AS241[part + 1, power]
    return float(numerator / denominator)


@kernel
def normal_quantile(u: float) -> float:
    """Standard normal quantile of `u` in (0, 1), relative error about 1e-16.

    Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988)
    477-484, https://doi.org/10.2307/2347330, routine PPND16.
    """
    q = u - 0.5
    if abs(q) <= 0.425:
        return float(q * _ratio(0, 0.180625 - q * q))
    r = np.sqrt(-np.log(u if q < 0.0 else 1.0 - u))
    x = _ratio(2, r - 1.6) if r <= 5.0 else _ratio(4, r - 5.0)
    return float(-x if q < 0.0 else x)


_FINE_STEPS_LOG2 = 5
_FINE_TABLE = _quantile_table(-53, 52, 1 << _FINE_STEPS_LOG2, 5)
_FINE_SHIFT = np.int64(52 - _FINE_STEPS_LOG2)
_FINE_MASK = np.int64((1 << (52 - _FINE_STEPS_LOG2)) - 1)
_FINE_SCALE = 2.0 ** -(52 - _FINE_STEPS_LOG2)
_FINE_FIRST_ROW = np.int64((1023 - 53) << _FINE_STEPS_LOG2)


@kernel
def normal_quantile_of_uniform(u: float) -> float:
    """Standard normal quantile of a number that `uniform` can return (at least 2**-53), error below 2e-12.

    A table of quintics by exponent and leading fraction bits of the distance to the nearer end: four times as fast as
    `normal_quantile`, which matters where every part of every machine draws its own cycle time.
    """
    p = min(u, 1.0 - u)
    bits = np.float64(p).view(np.int64)
    row = (bits >> _FINE_SHIFT) - _FINE_FIRST_ROW
    t = np.float64(bits & _FINE_MASK) * _FINE_SCALE
    z = _FINE_TABLE[row, 5]
    for power in range(4, -1, -1):
        z = z * t + _FINE_TABLE[row, power]
    return float(z if u < 0.5 else -z)
