from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from cellfab.kernels import film
from cellfab.kernels.random import uniform
from cellfab.kernels.wet_web import batch_factors

KEY = np.uint64(7)


def test_break_rate_is_the_weakest_link_of_a_length():
    # 30 N/m on 90 um of 1 MPa with m = 3 and one break per km at full stress: 0.037 per km.
    rate = film.break_rate_per_m(30.0, np.array([1.0, 0.5]), 90.0, 1000.0, 3.0)
    assert rate == pytest.approx([(1 / 3) ** 3 / 1000.0, 8 * (1 / 3) ** 3 / 1000.0])


def test_breaks_form_a_poisson_process_of_the_given_rate():
    # 4 000 webs of 2 km at 1 per km and 1 km at 3 per km: mean 5 breaks, z-limit 4 (s.d. of the mean 0.035, 0.7 %).
    charge, rate = np.repeat([0, 1], [200, 100]).astype(np.int32), np.array([1e-3, 3e-3])
    webs = [film.breaks_m(KEY, web, charge, 10.0, rate) for web in range(4000)]
    number = np.array([web.size for web in webs])
    assert number.mean() == pytest.approx(5.0, abs=4 * math.sqrt(5 / 4000))
    assert number.var() == pytest.approx(5.0, rel=4 * math.sqrt((2 + 1 / 5) / 4000))
    early = sum(int((web < 2000.0).sum()) for web in webs) / number.sum()
    assert early == pytest.approx(0.4, abs=4 * math.sqrt(0.24 / 20_000))
    assert all(np.all(np.diff(web) > 0) for web in webs)


def test_breaks_are_where_the_hazard_says():
    # Two stretches of 100 m and one that is nobody's; about 30 breaks, more than there is room for at first.
    charge, rate = np.repeat([0, 2], 40).astype(np.int32), np.array([0.1, 5.0, 0.2])
    hazard = np.cumsum([-math.log(uniform(KEY, 6, k)) for k in range(90)])
    hazard = hazard[hazard < 30.0]
    expected = np.where(hazard < 10.0, hazard / 0.1, 100.0 + (hazard - 10.0) / 0.2)
    found = film.breaks_m(KEY, 6, charge, 2.5, rate)
    assert found == pytest.approx(expected)
    assert found.size > 16


def test_a_weak_film_has_more_holes_and_some_charges_have_more_flaws():
    factors, rates = np.empty((2, 3)), np.empty((2, 3))
    batch_factors(KEY, 6, 1.5, factors[0])
    batch_factors(np.uint64(8), 6, 1.5, factors[1])
    strength = np.array([1.0, 0.5, 2.0], np.float32)
    film.flaw_rates(KEY, np.uint64(8), 6, 1.5, strength, 1.0, 0.3, 0.01, rates[0], rates[1])
    assert rates == pytest.approx(factors * [[0.3, 0.6, 0.15], [0.01] * 3])


def test_no_film_no_breaks():
    assert film.breaks_m(KEY, 6, np.empty(0, np.int32), 2.5, np.empty(0)).size == 0
    assert film.breaks_m(KEY, 6, np.zeros(9, np.int32), 2.5, np.zeros(1)).size == 0


@pytest.mark.parametrize(("spread", "count"), [(0.1, 1.0), (0.1, 4488.0), (0.4, 30.0)])
def test_share_of_weak_segments_is_the_order_statistic(spread, count):
    for limit in (3.0, 10.0, 14.0, 19.0, 23.0):
        below = 0.5 * math.erfc(-math.log(limit / 20.0) / spread / math.sqrt(2.0))
        expected = -math.expm1(count * math.log1p(-below))
        found = -math.expm1(-film.weak_patches(limit, 20.0, spread, count))
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_weak_patches_at_the_ends():
    assert film.weak_patches(0.0, 20.0, 0.1, 9.0) == 0.0
    assert film.weak_patches(5.0, 0.0, 0.1, 9.0) == math.inf
    assert [film.weak_patches(limit, 20.0, 0.0, 9.0) for limit in (19.0, 21.0)] == [0.0, math.inf]


def _peel(limit, patches=400.0):
    median, spread, weak = np.empty((3, 2))
    film.peel_of_charges(
        np.array([0.9, 0.5], np.float32), np.array([0.02, 0.022], np.float32), 0.02, np.array([0.02, 0.1], np.float32),
        20.0, 0.12**2, 1.2, limit, patches, median, spread, weak,
    )  # fmt: skip
    return median, spread, weak


def test_peel_of_charges():
    median, spread, weak = _peel(9.0)
    variance = 0.12**2 + np.log1p((1.2 * np.array([0.02, 0.1])) ** 2)
    assert spread == pytest.approx(np.sqrt(variance), rel=1e-6)
    mean = 20.0 * np.array([0.9, 0.5 * 1.1**1.2])
    assert median == pytest.approx(mean * np.exp(-variance / 2), rel=1e-6)
    expected = [film.weak_patches(9.0, *pair, 400.0) for pair in zip(median, spread, strict=True)]
    assert weak == pytest.approx(expected)


def test_weakest_peel_has_the_order_statistic_and_keeps_to_what_is_known():
    # Weak segments drawn with their probability: together the quantiles of the weakest of 400 patches. 40 000 segments
    # of each charge, z-limit 4.
    limit, n, rng, normal = 9.0, 40_000, np.random.default_rng(5), NormalDist()
    median, spread, weak = _peel(limit)
    is_weak = (rng.random(2 * n).reshape(n, 2) < -np.expm1(-weak)).astype(np.uint8)
    out = np.empty(2 * n, np.float32)
    u = rng.random(2 * n, np.float32)
    film.weakest_peel(is_weak.ravel(), u, np.array([0, 1], np.int32), median, spread, weak, 400.0, out)
    assert np.array_equal(out < limit, is_weak.ravel() == 1)
    for charge in (0, 1):
        peel = np.sort(out[charge::2])
        for share in (0.05, 0.5, 0.95):
            z = normal.inv_cdf(-math.expm1(math.log1p(-share) / 400.0))
            rank = np.searchsorted(peel, median[charge] * math.exp(spread[charge] * z)) / n
            assert rank == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / n))
