"""Kneading: what the depth errors of both ends of a roll make of their faces of bare foil flags."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.particles import poisson_count
from cellfab.kernels.random_blocks import CHUNK, fill_blocks, normal_pairs

MOST_TORN = 0.99
"""No face is torn off entirely: some flags are always left to weld (assumption)."""
_SKIP = 12
_LOW = np.uint32((1 << _SKIP) - 1)
_SHIFT = np.uint32(_SKIP)
_MIDDLE, _PER_WORD = np.float32(0.5), np.float32(2.0 ** (-2 * _SKIP))
_E2, _E3, _E4, _E5 = np.float32(1.0 / 2.0), np.float32(1.0 / 6.0), np.float32(1.0 / 24.0), np.float32(1.0 / 120.0)


class FoldLaw(NamedTuple):
    """What kneading depends on, as floats."""

    depth_sd_mm: float
    gap_log_sd: float
    """Of a cell's median gap, which falls with the depth."""
    distance_mm: float
    """From weld plane to separator without an error."""
    onset_mm: float
    torn_per_mm: float
    """Flags tear beyond the onset, so much of them per mm."""
    flakes: float
    """Expected on both faces together."""
    torn_limit: float
    camera_error: float
    """Standard deviation of the torn share as read."""


@kernel
def knead(
    law: FoldLaw,
    key: np.uint64,
    entity: int,
    gap_factor: npt.NDArray[np.float32],
    to_separator_mm: npt.NDArray[np.float32],
    torn: npt.NDArray[np.float32],
    flakes: npt.NDArray[np.uint8],
    code: int,
    exit_code: npt.NDArray[np.int16],
) -> tuple[int, int]:
    """Knead both faces of every cell and look at them.

    Parameters
    ----------
    law : FoldLaw
        Constants.
    key, entity
        Name the draws: block i of the stream belongs to cell i. Two words are the depth errors, the leading 20 bits of
        the other two the errors of the camera, their last 12 bits together the number of flakes.
    gap_factor, to_separator_mm, torn : ndarray of float32, shape (2, n)
        Filled for both faces: median gap relative to that of a perfect depth, distance from the weld plane to the
        separator, true torn share of the flags.
    flakes : ndarray of uint8, shape (n,)
        Filled: metal flakes on both faces.
    code, exit_code
        Exit code of living cells of which the camera reads a torn share above the limit on either face; ndarray of
        int16, shape (n,), 0 where a cell is alive, changed.

    Returns
    -------
    tuple of int
        Cells scrapped, and those among them whose torn shares are within the limit.
    """
    n = flakes.size
    words = np.empty((4, CHUNK), np.uint32)
    z, error = np.empty((2, CHUNK), np.float32), np.empty((2, CHUNK), np.float32)
    u = np.empty(CHUNK, np.float32)
    many = np.empty(CHUNK, np.uint8)
    step = np.float32(-law.gap_log_sd / 8.0)
    depth_sd, distance = np.float32(law.depth_sd_mm), np.float32(law.distance_mm)
    onset, slope = np.float32(law.onset_mm), np.float32(law.torn_per_mm)
    limit, camera = np.float32(law.torn_limit), np.float32(law.camera_error)
    zero, one, most_torn = np.float32(0.0), np.float32(1.0), np.float32(MOST_TORN)
    none = np.float32(math.exp(-law.flakes))
    one_at_most = np.float32(math.exp(-law.flakes) * (1.0 + law.flakes))
    scrapped, sound, reject = 0, 0, np.int16(code)
    for done in range(0, n, CHUNK):
        m = min(CHUNK, n - done)
        fill_blocks(key, entity, done, 0, words)
        normal_pairs(words[0], words[1], 0, z[0], z[1])
        normal_pairs(words[2], words[3], _SKIP, error[0], error[1])
        for j in range(CHUNK):
            word = ((words[2, j] & _LOW) << _SHIFT) | (words[3, j] & _LOW)
            u[j] = (np.float32(np.int32(word)) + _MIDDLE) * _PER_WORD
        for face in range(2):
            # Slices from the first row on: the compiler then knows that no index is counted from the end.
            depth, gaps = z[face], gap_factor[face, done : done + m]
            distances, shares = to_separator_mm[face, done : done + m], torn[face, done : done + m]
            for j in range(m):
                x = step * depth[j]  # exp(8 x) by Taylor to x^5 and three squarings: 1e-5 at 6 standard deviations
                root = one + x * (one + x * (_E2 + x * (_E3 + x * (_E4 + x * _E5))))
                root = root * root
                root = root * root
                gaps[j] = root * root
            for j in range(m):
                distances[j] = distance - depth_sd * depth[j]
            for j in range(m):
                shares[j] = min(slope * max(depth_sd * depth[j] - onset, zero), most_torn)
                error[face, j] = shares[j] + camera * error[face, j]
        fallen, codes_here = flakes[done : done + m], exit_code[done : done + m]
        first_torn, second_torn = torn[0, done : done + m], torn[1, done : done + m]
        for j in range(m):
            seen = (max(error[0, j], error[1, j]) > limit) & (codes_here[j] == 0)
            scrapped += seen
            sound += seen & (first_torn[j] <= limit) & (second_torn[j] <= limit)
            codes_here[j] = reject if seen else codes_here[j]
        for j in range(m):
            fallen[j] = u[j] >= none
        for j in range(CHUNK):
            many[j] = u[j] >= one_at_most
        for j in range(m):
            if many[j]:
                fallen[j] = poisson_count(law.flakes, np.float64(u[j]))
    return scrapped, sound
