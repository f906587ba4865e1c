from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import stats

from cellfab.kernels import particles
from cellfab.kernels.random import fill_uniform, stream_key

KEY = stream_key(1, 0, "particles")
many_cells = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many cells for interpreted kernels")


def uniforms(n: int, name: str = "u") -> np.ndarray:
    out = np.empty(n, np.float32)
    fill_uniform(stream_key(1, 0, name), 3, out)
    return out


def counts(mean: float, u: np.ndarray) -> np.ndarray:
    return np.array([particles.poisson_count(mean, one) for one in u.tolist()])


@pytest.mark.parametrize("mean", [0.0, 0.002, 0.4, 6.0])
def test_counts_are_poisson_quantiles_and_grow_with_the_mean(mean: float) -> None:
    u = uniforms(500)
    expected = stats.poisson.ppf(u.astype(np.float64), mean) if mean > 0.0 else np.zeros(u.size)
    np.testing.assert_array_equal(counts(mean, u), expected)
    assert (counts(1.3 * mean, u) >= counts(mean, u)).all()


@many_cells
def test_counts_are_drawn_as_often_as_they_should_be() -> None:
    # 2 million cells at mean 0.4: chi-square at the 1e-5 level.
    found = np.bincount(np.minimum(counts(0.4, uniforms(2_000_000)), 5), minlength=6)
    share = stats.poisson.pmf(np.arange(5), 0.4)
    assert stats.chisquare(found, 2_000_000 * np.append(share, 1.0 - share.sum())).pvalue > 1e-5


def test_largest_of_n_inverts_its_distribution() -> None:
    for count in (1, 2, 7):
        for u in (1e-6, 0.3, 0.999_999):
            size = particles.largest_pareto_um(count, u, 10.0, 3.0)
            assert (1.0 - (size / 10.0) ** -3.0) ** count == pytest.approx(u, rel=1e-9)


def test_metals_dissolve_where_the_cathode_stands_high_enough() -> None:
    copper, iron = 3.38, 2.60
    assert particles.dissolution_probability(3.8, copper) > 0.99  # NMC
    assert 0.2 < particles.dissolution_probability(3.45, copper) < 0.8  # LFP
    assert particles.dissolution_probability(3.3, copper) < 0.05  # a sodium pyrophosphate
    assert particles.dissolution_probability(3.3, iron) > 0.99


LAW = particles.ShortLaw(
    separator_um=14.0, mechanical_midpoint=1.5, mechanical_width=0.2, on_cathode=0.3, on_anode=0.3, dissolving=0.6,
    bridge_um=20.0, delay_median_d=3.0, delay_log_sd=math.log(3.0), burr_contact=0.1, fault_contact=0.7,
    resistance_median_ohm=300.0, resistance_reference_um=30.0, resistance_log_sd=math.log(6.0), fault_um=60.0,
)  # fmt: skip


def shorts(law: particles.ShortLaw, n: int, particle: float = 0.0, burr: float = 0.0, fault: int = 0):  # type: ignore[no-untyped-def]
    siemens, delay = np.empty(n, np.float32), np.empty(n, np.float32)
    particles.soft_shorts(
        law, np.full(n, particle, np.float32), np.zeros(n, np.float32), np.full(n, burr, np.float32),
        np.full(n, fault, np.uint8), KEY, 9, siemens, delay,
    )  # fmt: skip
    return siemens, delay


@pytest.mark.parametrize("size", [15.0, 21.0, 30.0])
def test_particles_pierce_or_dissolve_as_often_as_they_should(size: float) -> None:
    # 6 000 cells with one particle each: z = 4.5 on the counts.
    n = 6000
    siemens, delay = shorts(LAW, n, particle=size)
    pierces = 1.0 / (1.0 + math.exp(-(size / 14.0 - 1.5) / 0.2))
    dissolves = 0.3 * (1.0 - pierces) * 0.6 if size > 20.0 else 0.0
    for found, expected in (((siemens > 0) & (delay == 0), 0.6 * pierces), (delay > 0, dissolves)):
        assert abs(found.mean() - expected) <= 4.5 * math.sqrt(expected * (1.0 - expected) / n)


def test_resistance_and_delay_are_lognormal() -> None:
    siemens, delay = shorts(LAW, 8000, particle=60.0)
    resistance = 1.0 / siemens[siemens > 0.0]
    standard = np.log(resistance / (300.0 * (30.0 / 60.0) ** 2)) / math.log(6.0)
    assert stats.kstest(standard, "norm").pvalue > 1e-5
    _, delay = shorts(LAW._replace(mechanical_midpoint=1e3), 8000, particle=60.0)
    assert stats.kstest(np.log(delay[delay > 0.0] / 3.0) / math.log(3.0), "norm").pvalue > 1e-5


def test_sound_cells_have_no_shorts() -> None:
    siemens, delay = shorts(LAW, 500, burr=0.69 * 14.0)
    assert not siemens.any()
    assert not delay.any()


def test_burrs_and_separator_faults_touch_as_often_as_they_should() -> None:
    # 6 000 cells each: z = 4.5.
    for case, expected in (({"burr": 28.0}, 0.1), ({"burr": 14.0}, 0.05), ({"fault": 1}, 0.7)):
        siemens, _ = shorts(LAW, 6000, **case)
        assert abs((siemens > 0.0).mean() - expected) < 4.5 * math.sqrt(expected * (1.0 - expected) / 6000)


def test_poisson_count_is_the_quantile() -> None:
    for u in (0.1, 0.6, 0.99, 0.99999):
        assert particles.poisson_count(1.3, u) == stats.poisson.ppf(u, 1.3)
    assert particles.poisson_count(0.0, math.nextafter(1.0, 0.0)) == 0
