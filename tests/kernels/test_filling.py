from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import stats

from cellfab.kernels import filling
from cellfab.kernels.inspection import detection_probability
from cellfab.kernels.random import stream_key
from cellfab.kernels.random_blocks import fill_blocks, normal_pairs

KEY = stream_key(1, 0, "cells")
CODES = np.array([filling.REJECTED_MASS, filling.REJECTED_LEAK], np.int16)
LAW = filling.FillLaw(
    nominal_g=32.0, later_g=3.0, cathode_g=40.0, anode_g=60.0, separator_g=4.0, dosing_cv=0.01, blocked=0.1,
    scale_error=0.005, tolerance=0.02, leak=0.2, leak_decades=1.5,
    false_alarm=0.05, ceiling=0.9, midpoint=0.5, width=0.3,
)  # fmt: skip
many_cells = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many cells for interpreted kernels")


POROSITY = (0.24, 0.28)


def filled(
    law: filling.FillLaw, n: int, leak: np.ndarray | None = None, porosity: np.ndarray | None = None
) -> tuple[np.ndarray, ...]:
    grams, share = np.empty((2, n), np.float32)
    verdict, position = np.zeros(n, np.int16), np.empty(n, np.int32)
    if porosity is None:
        porosity = np.repeat(np.array(POROSITY, np.float32)[:, None], n, axis=1)
    leak = np.zeros(n, np.float32) if leak is None else leak.copy()
    found = filling.fill_cells(law, KEY, 7, porosity[0], porosity[1], grams, share, leak, position, CODES, verdict)
    mass, leaky = verdict == filling.REJECTED_MASS, verdict == filling.REJECTED_LEAK
    right = np.abs(grams / np.float32(law.nominal_g) - np.float32(1.0)) <= np.float32(law.tolerance)
    assert found == (
        pytest.approx(grams.sum(dtype=np.float64)), mass.sum(), leaky.sum(), (mass & right).sum(),
        (leaky & (leak == 0.0)).sum(),
    )  # fmt: skip
    np.testing.assert_array_equal(position, np.where(verdict == 0, np.cumsum(verdict == 0) - 1, -1))
    return grams, share, leak, verdict


def test_filled_cells_equal_the_twin() -> None:
    n = 800
    before = np.zeros(n, np.float32)
    before[::10] = 0.8  # of a seal made earlier
    words, z = np.empty((4, n), np.uint32), np.empty((2, n), np.float32)
    fill_blocks(KEY, 7, 0, 0, words)
    normal_pairs(words[0], words[1], 12, z[0], z[1])
    nozzle, seal = (words[2:] + 0.5) / 2.0**32
    test = ((words[0] % 4096) * 4096.0 + words[1] % 4096 + 0.5) / 2.0**24
    dose = (1.0 + 0.01 * z[0]) * np.where(nozzle < 0.1, 0.6 + 0.35 * nozzle / 0.1, 1.0)
    leak = np.maximum(before, np.where(seal < 0.2, -1.5 * np.log(seal / 0.2), 0.0))
    seen = np.array([detection_probability(float(x), 0.9, 0.5, 0.3) if x > 0.0 else 0.0 for x in leak])
    mass = np.abs(dose + 0.005 * z[1] - 1.0) > 0.02
    verdict = np.where(mass, filling.REJECTED_MASS, np.where(test < 0.05 + 0.95 * seen, filling.REJECTED_LEAK, 0))
    porosity = np.random.default_rng(1).uniform(0.2, 0.3, (2, n)).astype(np.float32)
    grams, share, found_leak, found_verdict = filled(LAW, n, before, porosity)
    np.testing.assert_allclose(grams, 32.0 * dose, rtol=2e-6)
    np.testing.assert_allclose(share, (32.0 * dose + 3.0) / (40.0 * porosity[0] + 60.0 * porosity[1] + 4.0), rtol=2e-6)
    np.testing.assert_allclose(found_leak, leak, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found_verdict, verdict)
    assert set(verdict) == {0, 1, 2}


def test_a_longer_lot_deals_its_first_cells_the_same_numbers() -> None:
    for short, long in zip(filled(LAW, 37), filled(LAW, 900), strict=True):
        np.testing.assert_array_equal(short, long[:37])


@many_cells
def test_rates_of_rare_events() -> None:
    # 2 million cells: z = 4.5 on every count.
    n = 2_000_000
    law = LAW._replace(blocked=5e-4, leak=1e-3, false_alarm=4e-4, tolerance=1.0, dosing_cv=0.003)
    grams, _, leak, verdict = filled(law, n)
    leaking, dose = leak > 0.0, grams / 32.0
    for count, share in (((dose < 0.97).sum(), 5e-4 * 1.0), (leaking.sum(), 1e-3)):
        assert abs(count - n * share) < 4.5 * math.sqrt(n * share)
    assert abs(verdict[~leaking].astype(bool).sum() - 4e-4 * n) < 4.5 * math.sqrt(4e-4 * n)
    assert abs(leak[leaking].mean() - 1.5) < 4.5 * 1.5 / math.sqrt(leaking.sum())
    assert dose[dose < 0.97].min() > 0.59
    good = dose[dose > 0.97]
    assert abs(good.std(dtype=float) - 0.003) < 4.5 * 0.003 / math.sqrt(2 * n)


@many_cells
def test_doses_out_of_tolerance_are_those_of_two_normal_errors() -> None:
    # 2 million cells: z = 4.5; pump and scales together have 4.47 tolerances of 0.02.
    n = 2_000_000
    law = LAW._replace(blocked=0.0, leak=0.0, false_alarm=0.0, dosing_cv=0.006, scale_error=0.003)
    _, _, leak, verdict = filled(law, n)
    share = 2.0 * stats.norm.sf(0.02 / math.hypot(0.006, 0.003))
    assert abs((verdict == filling.REJECTED_MASS).sum() - n * share) < 4.5 * math.sqrt(n * share)
    assert not leak.any()


def test_the_dead_get_no_place_and_count_nowhere() -> None:
    n, code = 6, np.array([0, 5, 0, 0, 7, 0], np.int16)
    grams, share, leak = np.empty(n, np.float32), np.empty(n, np.float32), np.zeros(n, np.float32)
    position, porosity = np.empty(n, np.int32), np.full(n, 0.25, np.float32)
    sound = LAW._replace(blocked=0.0, leak=0.0, false_alarm=0.0, tolerance=1.0)
    found = filling.fill_cells(sound, KEY, 7, porosity, porosity, grams, share, leak, position, CODES, code)
    assert position.tolist() == [0, -1, 1, 2, -1, 3]
    assert found == (pytest.approx(grams[[0, 2, 3, 5]].sum(dtype=np.float64)), 0, 0, 0, 0)
    assert code.tolist() == [0, 5, 0, 0, 7, 0]
    narrow = sound._replace(tolerance=1e-9)
    assert filling.fill_cells(narrow, KEY, 7, porosity, porosity, grams, share, leak, position, CODES, code).mass == 4
    assert code.tolist() == [1, 5, 1, 1, 7, 1]


def test_a_number_that_is_none_does_not_vanish() -> None:
    for broken in range(2):
        porosity = np.full((2, 9), 0.25, np.float32)
        porosity[broken] = np.nan
        assert np.isnan(filled(LAW, 9, porosity=porosity)[1]).all()
