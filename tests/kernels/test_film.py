from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from cellfab.kernels import film
from cellfab.kernels.random import normal_quantile


def test_break_rate_is_the_weakest_link_of_a_length():
    # 30 N/m on 90 um of 1 MPa with m = 3 and one break per km at full stress: 0.037 per km.
    rate = film.break_rate_per_m(30.0, np.array([1.0, 0.5]), 90.0, 1000.0, 3.0)
    assert rate == pytest.approx([(1 / 3) ** 3 / 1000.0, 8 * (1 / 3) ** 3 / 1000.0])


def test_breaks_form_a_poisson_process_of_the_given_rate():
    # 4 000 webs of 2 km at 1 per km and 1 km at 3 per km: mean 5 breaks, z-limit 4 (s.d. of the mean 0.035, 0.7 %).
    rng = np.random.default_rng(2)
    length, rate = np.array([2000.0, 1000.0]), np.array([1e-3, 3e-3])
    webs = [np.array(film.breaks_m(length, rate, iter(rng.exponential(size=60)))) for _ in range(4000)]
    number = np.array([web.size for web in webs])
    assert number.mean() == pytest.approx(5.0, abs=4 * math.sqrt(5 / 4000))
    assert number.var() == pytest.approx(5.0, rel=4 * math.sqrt((2 + 1 / 5) / 4000))
    early = sum(int((web < 2000.0).sum()) for web in webs) / number.sum()
    assert early == pytest.approx(0.4, abs=4 * math.sqrt(0.24 / 20_000))
    assert all(np.all(np.diff(web) > 0) for web in webs)


def test_breaks_are_where_the_hazard_says():
    found = film.breaks_m(np.array([100.0, 100.0]), np.array([0.01, 0.02]), iter([0.5, 1.0, 99.0]))
    assert found == pytest.approx([50.0, 125.0], rel=1e-5)


def test_no_film_no_breaks():
    assert film.breaks_m(np.empty(0), np.empty(0), iter([0.5])) == []


def _slow_pinholes(uniform_count, uniform_size, mean, median, spread):
    count = np.zeros(uniform_count.shape)
    largest = np.zeros(uniform_count.shape)
    for i, j in np.ndindex(uniform_count.shape):
        n = 0
        while uniform_count[i, j] > math.fsum(
            mean[j] ** k * math.exp(-mean[j]) / math.factorial(k) for k in range(n + 1)
        ):
            n += 1
        count[i, j] = n
        if n:
            largest[i, j] = median * math.exp(spread * NormalDist().inv_cdf(float(uniform_size[i, j]) ** (1 / n)))
    return count, largest


def _kernel_pinholes(uniform_count, uniform_size, mean, median, spread):
    count, largest = np.zeros(uniform_count.shape), np.zeros(uniform_count.shape)
    for i, j in np.ndindex(uniform_count.shape):
        count[i, j] = n = film.hole_count(float(uniform_count[i, j]), float(mean[j]))
        if n:
            z = normal_quantile(float(uniform_size[i, j]))
            largest[i, j] = median * math.exp(spread * film.largest_of_holes(z, n))
    return count, largest


def _pinholes(shape, mean, seed):
    rng = np.random.default_rng(seed)
    draws = [rng.random(shape, np.float32) for _ in range(2)]
    return draws, *_kernel_pinholes(*draws, mean.astype(np.float32), 0.3, 0.6)


def test_pinholes_equal_slow_twin():
    mean = np.linspace(0.01, 4.0, 40)
    draws, count, largest = _pinholes((5, 40), mean, 1)
    slow_count, slow_largest = _slow_pinholes(*draws, mean.astype(np.float32).astype(float), 0.3, 0.6)
    assert count == pytest.approx(slow_count)
    assert largest == pytest.approx(slow_largest, rel=1e-5)


def test_pinhole_free_yield_is_exponential_in_area():
    # Poisson: exp(-lambda A). 400 000 segments, z-limit 4 (s.d. 0.05 to 0.08 % of the share).
    for mean in (0.0225, 0.225, 1.0):
        _, count, _ = _pinholes((20, 20_000), np.full(20_000, mean), 9)
        share = math.exp(-mean)
        assert (count == 0).mean() == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 400_000))
        assert count.mean() == pytest.approx(mean, abs=4 * math.sqrt(mean / 400_000))


def test_share_marked_follows_the_probability_of_detection():
    # One hole of lognormal size read with a lognormal error: POD averaged over sizes is
    # Phi(ln(median / limit) / sqrt(spread^2 + error^2)). 400 000 segments, z-limit 4.
    rng = np.random.default_rng(4)
    _, count, largest = _pinholes((20, 20_000), np.full(20_000, 0.02), 5)
    read = largest * np.exp(0.5 * rng.standard_normal(largest.shape))
    expected = NormalDist().cdf(math.log(0.3 / 0.5) / math.hypot(0.6, 0.5))
    one = count == 1
    assert (read[one] > 0.5).mean() == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / one.sum()))


def test_never_too_few_uniforms_for_the_breaks():
    # A Poisson number exceeds its mean by twelve standard deviations plus 16 less often than 1e-12.
    for expected in (0.0, 0.1, 3.0, 400.0):
        assert film.breaks_at_most(expected) >= expected + 12 * math.sqrt(expected) + 16


@pytest.mark.parametrize(("spread", "count"), [(0.1, 1.0), (0.1, 4488.0), (0.4, 30.0)])
def test_share_of_weak_segments_is_the_order_statistic(spread, count):
    for limit in (3.0, 10.0, 14.0, 19.0, 23.0):
        below = 0.5 * math.erfc(-math.log(limit / 20.0) / spread / math.sqrt(2.0))
        expected = -math.expm1(count * math.log1p(-below))
        assert film.weak_share(limit, 20.0, spread, count) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_weak_share_at_the_ends():
    assert film.weak_share(0.0, 20.0, 0.1, 9.0) == 0.0
    assert film.weak_share(5.0, 0.0, 0.1, 9.0) == 1.0
    assert [film.weak_share(limit, 20.0, 0.0, 9.0) for limit in (19.0, 21.0)] == [0.0, 1.0]


def test_weak_patches_come_at_the_rate_of_the_weak_share():
    for spread, count in ((0.1, 1.0), (0.1, 4488.0), (0.4, 30.0), (0.0, 3.0)):
        for limit in (0.0, 3.0, 7.0, 9.0, 12.0, 40.0):
            rate = film.weak_patches(limit, 10.0, spread, count)
            assert -math.expm1(-rate) == pytest.approx(film.weak_share(limit, 10.0, spread, count), rel=1e-9)


def _peel(limit, patches=400.0):
    median, spread, weak = np.empty((3, 2))
    film.peel_of_charges(
        np.array([0.9, 0.5], np.float32), np.array([1.0, 1.1], np.float32), np.array([0.02, 0.1], np.float32),
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
