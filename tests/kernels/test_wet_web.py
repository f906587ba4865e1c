from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from cellfab.kernels.random import stream_key
from cellfab.kernels.wet_web import batch_factors, interrupt_web, settle_along

many = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many draws for interpreted kernels")
KEY, OTHER = stream_key(1, 0, "a"), stream_key(1, 0, "b")
START, BREAK, STOP = 11, 12, 13


def _interrupt(entity=1, pitch=3.0, start=0.0, breaks=0.0, break_m=0.0, stops=0.0, stop_m=0.0, positions=1000):
    code = np.empty(positions, np.int16)
    found = interrupt_web(entity, pitch, start, START, KEY, breaks, break_m, BREAK, OTHER, stops, stop_m, STOP, code)
    return found, code


@many
@pytest.mark.parametrize("shape", [0.5, 1.0, 1.5, 8.0])
def test_batch_factors_are_gamma_of_mean_one(shape):
    # 200 000 factors: mean 1, variance 1 / shape, third central moment 2 / shape^2; limits are 4 standard errors of a
    # Gamma's moments (fourth central moment 3 / shape^2 + 6 / shape^3), 4 times as wide for the third.
    n = 200_000
    out = np.empty(n)
    batch_factors(KEY, 5, shape, out)
    variance = 1.0 / shape
    assert out.min() > 0.0
    assert out.mean() == pytest.approx(1.0, abs=4 * math.sqrt(variance / n))
    spread = math.sqrt((2.0 / shape**2 + 6.0 / shape**3) / n)
    assert out.var() == pytest.approx(variance, abs=4 * spread)
    assert np.mean((out - 1.0) ** 3) == pytest.approx(2.0 / shape**2, rel=0.15)
    # Below the mean lies more than half, by the skewness; the exponential has exactly 1 - 1/e there.
    if shape == 1.0:
        assert np.mean(out < 1.0) == pytest.approx(1.0 - math.exp(-1.0), abs=4 * 0.5 / math.sqrt(n))


@many
def test_counts_over_batches_are_negative_binomial():
    # Poisson numbers of mean 2 x factor: P(0) = (1 + mean / shape)^-shape; variance mean + mean^2 / shape. 100 000 of
    # them, z-limit 4.
    n, mean, shape = 100_000, 2.0, 1.5
    factor = np.empty(n)
    batch_factors(KEY, 6, shape, factor)
    count = np.random.default_rng(1).poisson(mean * factor)
    none = (1.0 + mean / shape) ** -shape
    assert np.mean(count == 0) == pytest.approx(none, abs=4 * math.sqrt(none * (1.0 - none) / n))
    assert count.mean() == pytest.approx(mean, abs=4 * math.sqrt((mean + mean**2 / shape) / n))
    assert count.var() == pytest.approx(mean + mean**2 / shape, rel=0.03)


def test_batches_keep_their_factors_whatever_their_number():
    few, more = np.empty(3), np.empty(7)
    batch_factors(KEY, 7, 1.5, few)
    batch_factors(KEY, 7, 1.5, more)
    assert np.array_equal(few, more[:3])
    alike = np.empty(4)
    batch_factors(KEY, 7, 1e9, alike)
    assert alike == pytest.approx(np.ones(4), abs=5e-4)


def test_the_start_takes_whole_positions():
    (breaks, started, broken, stopped), code = _interrupt(start=10.0)
    assert (breaks, started, broken, stopped) == (0, 4, 0, 0)
    assert np.flatnonzero(code).tolist() == [0, 1, 2, 3]
    (_, started, _, _), code = _interrupt(start=1e6, positions=5)
    assert started == 5 and (code == START).all()
    (_, started, _, _), code = _interrupt()
    assert started == 0 and not code.any()


@many
def test_breaks_and_stops_are_poisson_in_length():
    # 2000 rolls of 3 km: 6000 breaks of 10 m, 3000 stops of 5 m; z-limit 4. A spoilt stretch that begins anywhere in a
    # position touches length / pitch + 1 of them, less what overlaps or leaves the end.
    breaks = broken = stopped = 0
    for entity in range(2000):
        (number, _, first, second), code = _interrupt(entity, breaks=1e-3, break_m=9.0, stops=5e-4, stop_m=6.0)
        breaks, broken, stopped = breaks + number, broken + first, stopped + second
        assert np.count_nonzero(code == BREAK) == first and np.count_nonzero(code == STOP) == second
    assert breaks == pytest.approx(6000, abs=4 * math.sqrt(6000))
    assert broken == pytest.approx(4.0 * breaks, rel=0.01)
    assert stopped == pytest.approx(3.0 * 3000, abs=3.0 * 4 * math.sqrt(3000))


def test_more_breaks_never_spoil_less_web():
    for entity in range(50):
        lost = [np.count_nonzero(_interrupt(entity, breaks=rate, break_m=30.0)[1]) for rate in (0.0, 1e-4, 1e-3, 1e-2)]
        assert lost[0] == 0
        numbers = [_interrupt(entity, breaks=rate, break_m=30.0)[0][0] for rate in (1e-4, 1e-3, 1e-2)]
        assert numbers == sorted(numbers)


def test_settling_drifts_over_each_batch_and_averages_out():
    charge = np.repeat(np.array([0, 2, 3], np.int32), (4, 1, 5))
    along = np.zeros(10, np.float32)
    settle_along(charge, 0.1, along)
    assert along == pytest.approx([0.0375, 0.0125, -0.0125, -0.0375, 0.0, 0.04, 0.02, 0.0, -0.02, -0.04], abs=1e-7)
    settle_along(np.empty(0, np.int32), 0.1, np.empty(0, np.float32))
