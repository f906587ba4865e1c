from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels.extremes import lowest_by_word
from cellfab.kernels.random import normals_of_words, stream_key
from cellfab.kernels.random_blocks import fill_blocks
from cellfab.kernels.winding import CAMERA, FAULT, OVERHANG, JoiningLaw, align_rolls, inspect_cells

KEY, DIGITS = stream_key(1, 0, "winder"), stream_key(1, 0, "winder", "digits")
SOUND = JoiningLaw(
    fault=0.0, separator_fault=0.0, camera_false_alarm=0.0, camera_seen=0.0, particles=0.0, overhang_limit_mm=0.2
)


def align(
    n: int, rolls: int, layers: float, drift: float, alignment: float, gauge: float, limit: float = 0.2
) -> tuple[np.ndarray, ...]:
    rows = np.arange(n * rolls, dtype=np.int32)
    narrow, wide = np.full(n * rolls, 66, np.float32), np.full(n * rolls, 68, np.float32)
    overhang, short = np.empty(n, np.float32), np.empty(n, np.uint8)
    align_rolls(
        KEY, 7, rows, rows, narrow, wide, lowest_by_word(layers), drift, alignment, gauge, limit, overhang, short
    )
    return overhang, short


def inspect(law: JoiningLaw, n: int, short: bool = False, particles: int = 0) -> tuple[np.ndarray, ...]:
    """Every third cell is truly short of overhang."""
    fault, reason = np.empty(n, np.uint8), np.zeros(n, np.int16)
    count, overhang = np.full(n, particles, np.uint8), np.full(n, 0.3, np.float32)
    overhang[::3] = 0.1
    codes = np.array([FAULT, OVERHANG, CAMERA], np.int16)
    found = inspect_cells(law, KEY, DIGITS, 7, np.full(n, short, np.uint8), overhang, fault, count, codes, reason)
    by_overhang, by_camera = reason == OVERHANG, reason == CAMERA
    assert found == (
        np.count_nonzero(reason == FAULT), np.count_nonzero(by_overhang), np.count_nonzero(by_camera),
        np.count_nonzero(by_overhang & (overhang >= 0.2)), np.count_nonzero(by_camera & (fault == 0)),
    )  # fmt: skip
    return fault, count, reason


def near(count: float, n: int, p: float) -> bool:
    """z = 4.5 of a binomial count."""
    return bool(abs(count - n * p) < 4.5 * math.sqrt(n * p * (1.0 - p)))


@pytest.mark.parametrize("rolls", [1, 2, 3])
def test_overhang_of_the_worst_edge_of_all_rolls(rolls: int) -> None:
    # 50 000 cells against 1 - F with F(x) = Phi(x / sd)^(layers x rolls): z = 4.5 of the empirical distribution.
    n, layers = 50_000, 5
    overhang, short = align(n, rolls, layers, 0.0, 0.1, 0.0, limit=0.9)
    np.testing.assert_array_equal(short, overhang < np.float32(0.9))
    assert 0.0 < short.mean() < 1.0
    for z in (-0.5, -1.0, -1.5, -2.0):
        above = (1.0 - 0.5 * math.erfc(-z / math.sqrt(2.0))) ** (layers * rolls)
        assert near(np.count_nonzero(overhang > 1.0 + 0.1 * z), n, above)


def test_drift_goes_one_way() -> None:
    # 50 000 cells: the mean to z = 4.5.
    n = 50_000
    overhang, _ = align(n, 1, 1.0, 0.2, 0.0, 0.05)
    drift = (1.0 - overhang) / 0.2
    assert drift.min() >= 0.0
    assert abs(drift.mean() - math.sqrt(2.0 / math.pi)) < 4.5 * math.sqrt((1.0 - 2.0 / math.pi) / n)


@pytest.mark.parametrize("limit", [-1.0, 0.5, 0.8, 0.95, 1.0, 2.0])
@pytest.mark.parametrize("rolls", [1, 3])
def test_the_gauge_errs_both_ways_on_every_roll(rolls: int, limit: float) -> None:
    # The reading of each roll from its own number, drawn for all of them: far from the limit the kernel draws none.
    n = 3000
    words, drift, error = np.empty((4, n * rolls), np.uint32), *np.empty((2, n * rolls), np.float32)
    fill_blocks(KEY, 7, 0, 0, words)
    normals_of_words(words[1], drift)
    normals_of_words(words[2], error)
    true = np.float32(1.0) - np.float32(0.1) * np.abs(drift)
    read = true + np.float32(0.05) * error
    overhang, short = align(n, rolls, 1.0, 0.1, 0.0, 0.05, limit)
    np.testing.assert_array_equal(overhang, true.reshape(n, rolls).min(axis=1))
    np.testing.assert_array_equal(short, read.reshape(n, rolls).min(axis=1) < np.float32(limit))
    assert (short.any(), short.all()) == (limit > 0.6, limit > 1.5)


def test_an_overhang_that_is_no_number_is_too_little() -> None:
    rows, widths = np.arange(4, dtype=np.int32), np.array([66, 66, np.nan, 66], np.float32)
    overhang, short = np.empty(2, np.float32), np.empty(2, np.uint8)
    align_rolls(
        KEY, 7, rows, rows, np.full(4, 60, np.float32), widths, lowest_by_word(9.0), 0.1, 0.1, 0.1, 0.2, overhang, short
    )
    np.testing.assert_array_equal(np.isnan(overhang), [False, True])
    np.testing.assert_array_equal(short, [0, 1])


def test_widths_are_those_of_the_segments() -> None:
    cathode, anode = np.array([2, 0], np.int32), np.array([1, 3], np.int32)
    widths = np.array([60, 61, 62, 66], np.float32)
    overhang, short = np.empty(2, np.float32), np.empty(2, np.uint8)
    align_rolls(KEY, 1, cathode, anode, widths, widths, lowest_by_word(9.0), 0.0, 0.0, 0.0, 0.2, overhang, short)
    np.testing.assert_allclose(overhang, [-0.5, 3.0])
    np.testing.assert_array_equal(short, [1, 0])


def test_rates_of_faults_alarms_and_particles() -> None:
    # 100 000 cells, binomial counts to z = 4.5; mean number of particles likewise.
    n = 100_000
    law = SOUND._replace(fault=0.03, separator_fault=0.05, camera_false_alarm=0.01, camera_seen=0.6, particles=0.3)
    fault, count, reason = inspect(law, n)
    assert near(np.count_nonzero(reason == FAULT), n, 0.03)
    assert near(fault.sum(), n, 0.05)
    assert near(np.count_nonzero(reason == CAMERA), n, 0.97 * (0.05 * 0.6 + 0.95 * 0.01))
    assert not (reason == OVERHANG).any()
    assert near(np.count_nonzero(count == 0), n, math.exp(-0.3))
    assert abs(count.mean() - 0.3) < 4.5 * math.sqrt(0.3 / n)


def test_the_first_reason_counts() -> None:
    n = 1000
    assert (inspect(SOUND, n)[2] == 0).all()
    assert (inspect(SOUND, n, short=True)[2] == OVERHANG).all()
    assert (inspect(SOUND._replace(fault=1.0), n, short=True)[2] == FAULT).all()
    assert (inspect(SOUND._replace(camera_false_alarm=1.0, camera_seen=1.0), n)[2] == CAMERA).all()
    assert (inspect(SOUND._replace(separator_fault=1.0), n)[2] == 0).all()
    assert (inspect(SOUND._replace(separator_fault=1.0, camera_seen=1.0), n)[2] == CAMERA).all()


def test_particles_are_capped_and_nothing_is_no_error() -> None:
    assert (inspect(SOUND._replace(particles=30.0), 50, particles=250)[1] == 255).all()
    assert (inspect(SOUND, 50, particles=3)[1] == 3).all()
    assert inspect(SOUND, 0)[2].size == 0
    assert align(0, 2, 3.0, 0.1, 0.1, 0.1)[0].size == 0
