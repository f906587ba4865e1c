"""The life of one line in a fleet: its dates against the plan, its growth against the laws of the ramp."""

from __future__ import annotations

import pytest

from cellfab.fleet.course import IDLE, Dates, LineCourse, line_dates
from cellfab.fleet.response import measure
from cellfab.planning import plan_project
from cellfab.ramp.chances import chances
from cellfab.ramp.conversion import Project
from cellfab.ramp.laws import experience_after, maturity
from cellfab.ramp.project import RELEASE
from cellfab.scenario import load_scenario
from cellfab.units import TICKS_PER_WEEK

WEEK = TICKS_PER_WEEK


@pytest.fixture(scope="module")
def response():
    return measure(load_scenario("ess_lfp_prismatic"), lots=2)


@pytest.fixture(scope="module")
def converted():
    return load_scenario("glendale")


def test_without_slips_the_dates_are_those_of_the_plan(converted):
    still = load_scenario("glendale", ["conversion.slips_happen=false"])
    (dates,) = line_dates(still, 1, 0)
    plan = plan_project(still)
    assert dates.release == plan.timeline.dates[RELEASE].finish
    assert dates.restart == plan.plans[""].restart
    assert dates.stop == plan.plans[""].stop
    assert dates.release < line_dates(converted, 1, 0)[0].release


def test_case_by_case_the_dates_are_those_of_the_plans_probabilities(converted):
    found = chances(Project(converted.spec.conversion, converted.spec.line.stations), 5, 6)
    assert [line_dates(converted, 5, case)[0].release for case in range(6)] == found.finishes[RELEASE].tolist()


def test_lines_converted_one_by_one_have_dates_each():
    first, second = line_dates(load_scenario("kokomo"), 1, 0)
    assert first.stop < second.stop
    assert first.release < second.release


def test_a_mature_line_makes_its_rated_output(response):
    line = LineCourse(response, None, None, Dates(0, 0, 0, 0))
    lead = round(response.work_weeks * WEEK)
    assert line.first_sale == line.first_cell == lead
    assert line.potential(0) == IDLE
    assert line.potential(1) == IDLE
    part = line.potential(2)
    assert part.kwh == pytest.approx(line.potential(3).kwh * (3 * WEEK - lead) / WEEK)
    year = sum(line.potential(week).kwh for week in range(10, 20)) / 10.0 * 365.25 / 7.0 / 1e6
    assert year == pytest.approx(response.gwh_per_year, rel=1e-3)
    twice = LineCourse(response, None, None, Dates(0, 0, 0, 0), begins=-5 * WEEK, scale=2.0)
    assert twice.potential(-2).kwh == pytest.approx(2.0 * line.potential(3).kwh)


def test_what_is_begun_before_the_release_is_never_sold(response):
    line = LineCourse(response, None, None, Dates(0, 2 * WEEK, 10 * WEEK, 14 * WEEK))
    lead = round(response.work_weeks * WEEK)
    made = [line.potential(week) for week in range(30)]
    assert sum(one.kwh > 0.0 for one in made) == 18  # from week 12 on
    assert line.first_sale == 14 * WEEK + lead
    unsold = sum(one.kwh - one.sellable_kwh for one in made)
    assert unsold == pytest.approx(4.0 * made[-1].kwh)


def test_stations_learn_as_the_exponential_says(response):
    """All of a line's stations with one time constant: its maturity lies between those of unused and of busy ones."""
    ramp = load_scenario("ess_lfp_prismatic").spec.ramp
    line = LineCourse(response, ramp, None, Dates(0, 0, 0, 0))
    found = []
    for week in range(60):
        found.append(line.potential(week))
        line.work(week, 1.0)
    law = ramp.default.learning
    months = (59 * WEEK - line.first_cell) / WEEK * 7.0 * 24.0 / 730.5
    low, high = (
        maturity(experience_after(months, used, law.calendar_weight, law.utilisation_weight), law.time_constant_months)
        for used in (0.5, 1.0)
    )
    assert low < found[59].maturity < high
    assert found[59].kwh > 2.0 * found[3].kwh


def test_an_idle_line_does_not_learn_and_then_forgets(response):
    ramp = load_scenario("ess_lfp_prismatic").spec.ramp
    worked, idle = (LineCourse(response, ramp, None, Dates(0, 0, 0, 0)) for _ in range(2))
    for week in range(60):
        worked.potential(week)
        idle.potential(week)
        worked.work(week, 1.0)
        idle.work(week, 1.0 if week < 30 else 0.0)
    before, after = worked.potential(60), idle.potential(60)
    assert after.maturity < before.maturity
    half = LineCourse(response, ramp, None, Dates(0, 0, 0, 0))
    for week in range(30):
        half.potential(week)
        half.work(week, 1.0)
    assert after.maturity < half.potential(30).maturity


def test_fixed_cost_begins_with_the_stop_and_capital_with_the_restart(response):
    line = LineCourse(response, None, None, Dates(3 * WEEK, 4 * WEEK, 10 * WEEK, 12 * WEEK), scale=0.5)
    weekly = response.weekly
    assert line.fixed_usd(2, 7.0) == (0.0, 0.0)
    assert line.fixed_usd(3, 7.0) == pytest.approx((0.5 * weekly.whole, 0.5 * weekly.capital))
    more = 7.0 * weekly.per_added_musd
    assert line.fixed_usd(10, 7.0)[0] == pytest.approx(0.5 * weekly.whole + more)


def test_people_laid_off_cost_nothing_until_they_are_recalled(response, converted):
    conversion = converted.spec.conversion
    (dates,) = line_dates(converted, 1, 0)
    line = LineCourse(response, converted.spec.ramp, conversion, dates, begins=20 * WEEK)
    whole, operators = response.weekly.whole, response.weekly.operators
    assert conversion.people.laid_off_share == 1.0
    assert line.fixed_usd(30, 0.0)[0] == pytest.approx(whole - operators)
    restart = dates.restart // WEEK + 20
    assert line.fixed_usd(restart - 2, 0.0)[0] == pytest.approx(whole)
