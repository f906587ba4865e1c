from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import slurry
from cellfab.kernels.slurry_theory import (
    krieger_dougherty,
    settled_share,
    settling_m_per_s,
    solids_g_per_cm3,
    volume_fraction,
)


def _law(**changes: float) -> slurry.SlurryLaw:
    """A batch without errors and with tests that let all pass."""
    quiet = {
        "energy_kwh_per_kg": 0.05, "energy_cv": 0.0, "initial_um": 300.0, "final_um": 10.0, "decay_kwh_per_kg": 0.02,
        "agglomerate_g_per_cm3": 1.2, "active_g": 2e-9, "active_mass_cv": 1.0, "sample_g": 0.0255, "mixing_s": 7200.0,
        "mixing_constant_s": 480.0, "feeder_variance": 0.0, "solids": 0.72, "solvent_cv": 0.0, "solid_g_per_cm3": 4.53,
        "solvent_g_per_cm3": 1.028, "densest": 0.6, "binder": 0.02, "binder_exponent": 3.0, "viscosity_sigma": 0.0,
        "fineness_factor": 1.5, "gelation_per_h": 0.0, "dwell_h": 8.0, "dwell_sigma": 0.0, "solids_gauge": 0.0,
        "solids_tolerance": 1.0, "viscosity_gauge_cv": 0.0, "viscosity_limit": 1e9, "fineness_gauge_cv": 0.0,
        "fineness_limit_um": 1e9, "gelled_ratio": 1e9,
    }  # fmt: skip
    return slurry.SlurryLaw(**{**quiet, **changes})


def _mix(law: slurry.SlurryLaw, n: int = 1, seed: int = 1, binder: float = 0.02) -> dict[str, np.ndarray]:
    z = np.random.default_rng(seed).standard_normal((7, n), np.float32)
    out = {name: np.empty(n, np.float32) for name in ("size", "cv", "solids", "viscosity")}
    reason = np.empty(n, np.uint8)
    rejected = slurry.mix_slurry(law, z, np.full(n, binder, np.float32), *out.values(), reason)
    assert rejected == np.count_nonzero(reason)
    return {**out, "reason": reason}


def test_volume_and_mass_of_solids():
    # 0.72 kg of 4.53 g/cm3 and 0.28 kg of 1.028 g/cm3.
    solid, solvent = 0.72 / 4.53, 0.28 / 1.028
    assert volume_fraction(0.72, 4.53, 1.028) == pytest.approx(solid / (solid + solvent))
    assert solids_g_per_cm3(0.72, 4.53, 1.028) == pytest.approx(0.72 / (solid + solvent))
    assert solids_g_per_cm3(np.array([0.5, 1.0]), 2.0, 1.0) == pytest.approx([2.0 / 3.0, 2.0])


def test_viscosity_of_a_suspension():
    # Einstein's dilute limit 1 + 2.5 phi, and no flow from the densest packing on.
    assert krieger_dougherty(1e-5, 0.6) == pytest.approx(1.0 + 2.5e-5, abs=1e-9)
    assert krieger_dougherty(0.3, 0.6) == pytest.approx(2.0**1.5)
    assert math.isinf(krieger_dougherty(0.6, 0.6))


def test_settling():
    # 10 um of 3.5 g/cm3 more than the liquid, 1 Pa s: Stokes 3500 x 9.81 x 1e-10 / 18 m/s.
    alone = settling_m_per_s(10.0, 3.5, 1.0, 0.0)
    assert alone == pytest.approx(1.9075e-7, rel=1e-4)
    assert settling_m_per_s(10.0, 3.5, 1.0, 0.4) == pytest.approx(alone * 0.6**4.65)
    assert settled_share(alone, 3600.0, 1.0) == pytest.approx(3600.0 * alone)
    assert settled_share(alone, 1e12, 1.0) == 1.0


def test_a_quiet_batch_is_its_recipe():
    made = _mix(_law())
    assert made["solids"][0] == pytest.approx(0.72, rel=1e-6)
    assert made["viscosity"][0] == pytest.approx(1.0, rel=1e-6)
    assert made["size"][0] == pytest.approx(10.0 + 290.0 * math.exp(-2.5), rel=1e-6)
    assert made["reason"][0] == 0


def test_evenness_by_size_time_and_feeders():
    # Minor species in lumps much heavier than the other's particles: variance p q^2 m / M.
    size = 10.0 + 290.0 * math.exp(-2.5)
    lump_g = 1.2 * math.pi / 6.0 * (size * 1e-4) ** 3
    even = _mix(_law(mixing_s=36_000.0, active_g=1e-12))["cv"][0]
    assert even == pytest.approx(0.98 * math.sqrt(lump_g / (0.02 * 0.0255)), rel=1e-3)
    # Short mixing leaves (1 - p) / p x exp(-t / tau), whatever the size.
    assert _mix(_law(mixing_s=960.0))["cv"][0] == pytest.approx(math.sqrt(49.0 * math.exp(-2.0)), rel=1e-3)
    wide = _mix(_law(feeder_variance=0.01))["cv"][0]
    assert wide == pytest.approx(math.hypot(0.1, _mix(_law())["cv"][0]), rel=1e-6)


def test_solids_follow_the_solvent_dosed():
    # ds = -s (1 - s) cv: 40 000 batches, z-limit 4 on the standard deviation.
    made = _mix(_law(solvent_cv=0.01), 40_000)
    assert made["solids"].astype(float).std() == pytest.approx(0.72 * 0.28 * 0.01, rel=4 / math.sqrt(80_000) + 2e-3)
    # Less solvent, thicker: both are functions of the same number.
    order = np.argsort(made["solids"])
    assert np.all(np.diff(made["viscosity"][order]) >= -1e-5)


def test_binder_thickens_and_waiting_gels():
    assert _mix(_law(), binder=0.022)["viscosity"][0] == pytest.approx(1.1**3, rel=1e-5)
    assert _mix(_law(gelation_per_h=0.05))["viscosity"][0] == pytest.approx(math.exp(0.4), rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"solids_tolerance": 0.004, "solids_gauge": 0.002}, slurry.SOLIDS),
        ({"viscosity_sigma": 0.2, "viscosity_limit": math.exp(0.4)}, slurry.VISCOSITY),
        ({"gelation_per_h": 0.1, "dwell_sigma": 0.5, "gelled_ratio": math.exp(0.8 * math.exp(1.0))}, slurry.GELLED),
    ],
)
def test_tests_reject_the_share_beyond_their_limits(changes, reason):
    # Each limit at 2 sigma: 200 000 batches, z-limit 4 (2 % of the share).
    n = 200_000
    made = _mix(_law(**changes), n, seed=3)
    share = 0.0455 if reason != slurry.GELLED else 0.02275
    assert set(made["reason"]) == {0, reason}
    assert (made["reason"] == reason).mean() == pytest.approx(share, abs=4 * math.sqrt(share / n) + 3e-5)


def test_coarse_batches_are_rejected():
    size = 10.0 + 290.0 * math.exp(-2.5)
    assert _mix(_law(fineness_limit_um=1.5 * size * 1.001))["reason"][0] == 0
    assert _mix(_law(fineness_limit_um=1.5 * size * 0.999))["reason"][0] == slurry.FINENESS


def test_nan_is_rejected_or_stays_nan():
    z = np.zeros((7, 1), np.float32)
    out = [np.empty(1, np.float32) for _ in range(4)]
    reason = np.empty(1, np.uint8)
    slurry.mix_slurry(_law(viscosity_limit=1.5), z, np.full(1, np.nan, np.float32), *out, reason)
    assert reason[0] == slurry.VISCOSITY
    assert np.isnan(out[1][0]) and np.isnan(out[3][0])
