"""Grading: two tests, the last look, and what passes them unseen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import fill_normal
from cellfab.kernels.random_blocks import CHUNK, fill_blocks, normal_pairs
from cellfab.kernels.sums import spread_where, sum_where


class GradeLaw(NamedTuple):
    """Noise and limits of the end-of-line tests, as numbers."""

    capacity_noise: float
    tray_noise: float
    """Of all capacities of a tray, by its temperature."""
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
    rare = np.empty(n + 1, np.int32)  # the few cells that the loop behind has to look at
    few = 0
    for i in range(n):
        rare[few] = i
        few += (reason[i] > 0) | (defects[i] > 0)
    for at in range(few):
        i = rare[at]
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


class Sorted(NamedTuple):
    """What the tests made of a lot, and how many they rejected for each reason."""

    tested_ah: float
    """Capacity of the cells that came."""
    graded: Graded
    low_capacity: int
    high_dcir: int
    appearance: int
    no_grade: int


@kernel
def grade_lot(
    law: GradeLaw,
    limits: npt.NDArray[np.float32],
    cells_key: np.uint64,
    trays_key: np.uint64,
    entity: int,
    position: npt.NDArray[np.int32],
    cells_per_tray: int,
    defects: npt.NDArray[np.uint16],
    downgraded: npt.NDArray[np.uint8],
    self_discharge: npt.NDArray[np.float32],
    capacity_ah: npt.NDArray[np.float32],
    dcir_mohm: npt.NDArray[np.float32],
    read_ah: npt.NDArray[np.float32],
    read_mohm: npt.NDArray[np.float32],
    energy_wh: npt.NDArray[np.float32],
    grade: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.int16],
    exit_code: npt.NDArray[np.int16],
    escapes: npt.NDArray[np.int64],
) -> Sorted:
    """Draw the errors of the tests, test and sort every cell of a lot, and scrap those that no grade takes.

    Parameters
    ----------
    law, limits, defects, downgraded, self_discharge, capacity_ah, dcir_mohm, read_ah, read_mohm, energy_wh, grade
        As in `grade_cells`.
    cells_key, trays_key, entity
        Name the draws: block i of the first stream belongs to cell i (two normal numbers, and in the third word the
        last look), number t of the second to tray t.
    position : ndarray of int32, shape (n,)
        Place of each cell, counted through all trays; negative for a cell that is in none.
    cells_per_tray : int
        Places of a tray.
    codes : ndarray of int16, shape (4,)
        Exit codes of `LOW_CAPACITY`, `HIGH_DCIR`, `APPEARANCE` and `NO_GRADE`.
    exit_code : ndarray of int16, shape (n,)
        0 where a cell came alive; those rejected get their code.
    escapes : ndarray of int64, shape (mechanisms + 1,)
        Filled, as in `grade_cells`.

    Returns
    -------
    Sorted
    """
    n = grade.size
    z, look = np.empty((2, n), np.float32), np.empty(n, np.uint32)
    words = np.empty((4, CHUNK), np.uint32)
    words_0, words_1 = words[0], words[1]
    for done in range(0, n, CHUNK):
        end = min(done + CHUNK, n)
        fill_blocks(cells_key, entity, done, 0, words)
        normal_pairs(words_0, words_1, 0, z[0, done:end], z[1, done:end])
        for j in range(end - done):  # one slice assigned to another takes two seconds to compile
            look[done + j] = words[2, j]
    came, reason, tray = np.empty(n, np.bool_), np.empty(n, np.uint8), np.empty(n, np.int32)
    # Half a place further, so that no rounding of the product reaches the next whole number.
    last, per_place = np.int32(0), 1.0 / cells_per_tray
    for i in range(n):
        came[i] = exit_code[i] == 0
        tray[i] = np.int32((np.float64(position[i]) + 0.5) * per_place)
    for i in range(n):
        last = max(last, tray[i])
    tray_error = np.empty(last + 1, np.float32)
    fill_normal(trays_key, entity, tray_error)
    tray_noise = np.float32(law.tray_noise)
    for t in range(tray_error.size):
        tray_error[t] *= tray_noise
    graded = grade_cells(
        law, limits, z, look, tray, tray_error, came, defects, downgraded, self_discharge, capacity_ah, dcir_mohm,
        read_ah, read_mohm, energy_wh, grade, reason, escapes,
    )  # fmt: skip
    counts = np.zeros(NO_GRADE + 1, np.int64)
    for i in range(n):
        if reason[i] > 0 and came[i]:
            exit_code[i] = codes[reason[i] - 1]
            counts[reason[i]] += 1
    return Sorted(
        sum_where(capacity_ah, came), graded, counts[LOW_CAPACITY], counts[HIGH_DCIR], counts[APPEARANCE],
        counts[NO_GRADE],
    )  # fmt: skip
