"""Modes are found by what they cost, fixed by teams and brought back: closed forms, and small stories to the tick."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfab.config.failure_modes_spec import FailureModes
from cellfab.ramp.laws import HOURS_PER_MONTH
from cellfab.ramp.mode_book import Effects, ModeBook, State
from cellfab.ramp.mode_draws import ModeDraws
from cellfab.ramp.modes import FailureMode, pareto_shares
from cellfab.units import TICKS_PER_WEEK

WEEK = TICKS_PER_WEEK
DAY = WEEK // 7
MONTH = HOURS_PER_MONTH * 3.6e9
NOBODY = {"fixing": {"teams": 0}}


def run(book, days, cells, usd=0.0, place="a", first=0):
    for day in range(first, first + days):
        book.advance(day * DAY)
        book.scrapped(place, "p", cells, usd, day * DAY)
    return book


def detected_days(book):
    return np.array([math.inf if one.detected is None else one.detected / DAY for one in book.episodes])


# ---- detection -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evidence", [1, 4])
def test_time_to_detection_on_a_constant_line(alike, evidence):
    """Mean k / (N p q): n modes that share the scrap of a place, 200 lost cells a day each, q = 1e-3.

    25 000 modes, so that a mean is known within 0.63 % (1 sigma; k = 1) and an error of 2 % is seen at z = 3. A mode is
    found at the first day's end after its hazard has passed the draw: half a day is added on average, more exactly
    sum over d of P(draw > d h), h = 0.2 a day.
    """
    n, h = 25_000, 0.2
    book = run(alike(n, **NOBODY, detection={"evidence_cells": evidence}), 220, cells=200.0 * n)
    days = detected_days(book) + 1.0
    assert np.isfinite(days).all()
    # P(Erlang(k) > x) = sum over j < k of x^j e^-x / j!
    later = [
        math.fsum((d * h) ** j * math.exp(-d * h) / math.factorial(j) for j in range(evidence)) for d in range(400)
    ]
    expected = math.fsum(later)
    assert expected == pytest.approx(evidence / h + 0.5, rel=0.01)
    error = days.std() / math.sqrt(n)
    assert abs(days.mean() - expected) < 3.0 * error
    assert 3.0 * error < 0.02 * expected


def test_what_a_mature_line_loses_teaches_nothing(alike):
    """Half of the scrap is of the mature line: detection takes twice as long."""
    n = 8000
    both = [
        detected_days(run(alike(n, mature=mature, **NOBODY), 160, 200.0 * n)).clip(max=160.0).mean() + 1.0
        for mature in (0.0, 0.1)
    ]
    assert both[1] / both[0] == pytest.approx(10.5 / 5.5, rel=0.04)


def test_experiments_teach_more_than_production(alike):
    laws = {"experiments": {"start_share": 0.5, "end_share": 0.5, "detection_factor": 5}}
    fast, slow = run(alike(500, **NOBODY, **laws), 300, 1e5), run(alike(500, **NOBODY), 300, 1e5)
    # Same draws; the hazard grows 0.5 + 0.5 * 5 = 3 times as fast.
    found = np.isfinite(detected_days(slow))
    assert found.sum() > 400
    assert (detected_days(fast) <= detected_days(slow)).all()
    ratio = (detected_days(slow)[found] + 0.5).mean() / (detected_days(fast)[found] + 0.5).mean()
    assert ratio == pytest.approx(3.0, rel=0.02)


def test_share_of_experiments_falls_and_starts_anew(alike):
    laws = {"start_share": 0.1, "end_share": 0.02, "time_constant_months": 6}
    book = alike(1, experiments=laws)
    assert book.experiment_share(0) == pytest.approx(0.10)
    assert book.experiment_share(round(6 * MONTH)) == pytest.approx(0.02 + 0.08 / math.e)
    # 40 000 lots: 0.1 within 0.0045 at z = 3.
    made = sum(book.is_experiment(lot, 0) for lot in range(40_000))
    assert made / 40_000 == pytest.approx(0.1, abs=0.0045)
    book.converted(["a"], 1.0, round(12 * MONTH))
    assert book.experiment_share(round(12 * MONTH)) == pytest.approx(0.10)
    assert alike(1).experiment_share(0) == 0.0


@settings(max_examples=30)
@given(
    st.lists(st.floats(0.0, 5000.0), min_size=5, max_size=40),
    st.floats(1e-5, 1e-2), st.floats(1.0, 10.0),
)  # fmt: skip
def test_more_inspection_never_detects_later(scrap, recognised, factor):
    times = []
    for share in (recognised, min(1.0, recognised * factor)):
        modes = tuple(FailureMode("a", f"m{k}", {"p": {"sigma": 0.1}}, share, 1.0, 0.0, True) for k in range(10))
        effects = Effects({}, {("a", "p"): np.full(10, 0.01)})
        spec = FailureModes.model_validate(NOBODY)
        book = ModeBook(spec, modes, {"a": "a"}, effects, ModeDraws(3, 0))
        for day, cells in enumerate(scrap):
            book.scrapped("a", "p", cells, 0.0, day * DAY)
        times.append(detected_days(book))
    assert (times[1] <= times[0]).all()


def test_draws_belong_to_their_modes(alike):
    """A further place changes nothing at the first one; another replicate does."""
    alone, beside = run(alike(20, **NOBODY), 60, 2e3), run(alike(20, places=("a", "b"), **NOBODY), 60, 2e3)
    np.testing.assert_array_equal(detected_days(alone), detected_days(beside)[:20])
    assert (detected_days(run(alike(20, replicate=1, **NOBODY), 60, 2e3)) != detected_days(alone)).any()


# ---- fixing --------------------------------------------------------------------------------------------------------


def test_without_engineers_nothing_improves(alike):
    book = run(alike(5, **NOBODY), 400, 1e6)
    assert {str(one.state) for one in book.episodes} == {State.WAITING}
    assert book.maturities("a", "p") == {"sigma": 0.0}


def test_one_team_takes_the_dearest_mode_first():
    """Modes of unlike cost, all found on the first day; a week and no scatter for each."""
    modes = tuple(
        FailureMode("a", name, {"p": {"sigma": 0.25}}, 1.0, factor, 0.0, True)
        for name, factor in (("small", 1.0), ("large", 2.0), ("middle", 1.0), ("unseen", 1.0))
    )
    effects = Effects({("a", "p"): 0.01}, {("a", "p"): np.array([0.01, 0.05, 0.03, 0.0])})
    spec = FailureModes.model_validate({"fixing": {"teams": 1, "mean_weeks": 1, "cv": 0, "residual_share": 0}})
    book = ModeBook(spec, modes, {"a": "a"}, effects, ModeDraws(1, 0))
    assert book.advance(0) == ["a"]
    book.scrapped("a", "p", 1e6, 100.0, 0)
    log = []
    while book.due < 10 * WEEK:
        now = book.due
        assert book.advance(now) == ["a"]
        log.append((now / WEEK, book.maturities("a", "p")["sigma"]))
    assert log == [(2.0, 0.25), (3.0, 0.5), (4.0, 0.75)]
    book.close(10 * WEEK)
    small, large, middle, unseen = book.episodes
    assert (large.begun, large.fixed, middle.begun, small.fixed) == (0, 2 * WEEK, 2 * WEEK, 4 * WEEK)
    assert [one.cells for one in book.episodes] == pytest.approx([1e5, 5e5, 3e5, 0.0])
    assert [one.usd for one in book.episodes] == pytest.approx([10.0, 50.0, 30.0, 0.0])
    assert unseen.state is State.OPEN and unseen.seen is None
    assert book.engineering_ticks == 4 * WEEK


def test_a_fixed_mode_costs_nothing_and_leaves_its_residual(alike):
    book = alike(4, recognised=1.0, fixing={"teams": 4, "mean_weeks": 1, "cv": 0, "residual_share": 0.2})
    run(book, 8, 1e6)
    assert book.maturities("a", "p") == {"sigma": pytest.approx(0.8)}
    before = [one.cells for one in book.episodes]
    run(book, 5, 1e6, first=8)
    book.close(20 * DAY)
    assert [one.cells for one in book.episodes] == before == [pytest.approx(7 * 2.5e5)] * 4


def test_engineering_times_are_lognormal():
    draws = ModeDraws(1, 0)
    # 40 000 draws: the mean within 0.4 % (1 sigma) for cv 0.8.
    times = np.array([draws.lognormal("a/m", "fixing", number, 6.0, 0.8) for number in range(40_000)])
    assert times.mean() == pytest.approx(6.0, rel=0.012)
    assert times.std() / times.mean() == pytest.approx(0.8, rel=0.05)
    assert np.log(times).std() == pytest.approx(math.sqrt(math.log1p(0.64)), rel=0.012)


@settings(max_examples=40)
@given(st.integers(0, 1000), st.lists(st.floats(0.0, 3e4), min_size=10, max_size=120), st.integers(0, 6))
def test_no_capability_is_ever_better_than_mature_or_worse_than_at_the_start(seed, scrap, teams):
    spec = FailureModes.model_validate(
        {
            "fixing": {"teams": teams, "mean_weeks": 1},
            "setbacks": {"staff": {"every_weeks": 2, "reopens_share": 0.5}, "powder": {"after_weeks": 5}},
        }
    )
    shares = pareto_shares(6, 1.0)
    modes = tuple(
        FailureMode("a", f"m{k}", {"p": {"s": share}}, 1e-3, 1.0, 0.1, True) for k, share in enumerate(shares)
    )
    book = ModeBook(spec, modes, {"a": "a"}, Effects({}, {("a", "p"): np.array(shares)}), ModeDraws(seed, 0))
    for day, cells in enumerate(scrap):
        book.advance(day * DAY)
        assert -1e-12 <= book.maturities("a", "p")["s"] <= 0.9 + 1e-12
        if day % 30 == 29:
            book.stood_still("a", 20.0 * DAY, 0.5, day * DAY)
        book.scrapped("a", "p", cells, cells, day * DAY)
    book.close(len(scrap) * DAY)
    for one in book.episodes:
        dates = [tick for tick in (one.opened, one.seen, one.detected, one.begun, one.fixed) if tick is not None]
        assert dates == sorted(dates)
    assert math.fsum(one.cells for one in book.episodes) <= math.fsum(scrap) * (1.0 + 1e-9)


# ---- coming back ---------------------------------------------------------------------------------------------------


def test_an_idle_station_forgets(alike):
    """4 % a month for three months: 1 - exp(-0.12) of the fixed modes are back; 20 000 modes, z = 3 is 0.0067."""
    n = 20_000
    book = alike(n, before={"a": 1.0}, fixing={"residual_share": 0.0})
    assert book.maturities("a", "p") == {"sigma": pytest.approx(1.0)}
    book.stood_still("a", 3 * MONTH, 0.04, round(3 * MONTH))
    assert book.advance(round(3 * MONTH)) == ["a"]
    assert book.maturities("a", "p")["sigma"] == pytest.approx(math.exp(-0.12), abs=0.0067)
    assert {one.since for one in book.episodes if one.opened is not None} == {"standstill"}


def test_a_conversion_carries_a_share(alike):
    """0.3 of the modes stay fixed; 20 000 modes, z = 3 is 0.0097. All or nothing is exact."""
    n = 20_000
    for carried, tolerance in ((0.3, 0.0097), (1.0, 1e-9), (0.0, 1e-9)):
        book = alike(n, before={"a": 1.0}, fixing={"residual_share": 0.0})
        book.converted(["a"], carried, 5 * WEEK)
        assert book.maturities("a", "p")["sigma"] == pytest.approx(carried, abs=tolerance)


def test_a_mode_that_comes_back_is_known(alike):
    """It is recognised five times as readily, and takes 0.3 of the time to fix."""
    n = 1000
    laws = {"fixing": {"teams": n, "mean_weeks": 2, "cv": 0, "residual_share": 0.0}}
    book = alike(n, before={"a": 1.0}, **laws)
    book.converted(["a"], 0.0, 0)
    run(book, 200, 200.0 * n)
    again = [one for one in book.episodes if one.opened is not None]
    # While all are open each loses 200 cells a day: a hazard of one a day, 1.58 days on average until seen at an end.
    early = np.array([one.detected / DAY for one in again if one.detected is not None])
    assert np.median(early) <= 1.0
    assert all(one.fixed - one.begun == round(0.6 * WEEK) for one in again if one.fixed is not None)


def test_setbacks_come_on_their_date_or_at_random(alike):
    n = 20_000
    book = alike(n, before={"a": 1.0}, setbacks={"powder": {"after_weeks": 7, "reopens_share": 0.25}}, **NOBODY)
    assert book.due == 0
    book.advance(0)
    assert book.due == 7 * WEEK
    book.advance(7 * WEEK)
    # 20 000 modes: z = 3 is 0.0092.
    back = [one for one in book.episodes if one.since == "powder"]
    assert len(back) / n == pytest.approx(0.25, abs=0.0092)
    assert {one.opened for one in back} == {7 * WEEK}
    # At random every 10 weeks for 40 000 weeks: 4000 times, z = 3 is 190.
    book = alike(1, setbacks={"shift": {"every_weeks": 10}}, **NOBODY)
    strikes = 0
    while True:
        book.advance(book.due)
        if book.due > 40_000 * WEEK:
            break
        strikes += 1
    assert abs(strikes - 4000) < 190


def test_a_setback_of_other_places_changes_nothing(alike):
    book = alike(
        10,
        places=("a", "b"),
        before={"a": 1.0, "b": 1.0},
        setbacks={"x": {"after_weeks": 1, "places": ["b"], "reopens_share": 1.0}},
    )
    book.advance(0)
    assert book.advance(WEEK) == ["b"]


def test_copies_find_together_what_each_would_find_later():
    spec = FailureModes.model_validate({"shared": {"a": ["a_2"]}, **NOBODY})
    modes = tuple(FailureMode("a", f"m{k}", {"p": {"s": 0.02}}, 1e-3, 1.0, 0.0, True) for k in range(50))
    effects = Effects({}, {("a", "p"): np.full(50, 0.002)})
    both = ModeBook(spec, modes, {"a": "a", "a_2": "a"}, effects, ModeDraws(1, 0))
    alone = ModeBook(spec, modes, {"a": "a", "a_2": "a"}, effects, ModeDraws(1, 0))
    for day in range(100):
        for place in ("a", "a_2"):
            both.scrapped(place, "p", 1000.0, 0.0, day * DAY)
        alone.scrapped("a", "p", 1000.0, 0.0, day * DAY)
    assert both.advance(100 * DAY) == ["a", "a_2"]
    found = detected_days(both)
    assert (found <= detected_days(alone)).all() and (found < detected_days(alone)).any()


def test_a_line_with_a_past_has_fixed_its_share(alike):
    # 20 000 modes: z = 3 is 0.0104 around 0.6.
    book = alike(20_000, before={"a": 0.6}, fixing={"residual_share": 0.0})
    fixed = book.maturities("a", "p")["sigma"]
    assert fixed == pytest.approx(0.6, abs=0.0104)
    # On the same draws what is fixed keeps its residual.
    rest = alike(20_000, before={"a": 0.6}, fixing={"residual_share": 0.1})
    assert rest.maturities("a", "p")["sigma"] == pytest.approx(0.9 * fixed, rel=1e-9)
