from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import mixing
from cellfab.kernels.random import fill_normals, fill_uniform, normal_quantile, uniform


def test_agglomerates_decay_from_start_to_limit():
    assert mixing.agglomerate_um(0.0, 500.0, 20.0, 0.02) == 500.0
    assert mixing.agglomerate_um(10.0, 500.0, 20.0, 0.02) == pytest.approx(20.0)
    # One energy scale leaves 1/e of the excess.
    assert mixing.agglomerate_um(0.02, 500.0, 20.0, 0.02) == pytest.approx(20.0 + 480.0 / math.e)


def test_unequal_particles_of_one_mass_give_lacey():
    # Poole, Taylor and Wall with m_p = m_q = M / n and no spread must give the binomial p (1 - p) / n (Lacey 1954).
    assert mixing.random_variance_unequal(0.03, 1e-6, 0.0, 1e-6, 0.0, 1e-3) == pytest.approx(0.03 * 0.97 / 1000)


def test_unequal_particles_against_sampling():
    # Poisson numbers of two kinds of particles with lognormal masses, 40 000 samples of about 0.1 g; z-limit 4
    # (relative s.d. of a variance sqrt(2 / n) = 0.7 %).
    rng = np.random.default_rng(11)
    p, sample = 0.2, 0.1
    minor_g, minor_cv, major_g, major_cv = 4e-4, 0.5, 1e-4, 1.0
    composition = []
    for mean, cv, mass in ((minor_g, minor_cv, p * sample), (major_g, major_cv, (1 - p) * sample)):
        counts = rng.poisson(mass / mean, 40_000)
        sigma = math.sqrt(math.log1p(cv**2))
        masses = mean * np.exp(sigma * rng.standard_normal(counts.sum()) - 0.5 * sigma**2)
        composition.append(np.add.reduceat(masses, np.concatenate(([0], np.cumsum(counts)[:-1]))))
    share = composition[0] / (composition[0] + composition[1])
    # The formula is the limit of many particles; with about 50 and 800 of them the next order is below 2 %.
    assert share.var() == pytest.approx(
        mixing.random_variance_unequal(p, minor_g, minor_cv, major_g, major_cv, sample), rel=4 * 0.007 + 0.02
    )


@pytest.mark.parametrize(("size_um", "cv"), [(500.0, 0.54), (100.0, 0.048), (50.0, 0.017), (20.0, 0.0043)])
def test_minor_agglomerates_rule_the_evenness(size_um, cv):
    # CV = sqrt(m_agg / (p M)) for 2 % PTFE in 25 mg, the coating of 1 cm2: it falls with size to the power 1.5.
    mass = mixing.sphere_g(size_um, 2.2)
    variance = mixing.random_variance_unequal(0.02, mass, 0.0, 0.0, 0.0, 25e-3)
    assert math.sqrt(variance) / 0.02 == pytest.approx(math.sqrt(mass * 0.98**2 / (0.02 * 25e-3)), rel=1e-9)
    assert math.sqrt(variance) / 0.02 == pytest.approx(cv, rel=0.06)


def test_mixing_runs_from_unmixed_to_random():
    unmixed, random = mixing.unmixed_variance(0.02), 1e-7
    assert unmixed == pytest.approx(0.02 * 0.98)
    assert mixing.mixing_variance(random, unmixed, 0.0, 20.0) == unmixed
    assert mixing.mixing_variance(random, unmixed, 1e4, 20.0) == random
    # The rate found again from two times.
    at = [mixing.mixing_variance(random, unmixed, t, 20.0) - random for t in (30.0, 70.0)]
    assert 40.0 / math.log(at[0] / at[1]) == pytest.approx(20.0)


def test_fibrillation_needs_time_and_warmth():
    time = np.array([0.0, 4.0, 12.0, 12.0, 12.0, 1e3])
    warm = np.array([90.0, 90.0, 90.0, 19.0, 39.5, 60.0])
    expected = [0.0, 1 - math.exp(-1), 1 - math.exp(-3), 0.0, 0.5 * (1 - math.exp(-3)), 1.0]
    assert mixing.fibrillation(time, warm, 4.0) == pytest.approx(expected)


def test_strength_grows_with_binder_and_falls_when_over_kneaded():
    def strength(ratio, time):
        return float(mixing.film_strength_mpa(0.8, np.array([ratio]), np.array([0.9]), np.array([time]), 18.0, 15.0)[0])

    assert strength(1.0, 12.0) == pytest.approx(0.72)
    assert strength(1.5, 12.0) == pytest.approx(0.72 * 1.5**1.2)
    assert strength(1.0, 33.0) == pytest.approx(0.72 / math.e)


def test_charges_equal_slow_twin():
    # The module's functions one after the other, in float64, for each charge.
    law = mixing.MixerLaw(
        0.05, 0.1, 500.0, 20.0, 0.02, 2.2, 0.3, 2e-9, 1.0, 25e-3, 0.03, 600.0, 20.0, 12.0, 0.3, 60.0, 15.0, 4.0, 1.0,
        0.02, 14.0, 15.0, 0.25, 0.05, 0.6,
    )  # fmt: skip
    rng = np.random.default_rng(8)
    z, binder = rng.standard_normal((5, 200)).astype(np.float32), rng.uniform(0.01, 0.03, 200).astype(np.float32)
    out, rejected = np.empty((4, 200), np.float32), np.empty(200, np.uint8)
    assert mixing.mix_charges(law, z, binder, *out, rejected)
    draw, share = z.astype(float), binder.astype(float)
    size = 20.0 + 480.0 * np.exp(-0.05 * np.maximum(1.0 + 0.1 * draw[0], 0.0) / 0.02)
    minor_g = 2.2 * np.pi / 6.0 * (size * 1e-4) ** 3
    random = share * (1 - share) * (share * 2e-9 * 2.0 + (1 - share) * minor_g * 1.09) / 25e-3
    settled = random + (0.03 * share) ** 2
    variance = settled + (share * (1 - share) - settled) * np.exp(-30.0)
    time = 12.0 * np.maximum(1.0 + 0.3 * draw[1], 0.0)
    degree = (1.0 - np.exp(-time / 4.0)) * np.clip((60.0 + 15.0 * draw[2] - 19.0) / 41.0, 0.0, 1.0)
    strength = (share / 0.02) ** 1.2 * degree * np.exp(-np.maximum(time - 14.0, 0.0) / 15.0 + 0.25 * draw[3])
    for found, expected in zip(out, (size, np.sqrt(variance) / share, degree, strength), strict=True):
        assert found == pytest.approx(expected, rel=1e-5)
    assert np.array_equal(rejected == 1, strength * (1.0 + 0.05 * draw[4]) < 0.6)
    assert 0 < rejected.sum() < 200


def test_components_are_weighed_each_with_its_own_error():
    keys, z, u = np.arange(11, 16).astype(np.uint64), np.empty((3, 50), np.float32), np.empty(50, np.float32)
    fill_normals(keys[:3], 5, z)
    fill_uniform(keys[3], 5, u)
    columns, wrong = np.empty((4, 50), np.float32), np.empty(50, np.bool_)
    total = mixing.weigh_charges(
        keys, 5, 6, 0.01, 0.05, 0.02, 0.3, 0.94, 0.02, 0.04, 200.0, 150.0, columns, wrong
    )  # fmt: skip
    weighed = np.array([[0.94], [0.02], [0.04]]) * (1.0 + np.array([[0.01], [0.05], [0.05]]) * z.astype(float))
    whole = weighed.sum(axis=0)
    assert columns[0] == pytest.approx(150.0 * whole, rel=1e-6)
    assert columns[1:3] == pytest.approx(weighed[:2] / whole, rel=1e-6)
    assert columns[3] == pytest.approx(200.0 * (1.0 + 0.02 * normal_quantile(uniform(keys[4], 6, 0))))
    assert np.array_equal(wrong, u < 0.3) and wrong.any()
    assert total == pytest.approx(150.0 * whole.sum(), rel=1e-6)
