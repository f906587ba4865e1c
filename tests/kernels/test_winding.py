from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels.extremes import lowest_by_word
from cellfab.kernels.random import stream_key
from cellfab.kernels.winding import CAMERA, FAULT, OVERHANG, JoiningLaw, align_rolls, inspect_cells

KEY, DIGITS = stream_key(1, 0, "winder"), stream_key(1, 0, "winder", "digits")
SOUND = JoiningLaw(
    fault=0.0, separator_fault=0.0, camera_false_alarm=0.0, camera_seen=0.0, particles=0.0, overhang_limit_mm=0.2
)


def align(n: int, rolls: int, layers: float, drift: float, alignment: float, gauge: float) -> tuple[np.ndarray, ...]:
    rows = np.arange(n * rolls, dtype=np.int32)
    narrow, wide = np.full(n * rolls, 66, np.float32), np.full(n * rolls, 68, np.float32)
    overhang, read = np.empty(n, np.float32), np.empty(n, np.float32)
    align_rolls(KEY, 7, rows, rows, narrow, wide, lowest_by_word(layers), drift, alignment, gauge, overhang, read)
    return overhang, read


def inspect(law: JoiningLaw, n: int, read: float = 1.0, particles: int = 0) -> tuple[np.ndarray, ...]:
    fault, reason = np.empty(n, np.uint8), np.empty(n, np.uint8)
    count = np.full(n, particles, np.uint8)
    inspect_cells(law, KEY, DIGITS, 7, np.full(n, read, np.float32), fault, count, reason)
    return fault, count, reason


def near(count: float, n: int, p: float) -> bool:
    """z = 4.5 of a binomial count."""
    return bool(abs(count - n * p) < 4.5 * math.sqrt(n * p * (1.0 - p)))


@pytest.mark.parametrize("rolls", [1, 2, 3])
def test_overhang_of_the_worst_edge_of_all_rolls(rolls: int) -> None:
    # 50 000 cells against 1 - F with F(x) = Phi(x / sd)^(layers x rolls): z = 4.5 of the empirical distribution.
    n, layers = 50_000, 5
    overhang, read = align(n, rolls, layers, 0.0, 0.1, 0.0)
    np.testing.assert_array_equal(read, overhang)
    for z in (-0.5, -1.0, -1.5, -2.0):
        above = (1.0 - 0.5 * math.erfc(-z / math.sqrt(2.0))) ** (layers * rolls)
        assert near(np.count_nonzero(overhang > 1.0 + 0.1 * z), n, above)


def test_drift_goes_one_way_and_the_gauge_both() -> None:
    # 50 000 cells: means and spreads to z = 4.5.
    n = 50_000
    overhang, read = align(n, 1, 1.0, 0.2, 0.0, 0.05)
    drift = (1.0 - overhang) / 0.2
    assert drift.min() >= 0.0
    assert abs(drift.mean() - math.sqrt(2.0 / math.pi)) < 4.5 * math.sqrt((1.0 - 2.0 / math.pi) / n)
    error = (read - overhang) / 0.05
    assert abs(error.mean()) < 4.5 / math.sqrt(n)
    assert abs(error.std() - 1.0) < 4.5 / math.sqrt(2 * n)


def test_widths_are_those_of_the_segments() -> None:
    cathode, anode = np.array([2, 0], np.int32), np.array([1, 3], np.int32)
    widths = np.array([60, 61, 62, 66], np.float32)
    overhang, read = np.empty(2, np.float32), np.empty(2, np.float32)
    align_rolls(KEY, 1, cathode, anode, widths, widths, lowest_by_word(9.0), 0.0, 0.0, 0.0, overhang, read)
    np.testing.assert_allclose(overhang, [-0.5, 3.0])


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
    assert (inspect(SOUND, n, read=0.1)[2] == OVERHANG).all()
    assert (inspect(SOUND._replace(fault=1.0), n, read=0.1)[2] == FAULT).all()
    assert (inspect(SOUND._replace(camera_false_alarm=1.0, camera_seen=1.0), n)[2] == CAMERA).all()
    assert (inspect(SOUND._replace(separator_fault=1.0), n)[2] == 0).all()
    assert (inspect(SOUND._replace(separator_fault=1.0, camera_seen=1.0), n)[2] == CAMERA).all()


def test_particles_are_capped_and_nothing_is_no_error() -> None:
    assert (inspect(SOUND._replace(particles=30.0), 50, particles=250)[1] == 255).all()
    assert (inspect(SOUND, 50, particles=3)[1] == 3).all()
    assert inspect(SOUND, 0)[2].size == 0
    assert align(0, 2, 3.0, 0.1, 0.1, 0.1)[0].size == 0
