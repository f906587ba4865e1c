"""Wetting of wound rolls and stacks: how much of each cell is still dry when it has soaked.

Closed forms: `cellfab.kernels.wetting_theory`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random_blocks import CHUNK, fill_blocks, normal_pairs

_E2, _E3, _E4, _E5 = np.float32(1.0 / 2.0), np.float32(1.0 / 6.0), np.float32(1.0 / 24.0), np.float32(1.0 / 120.0)


class SoakLaw(NamedTuple):
    """What soaking depends on, as floats."""

    median_share: float
    """Soaking time over the wetting time of a median cell as designed."""
    log_gsd: float
    """Of the wetting constant from cell to cell."""
    cathode_porosity: float
    anode_porosity: float
    """Of the design."""


@kernel
def soak(
    law: SoakLaw,
    key: np.uint64,
    entity: int,
    cathode_porosity: npt.NDArray[np.float32],
    anode_porosity: npt.NDArray[np.float32],
    pore_filling: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Dry share of every cell after soaking: what the front has not reached, or what the electrolyte does not fill.

    Parameters
    ----------
    law : SoakLaw
        Constants.
    key, entity
        Name the draws: cell i takes normal number i % 4 of block i // 4.
    cathode_porosity, anode_porosity : ndarray of float32, shape (n,)
        Of each cell. The tighter electrode, relative to its design, slows the cell in proportion.
    pore_filling : ndarray of float32, shape (n,)
        Electrolyte over the volume of the pores.
    out : ndarray of float32, shape (n,)
        Filled.
    """
    n = out.size
    words = np.empty((4, CHUNK // 4), np.uint32)
    number = np.empty((4, CHUNK // 4), np.float32)
    z = np.empty(CHUNK, np.float32)
    step = np.float32(law.log_gsd / 8.0)
    per_cathode = np.float32(law.median_share / law.cathode_porosity)
    per_anode = np.float32(law.median_share / law.anode_porosity)
    zero, one = np.float32(0.0), np.float32(1.0)
    for done in range(0, n, CHUNK):
        m = min(CHUNK, n - done)
        fill_blocks(key, entity, done // 4, 0, words)
        normal_pairs(words[0], words[1], 0, number[0], number[1])
        normal_pairs(words[2], words[3], 0, number[2], number[3])
        for j in range(CHUNK // 4):
            z[4 * j] = number[0, j]
            z[4 * j + 1] = number[1, j]
            z[4 * j + 2] = number[2, j]
            z[4 * j + 3] = number[3, j]
        # Slices from the first row on: the compiler then knows that no index is counted from the end.
        cathode, anode = cathode_porosity[done : done + m], anode_porosity[done : done + m]
        filling, dry = pore_filling[done : done + m], out[done : done + m]
        for j in range(m):
            x = step * z[j]  # exp(8 x) by Taylor to x^5 and three squarings: 1e-5 at 6 standard deviations
            root = one + x * (one + x * (_E2 + x * (_E3 + x * (_E4 + x * _E5))))
            root = root * root
            root = root * root
            tightness = min(cathode[j] * per_cathode, anode[j] * per_anode)
            unreached = one - np.sqrt(max(root * root * tightness, zero))
            # A minimum or maximum may pass over NaN; nothing times NaN does not.
            dry[j] = max(unreached, one - filling[j], zero) + zero * (cathode[j] + anode[j] + filling[j])
