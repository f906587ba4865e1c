"""Grading against a slow twin, cell by cell in float64, and the weakest of many in series against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.core.defects import MECHANISMS, bit
from cellfab.kernels import grading, grading_theory, sums
from cellfab.kernels.cell_numbers import fill_cell_normals
from cellfab.kernels.random import fill_normal, stream_key
from cellfab.kernels.random_blocks import fill_blocks

N = 600


def near(rng: np.random.Generator, mean: float, relative_sd: float = 0.03) -> np.ndarray:
    return (mean * (1.0 + relative_sd * rng.standard_normal(N))).astype(np.float32)


def test_grading_equals_the_twin() -> None:
    rng = np.random.default_rng(6)
    law = grading.GradeLaw(
        capacity_noise=0.01, tray_noise=0.0, dcir_noise=0.01, energy_per_ah=3.7, least_ah=22.5, most_mohm=5.2,
        grade_a_ah=23.0, appearance=0.05, leak_found=0.5, leak_bit=bit("leak"),
    )  # fmt: skip
    # Best first: narrow and unspoilt; leaky ones of full capacity; low resistance at less capacity, downgraded or not.
    limits = np.array([(23.0, 5.05, 0.1, 0), (23.0, 5.2, np.inf, 0), (22.5, 5.0, np.inf, 1)], np.float32)
    z = rng.standard_normal((2, N)).astype(np.float32)
    word = rng.integers(0, 2**32, N, dtype=np.uint32)
    tray = (np.arange(N) // 64).astype(np.int32)
    error = (0.005 * rng.standard_normal(10)).astype(np.float32)
    alive = rng.random(N) < 0.9
    defects = np.where(rng.random(N) < 0.5, rng.integers(0, 1 << len(MECHANISMS), N), 0).astype(np.uint16)
    downgraded = (rng.random(N) < 0.3).astype(np.uint8)
    capacity, dcir = near(rng, 23.5), near(rng, 4.9)
    leakage = rng.uniform(0.0, 0.2, N).astype(np.float32)
    read_ah, read_mohm, energy = np.empty((3, N), np.float32)
    grade, reason = np.empty((2, N), np.uint8)
    escapes = np.empty(len(MECHANISMS) + 1, np.int64)
    found = grading.grade_cells(
        law, limits, z, word, tray, error, alive, defects, downgraded, leakage, capacity, dcir, read_ah, read_mohm,
        energy, grade, reason, escapes,
    )  # fmt: skip
    ah = capacity.astype(float) * (1.0 + 0.01 * z[0] + error[tray])
    mohm = dcir.astype(float) * (1.0 + 0.01 * z[1])
    np.testing.assert_allclose(read_ah, ah, rtol=1e-6)
    np.testing.assert_allclose(read_mohm, mohm, rtol=1e-6)
    np.testing.assert_allclose(energy, 3.7 * capacity, rtol=1e-6)
    u = (word + 0.5) / 2.0**32
    looks = (u < 0.05) | ((u < 0.5) & ((defects & bit("leak")) > 0))
    place = np.select(
        [(ah >= 23.0) & (mohm <= 5.05) & (leakage <= 0.1) & (downgraded == 0),
         (ah >= 23.0) & (mohm <= 5.2) & (downgraded == 0), (ah >= 22.5) & (mohm <= 5.0)], [1, 2, 3], 0,
    )  # fmt: skip
    why = np.select([ah < 22.5, mohm > 5.2, looks, place == 0], [1, 2, 3, 4], 0)
    np.testing.assert_array_equal(reason, why)
    passed = alive & (why == 0)
    best = place == 1
    np.testing.assert_array_equal(grade, np.where(passed, place, 0))
    counts = [(passed & ((defects & bit(mechanism)) > 0)).sum() for mechanism in MECHANISMS]
    assert escapes.tolist() == [*counts, (passed & (defects > 0)).sum()]
    top = capacity[passed & best].astype(float)
    assert found.energy_wh == pytest.approx(3.7 * capacity[passed].sum(dtype=np.float64), rel=1e-6)
    assert found.grade_a == top.size
    assert found.grade_a_mean_ah == pytest.approx(top.mean(), rel=1e-9)
    assert found.grade_a_sd_ah == pytest.approx(top.std(), rel=1e-6)
    assert found.good_capacity == (alive & (why == 1) & (capacity >= np.float32(22.5))).sum() > 0
    assert found.good_dcir == (alive & (why == 2) & (dcir <= np.float32(5.2))).sum() > 0
    assert {0, 1, 2, 3, 4} == set(reason)
    assert {0, 1, 2, 3} == set(grade)


def test_a_lot_is_graded_with_the_numbers_of_its_cells_and_trays() -> None:
    rng, places = np.random.default_rng(7), 49
    law = grading.GradeLaw(
        capacity_noise=0.01, tray_noise=0.02, dcir_noise=0.01, energy_per_ah=3.7, least_ah=22.5, most_mohm=5.2,
        grade_a_ah=23.0, appearance=0.05, leak_found=0.5, leak_bit=bit("leak"),
    )  # fmt: skip
    limits = np.array([(23.0, 5.2, 0.1, 0), (22.5, 5.0, np.inf, 1)], np.float32)
    before = np.where(rng.random(N) < 0.1, 5, 0).astype(np.int16)
    position = np.where(before == 0, np.cumsum(before == 0) - 1, -1).astype(np.int32)
    defects = np.where(rng.random(N) < 0.5, rng.integers(0, 1 << len(MECHANISMS), N), 0).astype(np.uint16)
    downgraded, leakage = (rng.random(N) < 0.3).astype(np.uint8), rng.uniform(0.0, 0.2, N).astype(np.float32)
    capacity, dcir = near(rng, 23.5), near(rng, 4.9)
    cells, trays = stream_key(1, 0, "grade", "cells"), stream_key(1, 0, "grade", "trays")

    made, grade, escapes = np.empty((3, N), np.float32), np.empty(N, np.uint8), np.empty(len(MECHANISMS) + 1, np.int64)
    code = before.copy()
    found = grading.grade_lot(
        law, limits, cells, trays, 7, position, places, defects, downgraded, leakage, capacity, dcir, *made, grade,
        np.array([21, 22, 23, 24], np.int16), code, escapes,
    )  # fmt: skip

    words, z, error = np.empty((4, N), np.uint32), np.empty((2, N), np.float32), np.empty(N, np.float32)
    apart, place, reason, missed = np.empty((3, N), np.float32), *np.empty((2, N), np.uint8), np.empty_like(escapes)
    fill_blocks(cells, 7, 0, 0, words)
    fill_cell_normals(cells, 7, z)
    fill_normal(trays, 7, error)
    graded = grading.grade_cells(
        law, limits, z, words[2], position // np.int32(places), np.float32(0.02) * error, before == 0, defects,
        downgraded, leakage, capacity, dcir, *apart, place, reason, missed,
    )  # fmt: skip
    np.testing.assert_array_equal(made, apart)
    np.testing.assert_array_equal(grade, place)
    np.testing.assert_array_equal(escapes, missed)
    rejected = np.where(before == 0, reason, 0)
    np.testing.assert_array_equal(code, np.where(rejected > 0, np.int16(20) + rejected, before))
    assert found == (sums.sum_where(capacity, before == 0), graded, *np.bincount(rejected, minlength=5)[1:])
    assert min(found[2:]) > 0


@pytest.mark.parametrize("n", [0, 1, 3, 4, 101])
def test_sums_and_spreads_count_what_is_counted(n: int) -> None:
    rng = np.random.default_rng(n)
    values, counted = rng.normal(20.0, 1.0, n).astype(np.float32), rng.random(n) < 0.7
    assert sums.sum_where(values, counted) == pytest.approx(values[counted].sum(dtype=np.float64))
    mean, sd = sums.spread_where(values, counted, 19.0)
    if counted.any():
        assert mean == pytest.approx(values[counted].mean(dtype=np.float64))
        assert sd == pytest.approx(values[counted].std(dtype=np.float64), abs=1e-9)
    else:
        assert (mean, sd) == (19.0, 0.0)


@pytest.mark.parametrize(("cells", "printed"), [(104, 2.5), (416, 3.0)])
def test_the_weakest_of_a_string_limits_it(cells: int, printed: float) -> None:
    # 4 000 strings: the mean of their weakest cell to z = 4.5 (0.03 of a standard deviation), and 1 % for the formula.
    weakest = np.random.default_rng(cells).standard_normal((4000, cells)).min(axis=1)
    factor = grading_theory.series_factor(cells)
    assert factor == pytest.approx(printed, abs=0.05)
    assert factor == pytest.approx(-weakest.mean(), abs=4.5 * weakest.std() / math.sqrt(4000) + 0.01 * factor)


def test_six_per_mille_of_spread_cost_a_storage_string_under_two_per_cent() -> None:
    assert grading_theory.usable_fraction(0.006, 104) == pytest.approx(1.0 - 0.015, abs=5e-4)
    assert grading_theory.usable_fraction(0.006, 416) == pytest.approx(1.0 - 0.018, abs=5e-4)
    assert grading_theory.usable_fraction(0.0, 416) == 1.0
    assert grading_theory.usable_fraction(0.01, 1) == 1.0
    assert grading_theory.usable_fraction(0.9, 416) == 0.0
