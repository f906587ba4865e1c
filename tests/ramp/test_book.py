"""The ramp book against the closed forms of its laws."""

from __future__ import annotations

import math

import pytest

from cellfab.config.ramp_spec import Learning, Ramp, RateRelease, ReliabilityGrowth, StationRamp
from cellfab.ramp import laws
from cellfab.ramp.book import RampBook
from cellfab.units import TICKS_PER_S, TICKS_PER_WEEK

HOUR = 3600 * TICKS_PER_S
MONTH = round(laws.HOURS_PER_MONTH * HOUR)


def run(book: RampBook, station: str, hours: int, utilisation: float, units: int = 1) -> int:
    """Work a share of each of `hours` hours on every unit; return the tick at the end."""
    for hour in range(1, hours + 1):
        for _ in range(units):
            book.advance(station, hour * HOUR, round(utilisation * HOUR))
    return hours * HOUR


@pytest.mark.parametrize("units", [1, 10])
def test_constant_utilisation_matches_the_closed_form(units):
    ramp = Ramp(default=StationRamp(learning=Learning(calendar_weight=0.5, utilisation_weight=0.4)))
    book = RampBook(ramp, {"weld": units})
    end = run(book, "weld", 4383, 0.6, units)  # six months
    experience = laws.experience_after(6.0, 0.6, 0.5, 0.4)
    assert book.standing("weld", end).experience_months == pytest.approx(experience, rel=1e-9)
    assert book.maturity("weld", end) == pytest.approx(laws.maturity(experience, 9.0), rel=1e-9)
    pace = book.pace("weld", end)
    assert pace.rate == pytest.approx(laws.released_rate(6.0, 0.5, 1.0, 9.0), rel=1e-9)
    assert pace.time_to_repair == pytest.approx(laws.repair_factor(6.0, 1.5, 6.0), rel=1e-9)
    clock = laws.duane_clock_for(0.25, 0.35, 10_000.0) + 4383 * 0.6
    assert pace.time_to_failure == pytest.approx(laws.duane_factor(clock, 0.35, 10_000.0), rel=1e-9)


def test_how_often_it_is_asked_changes_nothing():
    asked, silent = RampBook(Ramp(), {"a": 1}), RampBook(Ramp(), {"a": 1})
    for hour in range(1, 500):
        asked.maturity("a", hour * HOUR)
        asked.pace("a", hour * HOUR)
        for book in (asked, silent):
            book.advance("a", hour * HOUR, HOUR // 2)
    assert asked.standing("a", 500 * HOUR) == silent.standing("a", 500 * HOUR)


def test_slow_and_fast_reporting_agree():
    often, once = RampBook(Ramp(), {"a": 1}), RampBook(Ramp(), {"a": 1})
    run(often, "a", 168, 1.0)
    once.advance("a", 168 * HOUR, 168 * HOUR)
    assert once.standing("a", 168 * HOUR) == pytest.approx(often.standing("a", 168 * HOUR), rel=1e-9)


def test_an_idle_station_forgets():
    laws_used = StationRamp(learning=Learning(forgetting_share_per_month=0.04, idle_after_weeks=2.0))
    book = RampBook(Ramp(default=laws_used, months_before_start=18.0), {"a": 1})
    before = book.standing("a", 0).experience_months
    now = 6 * MONTH
    two_weeks = 2 * TICKS_PER_WEEK / MONTH
    expected = before * math.exp(-0.04 * (6.0 - two_weeks)) + 0.5 * two_weeks
    assert book.standing("a", now).experience_months == pytest.approx(expected, rel=1e-9)
    assert book.standing("a", now).operating_months == pytest.approx(18.0 + two_weeks)


def test_many_positions_at_once_do_not_hide_a_standstill():
    """A lot of 100 trays takes 100 times its duration of position time; the months before it were idle all the same."""
    book = RampBook(Ramp(months_before_start=18.0), {"formation": 1000})
    started, ended = 6 * MONTH, 6 * MONTH + 20 * HOUR
    book.advance("formation", ended, 100 * 20 * HOUR, started)
    alone = RampBook(Ramp(months_before_start=18.0), {"formation": 1})
    alone.advance("formation", ended, 20 * HOUR, started)
    assert book.standing("formation", ended).operating_months == alone.standing("formation", ended).operating_months
    assert book.standing("formation", ended).clock_h - alone.standing("formation", ended).clock_h == pytest.approx(
        -18.0
    )


def test_rate_and_reliability_stand_still_without_work():
    book = RampBook(Ramp(), {"a": 1})
    run(book, "a", 1000, 0.5)
    at_stop = book.pace("a", 1000 * HOUR + 2 * TICKS_PER_WEEK)
    assert book.pace("a", 50_000 * HOUR) == at_stop


def test_a_new_line_starts_at_the_start_values():
    ramp = Ramp(default=StationRamp(learning=Learning(maturity_at_start=0.42)))
    book = RampBook(ramp, {"a": 1})
    assert book.maturity("a", 0) == pytest.approx(0.42)
    assert book.pace("a", 0) == pytest.approx((0.5, 0.25, 1.5))


def test_an_old_line_is_mature():
    book = RampBook(Ramp(months_before_start=1200.0), {"a": 1})
    assert book.maturity("a", 0) == pytest.approx(1.0)
    assert book.pace("a", 0) == pytest.approx((1.0, 1.0, 1.0))


def test_only_what_is_written_differs_at_a_station():
    ramp = Ramp.model_validate(
        {
            "default": {"learning": {"maturity_at_start": 0.4, "time_constant_months": 3}, "rate": {"start": 0.6}},
            "stations": {"cathode_film": {"learning": {"time_constant_months": 14}}},
        }
    )
    film = ramp.of("cathode_film")
    assert film.learning == Learning(maturity_at_start=0.4, time_constant_months=14.0)
    assert film.rate == RateRelease(start=0.6)
    assert ramp.of("wind") == ramp.default


@pytest.mark.parametrize("carried", [0.0, 0.3, 1.0])
def test_a_conversion_carries_a_share(carried):
    book = RampBook(Ramp(), {"a": 1})
    end = run(book, "a", 8766, 0.8)
    before, rate_before = book.standing("a", end), book.pace("a", end).rate
    restart = end + 30 * TICKS_PER_WEEK
    after_ramp = StationRamp(learning=Learning(time_constant_months=4.0), rate=RateRelease(time_constant_months=5.0))
    book.convert("a", restart, carried, after_ramp)
    after = book.standing("a", restart)
    assert after.maturity == pytest.approx(carried * before.maturity)
    assert after.clock_h == pytest.approx(max(carried * before.clock_h, laws.duane_clock_for(0.25, 0.35, 10_000.0)))
    # The share released so far is (r - start) / (mature - start).
    assert (book.pace("a", restart).rate - 0.5) / 0.5 == pytest.approx(carried * (rate_before - 0.5) / 0.5)
    book.advance("a", restart + MONTH, MONTH)
    expected = 1.0 - (1.0 - carried * before.maturity) * math.exp(-1.0 / 4.0)
    assert book.maturity("a", restart + MONTH) == pytest.approx(expected)


def test_a_conversion_without_new_laws_keeps_the_old_ones():
    book = RampBook(Ramp(default=StationRamp(reliability=ReliabilityGrowth(start=0.5))), {"a": 1})
    end = run(book, "a", 2000, 1.0)
    before = book.standing("a", end)
    book.convert("a", end, 1.0)
    assert book.standing("a", end) == pytest.approx(before)


def test_the_clocks_of_parallel_units_may_end_out_of_order():
    forward, backward = RampBook(Ramp(), {"a": 2}), RampBook(Ramp(), {"a": 2})
    for book, ends in ((forward, (10, 12)), (backward, (12, 10))):
        for end in ends:
            book.advance("a", end * HOUR, 8 * HOUR)
    assert forward.standing("a", 20 * HOUR) == pytest.approx(backward.standing("a", 20 * HOUR))
