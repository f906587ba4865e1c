"""Grading: two tests, the last look, and what passes them unseen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.sums import spread_where, sum_where


class GradeLaw(NamedTuple):
    """Noise and limits of the end-of-line tests, as numbers."""

    capacity_noise: float
    dcir_noise: float
    energy_per_ah: float
    """Wh."""
    least_ah: float
    """Below it no grade takes a cell."""
    most_mohm: float
    """Above it no grade takes a cell."""
    grade_a_ah: float
    """Least capacity of grade 1, near the mean of its cells."""
    appearance: float
    """Probability that a sound cell is rejected for its looks."""
    leak_found: float
    """Probability that a leaking one is."""
    leak_bit: int
    """Of the defects, the one that marks a leak."""


class Graded(NamedTuple):
    """What the tests made of a lot."""

    energy_wh: float
    """Of the cells that pass."""
    grade_a: int
    grade_a_mean_ah: float
    grade_a_sd_ah: float
    """True capacity of the cells of grade A."""
    good_capacity: int
    """Rejected for their capacity although it is above the limit."""
    good_dcir: int
    """Rejected for their resistance although it is below the limit."""


LEAST_AH, MOST_MOHM, MOST_MV_PER_D, TAKES_DOWNGRADED, LIMITS = 0, 1, 2, 3, 4
"""Columns of the table of limits, and how many there are."""
LOW_CAPACITY, HIGH_DCIR, APPEARANCE, NO_GRADE = 1, 2, 3, 4
"""Reasons why a cell is rejected, in the order in which they are looked for."""
_WORDS = 2.0**32


@kernel
def grade_cells(
    law: GradeLaw,
    limits: npt.NDArray[np.float32],
    z: npt.NDArray[np.float32],
    word: npt.NDArray[np.uint32],
    tray: npt.NDArray[np.int32],
    tray_error: npt.NDArray[np.float32],
    alive: npt.NDArray[np.bool_],
    defects: npt.NDArray[np.uint16],
    downgraded: npt.NDArray[np.uint8],
    self_discharge: npt.NDArray[np.float32],
    capacity_ah: npt.NDArray[np.float32],
    dcir_mohm: npt.NDArray[np.float32],
    read_ah: npt.NDArray[np.float32],
    read_mohm: npt.NDArray[np.float32],
    energy_wh: npt.NDArray[np.float32],
    grade: npt.NDArray[np.uint8],
    reason: npt.NDArray[np.uint8],
    escapes: npt.NDArray[np.int64],
) -> Graded:
    """Test, reject and sort every cell of a lot.

    A grade is what one buyer takes: two of them, A and B, or as many as there are specifications.

    Parameters
    ----------
    law : GradeLaw
        Constants.
    limits : ndarray of float32, shape (grades, LIMITS)
        What each grade takes, the best first: least Ah, most mohm, most mV/d, 1 if downgraded cells, too. A cell has
        the first grade whose limits it keeps.
    z : ndarray of float32, shape (2, n)
        Normal numbers: error of the capacity test, and of the resistance test.
    word : ndarray of uint32, shape (n,)
        Random words of the last look.
    tray : ndarray of int32, shape (n,)
        Tray of each cell, or negative for a cell that is in none.
    tray_error : ndarray of float32, shape (trays,)
        Relative error of the capacity test by the tray's temperature.
    alive : ndarray of bool, shape (n,)
        Cells that came.
    defects : ndarray of uint16, shape (n,)
        Bits of the true defects.
    downgraded : ndarray of uint8, shape (n,)
        1 for cells that only some grades take.
    self_discharge : ndarray of float32, shape (n,)
        As read before; 0 where no grade limits it.
    capacity_ah, dcir_mohm : ndarray of float32, shape (n,)
        True values.
    read_ah, read_mohm, energy_wh : ndarray of float32, shape (n,)
        Filled.
    grade, reason : ndarray of uint8, shape (n,)
        Filled: 1 to `grades` for cells that came and pass, else 0; 0 or the reason of the rejection.
    escapes : ndarray of int64, shape (mechanisms + 1,)
        Filled: cells that pass, by defect; the last counts each cell with any of them once.

    Returns
    -------
    Graded
    """
    # Short loops over few arrays each: the compiler only vectorises what it can show not to overlap.
    n = grade.size
    one = np.float32(1.0)
    capacity_noise, dcir_noise = np.float32(law.capacity_noise), np.float32(law.dcir_noise)
    per_ah = np.float32(law.energy_per_ah)
    least_ah, most_mohm = np.float32(law.least_ah), np.float32(law.most_mohm)
    z_capacity, z_dcir = z[0], z[1]
    for i in range(n):
        read_ah[i] = tray_error[max(tray[i], 0)]
    for i in range(n):
        read_ah[i] = capacity_ah[i] + capacity_ah[i] * (capacity_noise * z_capacity[i] + read_ah[i])
    for i in range(n):
        read_mohm[i] = dcir_mohm[i] * (one + dcir_noise * z_dcir[i])
    for i in range(n):
        energy_wh[i] = capacity_ah[i] * per_ah
    looks, found = law.appearance * _WORDS, max(law.appearance, law.leak_found) * _WORDS
    leak = np.uint16(law.leak_bit)
    for i in range(n):
        seen = np.float64(word[i]) < (found if defects[i] & leak else looks)
        why = np.uint8(APPEARANCE) if seen else np.uint8(0)
        reason[i] = why
    for i in range(n):
        why = np.uint8(HIGH_DCIR) if read_mohm[i] > most_mohm else reason[i]
        reason[i] = np.uint8(LOW_CAPACITY) if read_ah[i] < least_ah else why
    grade[:] = 0
    for place in range(limits.shape[0] - 1, -1, -1):  # worst first, so that the best has the last word
        from_ah, to_mohm = limits[place, LEAST_AH], limits[place, MOST_MOHM]
        to_mv, all_taken = limits[place, MOST_MV_PER_D], limits[place, TAKES_DOWNGRADED] > 0.0
        number = np.uint8(place + 1)
        for i in range(n):
            fits = (read_ah[i] >= from_ah) & (read_mohm[i] <= to_mohm) & (self_discharge[i] <= to_mv)
            fits &= all_taken | (downgraded[i] == 0)
            grade[i] = number if fits else grade[i]
    for i in range(n):
        reason[i] = np.uint8(NO_GRADE) if grade[i] == 0 and reason[i] == 0 else reason[i]
        grade[i] = grade[i] if alive[i] and reason[i] == 0 else np.uint8(0)

    escapes[:] = 0
    good_capacity, good_dcir, grade_a = 0, 0, 0
    for i in range(n):
        if reason[i] > 0 and alive[i]:
            good_capacity += reason[i] == LOW_CAPACITY and capacity_ah[i] >= least_ah
            good_dcir += reason[i] == HIGH_DCIR and dcir_mohm[i] <= most_mohm
        if defects[i] > 0 and grade[i] > 0:
            escapes[escapes.size - 1] += 1
            for mechanism in range(escapes.size - 1):
                escapes[mechanism] += (defects[i] >> np.uint16(mechanism)) & 1
    counted = np.empty(n, np.bool_)
    for i in range(n):
        counted[i] = grade[i] > 0
    energy = sum_where(energy_wh, counted)
    for i in range(n):
        counted[i] = grade[i] == 1
        grade_a += grade[i] == 1
    mean, sd = spread_where(capacity_ah, counted, law.grade_a_ah)
    return Graded(energy, grade_a, mean, sd, good_capacity, good_dcir)
