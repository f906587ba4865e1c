"""The one-pass kernels of the cell steps against slow twins: cell by cell, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cellfab.core.defects import MECHANISMS, bit
from cellfab.kernels import folding, formation, grading, particles, winding

N = 400


def normals(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def near(rng: np.random.Generator, mean: float, relative_sd: float = 0.03) -> np.ndarray:
    return (mean * (1.0 + relative_sd * rng.standard_normal(N))).astype(np.float32)


def test_wound_rolls_equal_the_twin() -> None:
    rng = np.random.default_rng(1)
    law = winding.WinderLaw(
        drift_sd_mm=0.2, alignment_sd_mm=0.1, overhang_limit_mm=0.3, gauge_mm=0.05, fault=0.1, separator_fault=0.2,
        camera_false_alarm=0.05, camera_seen=0.5, particles=0.7,
    )  # fmt: skip
    z, lowest, u = normals(rng, 2, N), normals(rng, N) - 2, rng.random((4, N)).astype(np.float32)
    centred, flaws = near(rng, 1.0), rng.integers(0, 3, N).astype(np.uint8)
    overhang = np.empty(N, np.float32)
    fault, count, reason = np.empty((3, N), np.uint8)
    winding.wind_rolls(law, z, u, lowest, centred, flaws, overhang, fault, count, reason)

    true = centred.astype(float) - 0.2 * np.abs(z[0]) + 0.1 * lowest
    np.testing.assert_allclose(overhang, true, atol=1e-6)
    np.testing.assert_array_equal(fault, u[1] < 0.2)
    np.testing.assert_array_equal(count, flaws + stats.poisson.ppf(u[2].astype(float), 0.7))
    camera = (u[3] < 0.05) | ((u[1] < 0.2) & (u[3] < 0.5))
    expected = np.select([u[0] < 0.1, true + 0.05 * z[1] < 0.3, camera], [1, 2, 3], 0)
    np.testing.assert_array_equal(reason, expected)
    assert set(reason) == {0, 1, 2, 3}


def test_cells_inherit_from_their_own_segments() -> None:
    rng = np.random.default_rng(2)
    row = np.sort(rng.choice(2 * N, N, replace=False)).astype(np.int32)
    loading, active, specific, width = rng.uniform(0.5, 1.5, (4, 2 * N)).astype(np.float32)
    notch = (rng.random(2 * N) < 0.1).astype(np.float32)
    areal, centred, flaws = np.empty(N, np.float32), np.ones(N, np.float32), np.ones(N, np.uint8)
    total = winding.inherit(row, loading, active, specific, width, notch, -0.5, areal, centred, flaws)
    assert total == pytest.approx(loading[row].sum(dtype=np.float64))
    np.testing.assert_allclose(areal, 1e-3 * (loading * active * specific)[row], rtol=1e-6)
    np.testing.assert_allclose(centred, 1.0 - 0.5 * width[row], atol=1e-6)
    np.testing.assert_array_equal(flaws, 1 + notch[row])
    good = rng.random(2 * N) < 0.7
    assert winding.sum_of_good(loading, good) == pytest.approx(loading[good].sum(dtype=np.float64))


def test_kneaded_faces_equal_the_twin() -> None:
    error = np.float32(0.4) * normals(np.random.default_rng(3), N)
    distance, torn = np.empty((2, N), np.float32)
    most = folding.knead(error, 2.0, 0.12, 3.0, distance, torn)
    np.testing.assert_allclose(distance, 2.0 - error, rtol=1e-6)
    np.testing.assert_allclose(torn, np.clip(3.0 * (error - 0.12), 0.0, folding.MOST_TORN), atol=1e-6)
    assert most == torn.max() == np.float32(folding.MOST_TORN)


def test_severity_of_a_dry_cell_is_that_of_its_worst_defect() -> None:
    particle = np.array([0.0, 21.0, 0.0, 0.0, 0.0, 42.0], np.float32)
    cathode, anode = np.array([[9.0, 9.0, 14.0, 0.0, 3.0, 14.0], [0.0, 0.0, 0.0, 10.5, 3.0, 0.0]], np.float32)
    fault = np.array([0, 0, 0, 0, 1, 0], np.uint8)
    out = np.empty(6, np.float32)
    particles.dry_severity(particle, cathode, anode, fault, 14.0, out)
    np.testing.assert_allclose(out, [0.0, 1.0, 1.0, 0.75, 1.5, 2.0], rtol=1e-6)


FIRST = formation.FirstCycleLaw(
    charge_per_areal=5.8, efficiency=0.875, efficiency_sd=0.01, moisture_free_ppm=250.0, moisture_loss=3e-5,
    moisture_resistance=2e-4, binder_loss=0.7, most_per_areal=4.7, capacity_cv=0.01, roll_mohm=4.5, roll_cv=0.05,
    terminal_mohm=0.15, hard_siemens=1.0, leak_ah=66.0, least_efficiency=0.83,
)  # fmt: skip


def test_first_cycle_equals_the_twin() -> None:
    rng = np.random.default_rng(4)
    z = normals(rng, 2, N)
    cathode, anode, loading, binder = near(rng, 4.8), near(rng, 5.2), near(rng, 15.4), near(rng, 0.03)
    ppm = near(rng, 260.0), near(rng, 250.0)
    dry = np.where(rng.random(N) < 0.2, 0.05, 0.0).astype(np.float32)
    siemens = np.where(rng.random(N) < 0.2, 10.0 ** rng.uniform(-3, 1, N), 0.0).astype(np.float32)
    delay = np.where(rng.random(N) < 0.3, 2.0, 0.0).astype(np.float32)
    came = rng.random(N) < 0.9
    capacity, efficiency, reason = np.empty(N, np.float32), np.empty(N, np.float32), np.empty(N, np.uint8)
    sums = formation.first_cycle(
        FIRST, z, cathode, anode, loading, binder, *ppm, dry, siemens, delay, came, capacity, efficiency, reason
    )
    expected: list[tuple[float, float, int]] = []
    for i in range(N):
        charge = 5.8 * float(cathode[i])
        wet = max(0.0, 0.5 * (float(ppm[0][i]) + float(ppm[1][i])) - 250.0)
        held = charge * (0.875 + 0.01 * float(z[0, i]) - 3e-5 * wet) - 0.7 * float(loading[i]) * float(binder[i])
        held = min(held, 4.7 * float(anode[i])) * (1.0 - float(dry[i])) * (1.0 + 0.01 * float(z[1, i]))
        at_once = float(siemens[i]) if delay[i] == 0.0 else 0.0
        low = (held - 66.0 * at_once) / charge < 0.83
        expected.append((charge, held, 1 if at_once > 1.0 else 2 * low))
    charge, held, why = np.array(expected).T
    np.testing.assert_allclose(capacity, held, rtol=1e-6)
    np.testing.assert_allclose(efficiency, held / charge, rtol=1e-6)
    np.testing.assert_array_equal(reason, why)
    np.testing.assert_allclose(sums, (charge[came].sum(), held[came].sum()), rtol=1e-6)
    assert set(reason) == {0, 1, 2}


def test_resistance_equals_the_twin() -> None:
    rng = np.random.default_rng(5)
    z, ppm, welds = normals(rng, N), (near(rng, 260.0), near(rng, 250.0)), (near(rng, 0.06), near(rng, 0.07))
    torn = rng.uniform(0.0, 0.5, (2, N)).astype(np.float32)
    found = np.empty(N, np.float32)
    formation.resistance(FIRST, z, *ppm, *welds, *torn, found)
    wet = np.maximum(0.0, 0.5 * (ppm[0].astype(float) + ppm[1]) - 250.0)
    expected = 4.5 * (1.0 + 0.05 * z.astype(float)) * (1.0 + 2e-4 * wet) + 0.15
    expected += welds[0] / (1.0 - torn[0]) + welds[1] / (1.0 - torn[1])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_mechanism_has_its_own_bit(mechanism: str) -> None:
    sound = {
        "soft_short": np.zeros(1, np.float32), "no_fusion": np.zeros(1, np.uint8),
        "burn_through": np.zeros(1, np.uint8),
        "separator_fault": np.zeros(1, np.uint8), "overhang": np.zeros(1, np.float32),
        "under_wetted": np.full(1, 0.02, np.float32), "leak": np.zeros(1, np.float32),
        "anode_limited": np.ones(1, np.float32),
    }  # fmt: skip
    cathode, out = np.ones(1, np.float32), np.empty(1, np.uint8)
    for changed, expected in ((False, 0), (True, bit(mechanism))):
        values = dict(sound)
        if changed:
            worse = {"overhang": -0.1, "anode_limited": 0.9}.get(mechanism, 1.0)
            values[mechanism] = np.full_like(sound[mechanism], worse)
        anode = values.pop("anode_limited")
        formation.hidden_defects(*values.values(), cathode, anode, np.float32(0.02), out)
        assert out[0] == expected


def test_grading_equals_the_twin() -> None:
    rng = np.random.default_rng(6)
    law = grading.GradeLaw(
        capacity_noise=0.01, dcir_noise=0.01, energy_per_ah=3.7, least_ah=22.5, most_mohm=5.2, grade_a_ah=23.0,
        grade_a_mohm=5.05, appearance=0.05, leak_found=0.5,
    )  # fmt: skip
    z, u = normals(rng, 2, N), rng.random(N).astype(np.float32)
    tray = (np.arange(N) // 64).astype(np.int32)
    error = 0.005 * normals(rng, 7)
    alive, defects = rng.random(N) < 0.9, rng.integers(0, 256, N).astype(np.uint8)
    capacity, dcir = near(rng, 23.5), near(rng, 4.9)
    read_ah, read_mohm, energy = np.empty((3, N), np.float32)
    grade, reason = np.empty((2, N), np.uint8)
    sold = np.empty(256, np.int64)
    stored = grading.grade_cells(
        law, z, u, tray, error, alive, defects, bit("leak"), capacity, dcir, read_ah, read_mohm, energy, grade, reason,
        sold,
    )  # fmt: skip
    ah = capacity.astype(float) * (1.0 + 0.01 * z[0] + error[tray])
    mohm = dcir.astype(float) * (1.0 + 0.01 * z[1])
    np.testing.assert_allclose(read_ah, ah, rtol=1e-6)
    np.testing.assert_allclose(read_mohm, mohm, rtol=1e-6)
    np.testing.assert_allclose(energy, 3.7 * capacity, rtol=1e-6)
    looks = (u < 0.05) | ((u < 0.5) & ((defects & 64) > 0))
    why = np.select([ah < 22.5, mohm > 5.2, looks], [1, 2, 3], 0)
    np.testing.assert_array_equal(reason, why)
    passed = alive & (why == 0)
    np.testing.assert_array_equal(grade, np.where(passed, np.where((ah >= 23.0) & (mohm <= 5.05), 1, 2), 0))
    np.testing.assert_array_equal(sold, np.bincount(defects[passed], minlength=256))
    assert stored == pytest.approx(3.7 * capacity[passed].sum(dtype=np.float64), rel=1e-6)
    assert {0, 1, 2, 3} == set(reason)
    assert {0, 1, 2} == set(grade)


def test_poisson_count_is_the_quantile() -> None:
    for u in (0.1, 0.6, 0.99, 0.99999):
        assert particles.poisson_count(1.3, u) == stats.poisson.ppf(u, 1.3)
    assert particles.poisson_count(0.0, math.nextafter(1.0, 0.0)) == 0
