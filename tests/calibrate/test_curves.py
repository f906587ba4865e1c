"""The vectorised ramp laws against the scalar ones that the simulation uses, and against their own definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.calibrate.curves import PARAMETERS, WEEKS_PER_MONTH, lines_at, output_at, produced_at, yield_at
from cellfab.ramp import laws

PLANT = {
    "time_constant_months": 9.0, "maturity_at_start": 0.1, "calendar_weight": 0.5, "utilisation_weight": 0.5,
    "rate_start": 0.5, "rate_mature": 1.0, "rate_time_constant_months": 8.0, "reliability_start": 0.3,
    "growth_exponent": 0.35, "mature_after_h": 10_000.0, "repair_start": 1.5, "repair_time_constant_months": 6.0,
    "utilisation_share": 0.8, "delay_months": 2.0, "yield_start": 0.35, "yield_mature": 0.93, "attained_share": 0.9,
    "copy_loss_share": 0.25, "availability_share": 0.8, "spacing_months": 4.0,
}  # fmt: skip
MONTHS = np.array([0.0, 2.0, 5.0, 14.0, 40.0])


def own_experience(months: float) -> float:
    return laws.experience_after(months, 0.8, 0.5, 0.5, laws.experience_for(0.1, 9.0))


def own_yield(experience: float) -> float:
    return 0.93 - (0.93 - 0.35) * (1.0 - laws.maturity(experience, 9.0))


def availability(months: float, inherited: float = 0.0) -> float:
    clock = laws.duane_clock_for(0.3, 0.35, 10_000.0) + 0.8 * laws.HOURS_PER_MONTH * (months + inherited)
    down = (1.0 / 0.8 - 1.0) * laws.repair_factor(months + inherited, 1.5, 6.0) / laws.duane_factor(clock, 0.35, 1e4)
    return 1.0 / (1.0 + down) / 0.8


def test_every_parameter_is_needed() -> None:
    assert set(PLANT) == set(PARAMETERS)


def test_yield_is_that_of_the_scalar_laws() -> None:
    running = [max(0.0, month - 2.0) for month in MONTHS]
    expected = [own_yield(own_experience(months)) for months in running]
    assert yield_at(PLANT, MONTHS)[0] == pytest.approx(expected, rel=1e-12)


def test_output_of_one_part_is_the_product_of_the_scalar_laws() -> None:
    found = output_at(PLANT, MONTHS, [(0.0, np.array([30.0]))])[0]
    for month, value in zip(MONTHS, found, strict=True):
        months = month - 2.0
        expected = 0.0
        if months >= 0.0:
            rate = laws.released_rate(months, 0.5, 1.0, 8.0)
            expected = 30.0 * 0.9 * rate * own_yield(own_experience(months)) / 0.93 * availability(months)
        assert value == pytest.approx(expected, rel=1e-12)


def test_a_later_part_starts_with_what_was_passed_on() -> None:
    """At its start: carried progress of maturity and rate, and the operating hours, less the loss."""
    start = 14.0
    found = output_at(PLANT, np.array([start]), [(0.0, np.array([10.0])), (start, np.array([7.0]))])[0, 0]
    first = output_at(PLANT, np.array([start]), [(0.0, np.array([10.0]))])[0, 0]
    kept, lead = 0.75, start - 2.0
    experience = 9.0 * laws.carried_progress(own_experience(lead) / 9.0, kept)
    released = 8.0 * laws.carried_progress(lead / 8.0, kept)
    expected = laws.released_rate(released, 0.5, 1.0, 8.0) * own_yield(experience) / 0.93
    assert found - first == pytest.approx(7.0 * 0.9 * expected * availability(0.0, kept * lead), rel=1e-9)


def test_a_mature_plant_makes_the_attained_share_of_its_nameplate() -> None:
    late = output_at(PLANT, np.array([600.0]), [(0.0, np.array([12.0])), (30.0, np.array([8.0]))])[0, 0]
    assert late == pytest.approx(0.9 * 20.0, rel=1e-9)


def test_the_sum_is_the_integral_of_the_rate() -> None:
    """A part that starts within a week, 0.6 of its nameplate at most, is off by half of that week's output."""
    ends = np.array([6.0, 12.5, 30.0])
    found = produced_at(PLANT, ends, [(0.0, np.array([1.0])), (9.0, np.array([1.0]))])[0]
    for end, value in zip(ends, found, strict=True):
        fine = np.linspace(0.0, end, 40_001)
        rates = output_at(PLANT, fine, [(0.0, np.array([1.0])), (9.0, np.array([1.0]))])[0]
        assert value == pytest.approx(float(np.trapezoid(rates, fine)) * WEEKS_PER_MONTH, rel=1e-3, abs=0.3)


def test_lines_start_one_by_one() -> None:
    assert lines_at(PLANT, np.array([1.0, 2.0, 6.0, 14.0]))[0].tolist() == [0.0, 1.0, 2.0, 4.0]


def test_many_sets_of_parameters_are_many_plants() -> None:
    taus = np.array([6.0, 9.0, 15.0])
    found = yield_at({**PLANT, "time_constant_months": taus}, MONTHS)
    assert found.shape == (3, 5)
    for row, tau in zip(found, taus, strict=True):
        assert row.tolist() == yield_at({**PLANT, "time_constant_months": float(tau)}, MONTHS)[0].tolist()
    assert math.isclose(found[1, 2], yield_at(PLANT, MONTHS)[0, 2])
