"""Grading: two tests, the last look, and what passes them unseen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel


class GradeLaw(NamedTuple):
    """Noise and limits of the end-of-line tests, as floats."""

    capacity_noise: float
    dcir_noise: float
    energy_per_ah: float
    """Wh."""
    least_ah: float
    most_mohm: float
    grade_a_ah: float
    grade_a_mohm: float
    appearance: float
    """Probability that a sound cell is rejected for its looks."""
    leak_found: float
    """Probability that a leaking one is."""


LOW_CAPACITY, HIGH_DCIR, APPEARANCE = 1, 2, 3
"""Reasons why a cell is rejected, in the order in which they are looked for."""


@kernel
def grade_cells(
    law: GradeLaw,
    z: npt.NDArray[np.float32],
    u: npt.NDArray[np.float32],
    tray: npt.NDArray[np.int32],
    tray_error: npt.NDArray[np.float32],
    alive: npt.NDArray[np.bool_],
    defects: npt.NDArray[np.uint8],
    leak_bit: int,
    capacity_ah: npt.NDArray[np.float32],
    dcir_mohm: npt.NDArray[np.float32],
    read_ah: npt.NDArray[np.float32],
    read_mohm: npt.NDArray[np.float32],
    energy_wh: npt.NDArray[np.float32],
    grade: npt.NDArray[np.uint8],
    reason: npt.NDArray[np.uint8],
    sold: npt.NDArray[np.int64],
) -> float:
    """Test, reject and sort every cell of a lot.

    Parameters
    ----------
    law : GradeLaw
        Constants.
    z : ndarray of float32, shape (2, n)
        Normal numbers: error of the capacity test, and of the resistance test.
    u : ndarray of float32, shape (n,)
        Uniform numbers of the last look.
    tray : ndarray of int32, shape (n,)
        Tray of each cell, or -1 for a cell that is in none.
    tray_error : ndarray of float32, shape (trays,)
        Relative error of the capacity test by the tray's temperature.
    alive : ndarray of bool, shape (n,)
        Cells that came.
    defects : ndarray of uint8, shape (n,)
        Bits of the true defects; `leak_bit` marks a leak.
    capacity_ah, dcir_mohm : ndarray of float32, shape (n,)
        True values.
    read_ah, read_mohm, energy_wh : ndarray of float32, shape (n,)
        Filled.
    grade, reason : ndarray of uint8, shape (n,)
        Filled: 1 (A) or 2 (B) for cells that came and pass, else 0; 0 or the reason of the rejection.
    sold : ndarray of int64, shape (256,)
        Filled: cells that pass, by their defects.

    Returns
    -------
    float
        Energy of the cells that pass, Wh.
    """
    one = np.float32(1.0)
    capacity_noise, dcir_noise = np.float32(law.capacity_noise), np.float32(law.dcir_noise)
    per_ah = np.float32(law.energy_per_ah)
    energy = 0.0
    sold[:] = 0
    for i in range(grade.size):
        capacity = capacity_ah[i] + capacity_ah[i] * (capacity_noise * z[0, i] + tray_error[max(tray[i], 0)])
        mohm = dcir_mohm[i] * (one + dcir_noise * z[1, i])
        stored = capacity_ah[i] * per_ah
        read_ah[i] = capacity
        read_mohm[i] = mohm
        energy_wh[i] = stored
        why = 0
        if capacity < law.least_ah:
            why = LOW_CAPACITY
        elif mohm > law.most_mohm:
            why = HIGH_DCIR
        elif u[i] < law.appearance or (u[i] < law.leak_found and defects[i] & leak_bit):
            why = APPEARANCE
        reason[i] = why
        grade[i] = 0
        if why == 0 and alive[i]:
            grade[i] = 1 if capacity >= law.grade_a_ah and mohm <= law.grade_a_mohm else 2
            sold[defects[i]] += 1
            energy += stored
    return energy
