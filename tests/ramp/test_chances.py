"""Slips and probabilities of dates against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.config.conversion_spec import Conversion
from cellfab.config.project_spec import Slip
from cellfab.ramp.chances import chances
from cellfab.ramp.conversion import Project
from cellfab.ramp.project import RELEASE
from cellfab.ramp.slips import delays_of_case, mean_weeks, slip_weeks, stream
from cellfab.units import TICKS_PER_WEEK as WEEK

CASES = 4000
"""Of a law with a coefficient of variation below 0.6 the mean is then known to 1 % (1 s.e.); limit 4 s.e."""
SPEC = {"stop_week": 0, "product_from": "ev", "product_to": "ess", "decision_week": 0, "strip_out_weeks": 0}


def project(**change):
    return Project(Conversion.model_validate(SPEC | change), ["wind", "fill"])


def near(values, mean, variance):
    """Within 4 standard errors of a mean whose variance is known."""
    return abs(float(np.mean(values)) - mean) < 4.0 * math.sqrt(variance / len(values))


@pytest.mark.parametrize(
    ("slip", "mean", "variance"),
    [
        ({"likely_weeks": 6, "probability": 0.25}, 1.5, 36 * 0.25 * 0.75),
        ({"low_weeks": 2, "likely_weeks": 3, "high_weeks": 10}, 5.0, (4 + 9 + 100 - 6 - 20 - 30) / 18),
        # PERT: mean (a + 4 m + b) / 6, variance (mean - a) (b - mean) / 7.
        ({"low_weeks": 2, "likely_weeks": 3, "high_weeks": 10, "curve": "pert"}, 4.0, 2.0 * 6.0 / 7.0),
        ({"delay": {"law": "exponential", "mean_s": 604800 * 3}}, 3.0, 9.0),
        ({"delay": {"law": "lognormal", "mean_s": 604800 * 8, "cv": 0.5}}, 8.0, 16.0),
        ({"delay": {"law": "uniform", "low_s": 0, "high_s": 604800 * 6}}, 3.0, 3.0),
        ({"delay": {"law": "weibull", "shape": 2.0, "mean_s": 604800}}, 1.0, 4 / math.pi - 1),
        ({"delay": {"law": "triangular", "low_s": 0, "mode_s": 0, "high_s": 604800 * 6}}, 2.0, 2.0),
        ({"delay": {"law": "empirical", "values_s": [0, 604800 * 4]}}, 2.0, 4.0),
        ({"delay": {"law": "deterministic", "value_s": 604800}, "probability": 0.5}, 0.5, 0.25),
    ],
)
def test_the_mean_of_each_law(slip, mean, variance):
    slip = Slip.model_validate(slip)
    weeks = slip_weeks(slip, stream(1, "t", "s", "happens", 40_000), stream(1, "t", "s", "length", 40_000))
    assert mean_weeks(slip) == pytest.approx(mean)
    assert near(weeks, mean, variance)


def test_quantiles_of_three_numbers_end_where_they_end():
    for curve in ("triangular", "pert"):
        slip = Slip(low_weeks=1, likely_weeks=4, high_weeks=6, curve=curve)
        ends = slip_weeks(slip, np.zeros(3), np.array([0.0, 0.5, 1.0]))
        assert ends[0] == pytest.approx(1.0)
        assert ends[2] == pytest.approx(6.0)
    # The triangle below its mode holds (m - a) / (b - a) = 0.6 of the cases.
    assert slip_weeks(Slip(low_weeks=1, likely_weeks=4, high_weeks=6), np.zeros(1), np.array([0.6]))[0] == 4.0


def test_slips_in_a_row_add_up():
    slips = {"late": {"low_weeks": 0, "likely_weeks": 4, "high_weeks": 8}}
    found = chances(project(order_slips=slips, commissioning_slips=slips), 1, CASES)
    planned = project().timeline().dates[RELEASE].finish
    # Two triangles of mean 4 and variance 64 / 24 on one path; order leads the path because nothing is reused.
    late = (found.finishes[RELEASE] - planned) / WEEK
    stations = {"wind": {"action": "modify"}}
    found = chances(project(order_slips=slips, commissioning_slips=slips, stations=stations), 1, CASES)
    planned = project(stations=stations).timeline().dates[RELEASE].finish
    both = (found.finishes[RELEASE] - planned) / WEEK
    assert near(late, 4.0, 64 / 24)  # the order is not on the path of a line where nothing is ordered
    assert near(both, 8.0, 128 / 24)
    assert found.delays_weeks["order", "late"] == pytest.approx(4.0, abs=4 * math.sqrt(64 / 24 / CASES))


def test_two_deliveries_side_by_side_take_the_later_one():
    late = {"late": {"delay": {"law": "uniform", "low_s": 0, "high_s": 604800 * 12}}}
    station = {"action": "modify", "delivery_weeks": 5, "duration_weeks": 2, "delivery_slips": late}
    plan = {"stations": {"wind": station, "fill": station}}
    found = chances(project(**plan), 1, CASES)
    late_weeks = (found.finishes[RELEASE] - project(**plan).timeline().dates[RELEASE].finish) / WEEK
    # The larger of two uniform numbers on (0, b): mean 2 b / 3, variance b2 / 18; each larger half the time.
    assert near(late_weeks, 8.0, 144 / 18)
    for name in ("delivery.wind", "delivery.fill"):
        assert abs(found.criticality[name] - 0.5) < 4 * math.sqrt(0.25 / CASES)
        # Without this one it is the other alone, mean b / 2: b / 6 earlier on average.
        assert found.delays_weeks[name, "late"] == pytest.approx(2.0, abs=0.2)
    assert found.criticality["commissioning"] == 1.0
    assert found.criticality["stop"] == 0.0


def test_a_discrete_slip_has_two_dates():
    plan = {"requalification_slips": {"repeat": {"likely_weeks": 26, "probability": 0.4}}}
    found = chances(project(**plan), 3, CASES)
    planned = project(**plan).timeline().dates[RELEASE].finish
    assert set(found.finishes[RELEASE].tolist()) == {planned, planned + 26 * WEEK}
    assert abs(found.probability(RELEASE, planned) - 0.6) < 4 * math.sqrt(0.24 / CASES)
    assert found.quantiles(RELEASE, (0.1, 0.5, 0.9)) == (planned, planned, planned + 26 * WEEK)


def test_what_is_added_changes_no_other_luck():
    slips = {"late": {"low_weeks": 0, "likely_weeks": 4, "high_weeks": 8}}
    alone = chances(project(order_slips=slips), 1, 50)
    more = chances(project(order_slips=slips, commissioning_slips=slips), 1, 50)
    assert alone.finishes["order"].tolist() == more.finishes["order"].tolist()
    assert chances(project(order_slips=slips), 2, 50).finishes["order"].tolist() != alone.finishes["order"].tolist()


def test_a_replicate_is_a_case_of_the_plan():
    slips = {"late": {"low_weeks": 0, "likely_weeks": 4, "high_weeks": 8}}
    plan = project(order_slips=slips, commissioning_slips=slips)
    found = chances(plan, 1, 20)
    for case in (0, 7, 19):
        late = delays_of_case(plan.tasks, 1, case)
        one = Project(plan.conversion, plan.stations, late).timeline()
        assert {name: dates.finish for name, dates in one.dates.items()} == {
            name: int(finishes[case]) for name, finishes in found.finishes.items()
        }


@pytest.mark.parametrize(
    ("slip", "message"),
    [
        ({}, "exactly one of likely_weeks and delay"),
        ({"likely_weeks": 3, "low_weeks": 1}, "both low_weeks and high_weeks"),
        ({"likely_weeks": 3, "low_weeks": 4, "high_weeks": 5}, "low_weeks <= likely_weeks"),
        ({"likely_weeks": 3, "probability": 1.5}, "less than or equal to 1"),
        ({"delay": {"law": "exponential", "mean_s": 1}, "low_weeks": 0, "high_weeks": 1}, "not with delay"),
    ],
)
def test_refusals(slip, message):
    with pytest.raises(ValueError, match=message):
        Slip.model_validate(slip)
