"""Labour that is not paid while a line stands still: shares by week against hand-made calendars."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from cellfab.config.line_spec import StationEconomics
from cellfab.config.project_spec import People
from cellfab.economics.layoff import absent_shares, with_absent
from cellfab.units import TICKS_PER_WEEK as WEEK


def test_whole_weeks():
    """Empty after week 10, back four weeks before a restart in week 20: weeks 10 to 15 without them."""
    people = People(laid_off_share=0.6, recall_lead_weeks=4)
    assert absent_shares(people, 10 * WEEK, 20 * WEEK) == dict.fromkeys(range(10, 16), 0.6)


def test_parts_of_weeks_count_as_such():
    """They go in the middle of week 2 and are back a quarter into week 4."""
    people = People(laid_off_share=0.8, recall_lead_weeks=5.75)
    shares = absent_shares(people, round(2.5 * WEEK), 10 * WEEK)
    assert shares == {2: pytest.approx(0.4), 3: pytest.approx(0.8), 4: pytest.approx(0.2)}


@pytest.mark.parametrize("drained", [3.0, 3.3, 3.999, 4.0])
@pytest.mark.parametrize("restart", [9.0, 9.7, 30.25])
def test_the_sum_is_the_time_away(drained, restart):
    people = People(laid_off_share=0.5, recall_lead_weeks=2)
    shares = absent_shares(people, round(drained * WEEK), round(restart * WEEK))
    assert math.fsum(shares.values()) == pytest.approx(0.5 * (restart - 2 - drained), abs=1e-9)


def test_nobody_leaves_if_the_recall_would_come_first():
    assert absent_shares(People(laid_off_share=1.0, recall_lead_weeks=8), 5 * WEEK, 12 * WEEK) == {}
    assert absent_shares(People(laid_off_share=0.0), 5 * WEEK, 50 * WEEK) == {}


def test_a_promised_date_does_not_move_with_the_restart():
    people = People(laid_off_share=0.5, recall_week=9)
    for restart in (20, 40):
        assert absent_shares(people, 5 * WEEK, restart * WEEK) == dict.fromkeys(range(5, 9), 0.5)
    # Who is promised a later date than the restart is needed at the restart.
    assert absent_shares(people, 5 * WEEK, 7 * WEEK) == dict.fromkeys(range(5, 7), 0.5)


def test_what_is_lost_is_a_product():
    people = People(laid_off_share=0.54, not_returning_share=0.4, knowledge_share=0.5)
    assert people.lost_share == pytest.approx(0.108)
    assert People(laid_off_share=0.0).lost_share == 0.0


def test_absent_people_cost_nothing_and_machines_what_they_did():
    station = StationEconomics.model_validate({"capex_musd": 3.0, "operators": 4.0, "power_kw": 20.0})
    fewer = with_absent(station, 0.25)
    assert fewer.operators == 3.0
    assert fewer.model_copy(update={"operators": 4.0}) == station


@pytest.mark.parametrize("change", [{"laid_off_share": 1.1}, {"recall_week": -1}, {"not_returning_share": -0.1}])
def test_refusals(change):
    with pytest.raises(ValidationError):
        People.model_validate({"laid_off_share": 0.5} | change)
