"""Ultrasonic tab welds: energy, wear and tilt, faulty welds, inspection and second welds against closed forms."""

from __future__ import annotations

import math
from statistics import NormalDist
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from cellfab.kernels import tab_weld
from cellfab.kernels import tab_weld_theory as theory
from cellfab.kernels.random import stream_key

KEYS = np.array([stream_key(4, 0, "tab", name) for name in ("alarm", "particles", "faulty")], np.uint64)
LAW = tab_weld.TabLaw(
    energy=1.0, noise=0.0, wear_per_weld=0.0, least=0.8, full=0.9, most=1.25, weld_mohm=0.02, tab_mohm=0.03,
    touching_share=0.7, touching_low=5.0, touching_high=50.0, torn_at_limit=0.05, torn_per_excess=2.0, particles=0.0,
    false_alarm=0.0, cold_ceiling=0.0, cold_midpoint=-1.0, cold_width=0.01, torn_ceiling=0.0, rework_success=0.8,
    rework_tear=0.0,
)  # fmt: skip
N = 40_000
many_cells = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many cells for interpreted kernels")


def weld(
    n: int = N, welds: int = 1, *, first: int = 0, per_horn: int = 10**9, tilt: tuple[float, ...] = (1.0,),
    **changes: float,
) -> SimpleNamespace:  # fmt: skip
    energy_keys = np.array([stream_key(4, 0, "tab", f"energy/{weld}") for weld in range(welds)], np.uint64)
    resistance, torn = np.empty((2, n), np.float32)
    unfused, burnt, particles, rewelded, verdict = np.empty((5, n), np.uint8)
    tab_weld.weld_tabs(
        LAW._replace(**changes), energy_keys, KEYS, 3, first, per_horn, np.array(tilt),
        resistance, unfused, burnt, torn, particles, rewelded, verdict,
    )  # fmt: skip
    return SimpleNamespace(
        mohm=resistance, unfused=unfused, burnt=burnt, torn=torn, particles=particles, rewelded=rewelded,
        verdict=verdict,
    )  # fmt: skip


def near(share: float, expected: float, n: int = N) -> bool:
    """Within 4.5 standard deviations of a binomial share."""
    return abs(share - expected) <= 4.5 * math.sqrt(expected * (1.0 - expected) / n)


def test_energy_that_a_joint_needs_is_the_heat_of_its_metal() -> None:
    # 40 copper foils of 8 um on a 0.2 mm tab, 1 cm2: 0.052 cm3 x 3.6 J/cm3K x (679 - 298) K over 0.3.
    needed = theory.needed_energy_j("cu", 100.0, 0.32, 0.2, 0.5, 0.3)
    assert needed == pytest.approx(0.052 * 3.6 * 381.0 / 0.3, rel=1e-3)
    assert theory.needed_energy_j("cu", 100.0, 0.64, 0.2, 0.5, 0.3) > needed
    assert theory.needed_energy_j("al", 100.0, 0.32, 0.2, 0.5, 0.3) < needed / 3.0
    assert [theory.tilt_factor(tilt) for tilt in (0.0, 0.5, -0.5, 3.0)] == pytest.approx([1.0, 0.5**0.5, 0.5**0.5, 0.0])


def test_sound_welds_are_resistors_in_parallel() -> None:
    for welds in (1, 2, 5):
        made = weld(50, welds)
        np.testing.assert_allclose(made.mohm, 0.02 / welds + 0.03, rtol=1e-6)
        assert not made.unfused.any() and not made.verdict.any()
    half = weld(50, energy=0.85)  # half way from least to full
    np.testing.assert_allclose(half.mohm, 0.02 / 0.5 + 0.03, rtol=1e-5)


@many_cells
@pytest.mark.parametrize("energy", [0.85, 1.0, 1.22])
def test_faulty_welds_are_as_frequent_as_the_energy_law_says(energy: float) -> None:
    # 40 000 welds: z = 4.5.
    made = weld(energy=energy, noise=0.05)
    normal = NormalDist(energy, 0.05 * energy)
    assert near((made.unfused > 0).mean(), normal.cdf(0.8))
    assert near((made.burnt > 0).mean(), 1.0 - normal.cdf(1.25))


@many_cells
def test_wear_takes_energy_until_the_horn_is_changed() -> None:
    # 40 000 welds, z = 4.5: the mean over a horn's life of Phi((least / e - 1) / noise), with one tilt to each horn.
    made = weld(energy=1.0, noise=0.04, wear_per_weld=0.15 / 8000, per_horn=8000, first=3000, tilt=(1.0,) * 6)
    wear = 1.0 - 0.15 * (np.arange(8000) + 0.5) / 8000
    cold = np.array([NormalDist().cdf((0.8 / factor - 1.0) / 0.04) for factor in wear])
    assert near((made.unfused > 0).mean(), cold.mean())
    fresh, worn = made.unfused[5000:6000], made.unfused[4000:5000]
    assert fresh.sum() == 0 < worn.sum()
    tilted = weld(energy=1.0, noise=0.04, per_horn=8000, first=3000, tilt=(1.0, 0.6, 1.0, 1.0, 1.0, 1.0))
    np.testing.assert_array_equal(tilted.unfused[5000:13_000], 1)
    assert not tilted.unfused[:5000].any() and not tilted.unfused[13_000:].any()


def test_each_weld_of_a_cell_wears_the_horn() -> None:
    made = weld(60, welds=2, wear_per_weld=0.01, per_horn=100, first=90, tilt=(1.0, 1.0, 1.0))
    count = (90 + 2 * np.arange(60)[:, None] + np.arange(2)) % 100
    np.testing.assert_array_equal(made.unfused, (1.0 - 0.01 * count < 0.8).sum(axis=1))


def test_torn_foils_follow_the_excess() -> None:
    made = weld(50, energy=1.5, welds=2)
    np.testing.assert_array_equal(made.burnt, 2)
    np.testing.assert_allclose(made.torn, 0.05 + 2.0 * 0.2, rtol=1e-5)
    assert weld(50, energy=9.0).torn.max() <= np.float32(tab_weld.MOST_TORN)


@many_cells
def test_cold_welds_touch_or_are_open() -> None:
    # 40 000 cold welds: z = 4.5 on the share that touches; its contact ratio is log-uniform.
    made = weld(energy=0.5)
    ratio = (made.mohm - 0.03) / 0.02
    touching = ratio < 100.0
    assert near(touching.mean(), 0.7)
    spread = np.log(ratio[touching] / 5.0) / math.log(10.0)
    assert spread.min() > -1e-4 and spread.max() < 1.0 + 1e-4
    assert abs(spread.mean() - 0.5) < 4.5 / math.sqrt(12.0 * touching.sum())


@many_cells
def test_inspection_and_second_welds() -> None:
    # 40 000 cells with a cold weld: z = 4.5 on each share.
    chance = {"false_alarm": 0.05, "cold_ceiling": 0.9, "rework_success": 0.8}
    alarm = 0.05 + 0.95 * 0.9
    made = weld(energy=0.5, **chance)
    assert near((made.rewelded > 0).mean(), alarm)
    assert near((made.verdict == tab_weld.REJECTED_COLD).mean(), alarm * (0.2 * alarm + 0.8 * 0.05))
    passed = made.verdict == tab_weld.PASSED
    assert near((passed & (made.unfused == 0)).mean(), alarm * 0.8 * 0.95)
    np.testing.assert_allclose(made.mohm[made.unfused == 0].min(), 0.02 / 1.2 + 0.03, rtol=1e-3)
    sound = weld(**chance)
    assert near((sound.verdict == tab_weld.REJECTED_COLD).mean(), 0.05**2)


@many_cells
def test_detection_follows_the_severity() -> None:
    # 40 000 cells at a severity of 0.1, where a logistic law of midpoint 0.15 and width 0.05 sees 0.269 of its ceiling.
    made = weld(energy=0.72, cold_ceiling=0.9, cold_midpoint=0.15, cold_width=0.05)
    assert near((made.rewelded > 0).mean(), 0.9 / (1.0 + math.e))


@many_cells
def test_torn_foils_are_seen_and_a_second_weld_can_tear_them() -> None:
    # 40 000 cells: z = 4.5.
    seen = weld(energy=1.4, torn_ceiling=0.6)
    assert near((seen.verdict == tab_weld.REJECTED_TORN).mean(), 0.6)
    torn = weld(false_alarm=0.3, rework_tear=0.1)
    assert near((torn.burnt > 0).mean(), 0.03)
    np.testing.assert_allclose(torn.torn[torn.burnt > 0], 0.05, rtol=1e-6)


@many_cells
def test_particles_come_with_every_weld() -> None:
    # 40 000 cells: z = 4.5 on the means, twice as many where welded again.
    made = weld(welds=2, particles=0.3, false_alarm=0.5)
    for again, expected in ((0, 0.6), (1, 1.2)):
        counts = made.particles[made.rewelded == again]
        assert abs(counts.mean() - expected) < 4.5 * math.sqrt(expected / counts.size)


def test_less_energy_never_makes_fewer_cold_welds() -> None:
    cold = [weld(3000, energy=energy, noise=0.05).unfused for energy in (0.95, 0.9, 0.85)]
    assert (cold[0] <= cold[1]).all() and (cold[1] <= cold[2]).all()
    assert cold[2].sum() > cold[0].sum()
