"""Speed held until scrap has fallen: week by week."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from cellfab.config.ramp_spec import Ramp, RateRelease, ReleaseWhen, StationRamp
from cellfab.ramp.book import RampBook
from cellfab.ramp.laws import HOURS_PER_MONTH
from cellfab.ramp.release import Release
from cellfab.units import TICKS_PER_S, TICKS_PER_WEEK

HOUR = 3600 * TICKS_PER_S


def released(when, shares, start=0.5, mature=1.0):
    """Speed after each week, for the shares of scrap given."""
    release = Release(RateRelease(start=start, mature=mature), ReleaseWhen.model_validate(when))
    rates = []
    for share in shares:
        release.week(1000.0, 1000.0 * share)
        rates.append(release.rate)
    return rates


def test_speed_is_held_until_scrap_has_halved_over_four_weeks():
    weeks = [0.4] * 6 + [0.2] * 10
    rates = released({"scrap_falls_to_share": 0.5, "over_weeks": 4, "step_share": 0.25}, weeks)
    # The first four weeks are the measure; weeks 7 to 10 are the first four with half of it.
    assert rates == [0.5] * 9 + [0.75] * 4 + [1.0] * 3


def test_speed_goes_up_by_steps_while_scrap_is_below_a_limit():
    rates = released(
        {"scrap_below_share": 0.1, "over_weeks": 2, "step_share": 0.3}, [0.3, 0.05, 0.05, 0.05, 0.2, 0.05, 0.05]
    )
    # Weeks 2 and 3; then two weeks at the new speed are awaited: 0.05 and 0.2 are too much, 0.2 and 0.05 too.
    assert rates == pytest.approx([0.5, 0.5, 0.8, 0.8, 0.8, 0.8, 1.0])


def test_it_never_goes_beyond_the_mature_speed_and_never_back():
    rates = released({"scrap_below_share": 0.5, "over_weeks": 1, "step_share": 0.4}, [0.1] * 3 + [0.9] * 5, mature=0.8)
    assert rates == [0.8] * 8


def test_weeks_without_work_do_not_count():
    release = Release(RateRelease(), ReleaseWhen(scrap_below_share=0.5, over_weeks=2))
    for begun in (100.0, 0.0, 0.0, 100.0):
        release.week(begun, 0.0)
    assert release.rate == pytest.approx(0.6)


def test_the_book_releases_by_policy_where_there_is_one():
    ramp = Ramp.model_validate(
        {"stations": {"coat": {"rate": {"when": {"scrap_below_share": 0.2, "over_weeks": 1, "step_share": 0.2}}}}}
    )
    book = RampBook(ramp, {"coat": 1, "wind": 1})
    assert book.waits_for_scrap
    assert not RampBook(Ramp(default=StationRamp()), {"coat": 1}).waits_for_scrap
    book.advance("coat", TICKS_PER_WEEK, TICKS_PER_WEEK)
    book.advance("wind", TICKS_PER_WEEK, TICKS_PER_WEEK)
    assert book.pace("coat", TICKS_PER_WEEK).rate == 0.5
    assert book.pace("wind", TICKS_PER_WEEK).rate > 0.5
    book.scrap_of_week(100.0, 10.0)
    assert book.pace("coat", TICKS_PER_WEEK).rate == pytest.approx(0.7)
    # Half of the 0.2 released so far survives a conversion with half carried over.
    book.convert("coat", 2 * TICKS_PER_WEEK, 0.5)
    assert book.pace("coat", 2 * TICKS_PER_WEEK).rate == pytest.approx(0.6)


@pytest.mark.parametrize(
    "wrong", [{}, {"scrap_below_share": 0.1, "scrap_falls_to_share": 0.5}, {"scrap_below_share": 1.0}]
)
def test_one_condition_within_its_range(wrong):
    with pytest.raises(ValidationError):
        ReleaseWhen.model_validate(wrong)


BY_CALENDAR = RateRelease(start=0.5, time_constant_months=3.0)
BY_POLICY = RateRelease(start=0.5, when=ReleaseWhen(scrap_below_share=0.1, over_weeks=1))


@pytest.mark.parametrize("kept", [0.0, 0.4, 1.0])
def test_what_has_been_released_by_the_calendar_counts_under_a_policy(kept):
    """Three months of operation with a time constant of three: 1 - 1/e of the way, of which `kept` still counts."""
    laws = Ramp(stations={"one": StationRamp(rate=BY_CALENDAR), "two": StationRamp(rate=BY_POLICY)})
    book = RampBook(laws, {"one": 1, "two": 1}, absent=["two"])
    end = round(3.0 * HOURS_PER_MONTH) * HOUR
    for hour in range(HOUR, end + HOUR, HOUR):
        book.advance("one", hour, HOUR)
    rate = 0.5 + 0.5 * kept * -math.expm1(-1.0)
    book.begin_like("two", "one", end, kept)
    assert book.pace("two", end).rate == pytest.approx(rate, rel=1e-3)
    book.convert("one", end, kept, StationRamp(rate=BY_POLICY))
    assert book.pace("one", end).rate == pytest.approx(rate, rel=1e-3)
    # And under the policy from then on: what it has released is the share that counts at a further copy.
    again = RampBook(laws, {"one": 1, "two": 1}, absent=["two"])
    again.convert("one", 0, 0.0, StationRamp(rate=BY_POLICY))
    again.scrap_of_week(100.0, 1.0)
    again.begin_like("two", "one", HOUR, kept)
    assert again.pace("two", HOUR).rate == pytest.approx(0.5 + kept * 0.1)
