"""Each law against its closed form or an independent integration."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.ramp import laws


def test_exponential_yield_reaches_published_points():
    # y0 0.35, y_inf 0.95, tau 9 months: 0.792 after 12 and 0.908 after 24 months.
    for months, expected in ((12.0, 0.792), (24.0, 0.908)):
        reached = 0.35 + (0.95 - 0.35) * laws.maturity(months, 9.0)
        assert reached == pytest.approx(expected, abs=5e-4)


@given(st.floats(0.0, 0.999), st.floats(0.1, 50.0))
def test_experience_is_the_inverse_of_maturity(reached, tau):
    assert laws.maturity(laws.experience_for(reached, tau), tau) == pytest.approx(reached, abs=1e-12)


@given(st.floats(0.0, 100.0), st.floats(0.0, 1.0))
def test_carrying_over_scales_what_was_reached(progress, carried):
    after = laws.carried_progress(progress, carried)
    assert -math.expm1(-after) == pytest.approx(carried * -math.expm1(-progress), abs=1e-12)
    assert after <= progress * (1.0 + 1e-12)


def test_rate_release():
    assert laws.released_rate(0.0, 0.5, 1.0, 9.0) == 0.5
    assert laws.released_rate(9.0 * math.log(5.0), 0.5, 1.0, 9.0) == pytest.approx(0.9)


def test_duane_instantaneous_over_cumulative_mtbf():
    # A power-law process with MTBF_inst = c T^alpha has MTBF_cum = T / E[N(T)] = (1 - alpha) MTBF_inst.
    alpha, mature_h, mature_mtbf = 0.35, 10_000.0, 30.0
    for clock in (100.0, 1_000.0, 9_999.0):
        failures = laws.expected_failures(0.0, clock, mature_mtbf, alpha, mature_h)
        instantaneous = mature_mtbf * laws.duane_factor(clock, alpha, mature_h)
        assert laws.instantaneous_mtbf(clock / failures, alpha) == pytest.approx(instantaneous, rel=1e-12)


def test_expected_failures_integrate_the_failure_rate():
    # Midpoint rule over growth and maturity, 200 000 slices: error below 1e-6.
    alpha, mature_h, mature_mtbf, start, end = 0.4, 5_000.0, 24.0, 300.0, 9_000.0
    slices = 200_000
    width = (end - start) / slices
    integral = math.fsum(
        width / (mature_mtbf * laws.duane_factor(start + (k + 0.5) * width, alpha, mature_h)) for k in range(slices)
    )
    assert laws.expected_failures(start, end, mature_mtbf, alpha, mature_h) == pytest.approx(integral, rel=1e-6)


@pytest.mark.parametrize("factor", [0.1, 0.25, 1.0])
def test_duane_clock_is_the_inverse_of_the_factor(factor):
    clock = laws.duane_clock_for(factor, 0.35, 10_000.0)
    assert laws.duane_factor(clock, 0.35, 10_000.0) == pytest.approx(factor)


def test_no_growth():
    assert laws.duane_factor(0.0, 0.0, 100.0) == 1.0
    assert laws.duane_clock_for(0.25, 0.0, 100.0) == 0.0
    assert laws.expected_failures(0.0, 1000.0, 10.0, 0.0, 100.0) == pytest.approx(100.0)


def test_repairs_get_faster():
    assert laws.repair_factor(0.0, 1.5, 6.0) == 1.5
    assert laws.repair_factor(6.0, 1.5, 6.0) == pytest.approx(1.0 + 0.5 / math.e)


def test_wright_saves_a_share_with_every_doubling():
    assert laws.wright(1.0, 0.15) == 1.0
    for units in (1.0, 7.0, 1000.0):
        assert laws.wright(2.0 * units, 0.15) == pytest.approx(0.85 * laws.wright(units, 0.15))
    # 20 % per doubling: b = 0.3219; a thousandfold is 0.8 ** log2(1000) = 0.1082.
    assert laws.wright(1000.0, 0.20) == pytest.approx(0.1082, abs=5e-5)


@given(st.floats(1.0, 1e9), st.floats(0.0, 1.0), st.floats(0.0, 0.9))
def test_de_jong_is_wright_with_a_floor(units, paced, rate):
    reached = laws.de_jong(units, paced, rate)
    assert paced - 1e-12 <= reached <= 1.0 + 1e-12
    assert reached == pytest.approx(paced + (1.0 - paced) * laws.wright(units, rate))


def test_people_fall_to_the_mature_number():
    # M = 0.7, 15 %: at 500 times the first output 0.7 + 0.3 * 500 ** -0.23447 = 0.76987.
    assert laws.labour_factor(0.0, 1e5, 5e7, 0.7, 0.15) == pytest.approx(1.0 / 0.76987, rel=1e-5)
    assert laws.labour_factor(5e7, 1e5, 5e7, 0.7, 0.15) == 1.0
    assert laws.labour_factor(1e9, 1e5, 5e7, 0.7, 0.15) == 1.0
    assert laws.labour_factor(1e6, 1e5, 5e7, 1.0, 0.15) == 1.0
