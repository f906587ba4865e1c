"""What a copied line starts with, and what running lines learn from each other, in closed form."""

from __future__ import annotations

import math

import pytest

from cellfab.config.failure_modes_spec import FailureModes
from cellfab.config.ramp_spec import Learning, Ramp, RateRelease, ReliabilityGrowth, StationRamp
from cellfab.ramp.book import RampBook
from cellfab.ramp.laws import HOURS_PER_MONTH, duane_clock_for, experience_for, maturity
from cellfab.ramp.lessons import Lessons
from cellfab.ramp.mode_book import Effects, ModeBook, State
from cellfab.ramp.mode_draws import ModeDraws
from cellfab.ramp.modes import FailureMode
from cellfab.units import TICKS_PER_S, TICKS_PER_WEEK

HOUR = 3600 * TICKS_PER_S
HOURS = 4383
"""Six months."""


def laws(tau: float, at_start: float = 0.0) -> StationRamp:
    return StationRamp(
        learning=Learning(time_constant_months=tau, maturity_at_start=at_start),
        rate=RateRelease(start=0.5, time_constant_months=tau),
        reliability=ReliabilityGrowth(start=0.25, growth_exponent=0.35, mature_after_h=10_000.0),
    )


def worked(book: RampBook, station: str, first: int, last: int, utilisation: float = 0.6) -> None:
    for hour in range(first + 1, last + 1):
        book.advance(station, hour * HOUR, round(utilisation * HOUR))


def book_of_two(tau: float, copy_tau: float, lessons: Lessons | None = None, copy_start: float = 0.0) -> RampBook:
    ramp = Ramp(stations={"one-weld": laws(tau), "two-weld": laws(copy_tau, copy_start)})
    return RampBook(ramp, {"one-weld": 1, "two-weld": 1}, lessons=lessons, absent=["two-weld"])


@pytest.mark.parametrize("loss", [0.0, 0.4, 1.0])
def test_a_copy_starts_with_what_is_known_by_then_less_the_loss(loss):
    """y_j0 = y_ref (1 - loss), said of maturity, and the copy's own time constant from then on."""
    book = book_of_two(9.0, 3.0)
    worked(book, "one-weld", 0, HOURS)
    now = HOURS * HOUR
    reference, pace = book.standing("one-weld", now), book.pace("one-weld", now)
    book.begin_like("two-weld", "one-weld", now, 1.0 - loss)
    known = maturity((0.5 + 0.5 * 0.6) * 6.0, 9.0)
    assert reference.maturity == pytest.approx(known, rel=1e-9)
    opening = book.standing("two-weld", now)
    assert opening.maturity == pytest.approx((1.0 - loss) * known, rel=1e-9)
    assert book.pace("two-weld", now).rate == pytest.approx(0.5 + (1.0 - loss) * (pace.rate - 0.5), rel=1e-9)
    head_start = duane_clock_for(0.25, 0.35, 10_000.0)
    assert opening.clock_h == pytest.approx(max(head_start, (1.0 - loss) * reference.clock_h), rel=1e-9)
    worked(book, "two-weld", HOURS, HOURS + 1461, 1.0)  # two months, fully used
    experience = experience_for((1.0 - loss) * known, 3.0) + 2.0
    assert book.maturity("two-weld", (HOURS + 1461) * HOUR) == pytest.approx(maturity(experience, 3.0), rel=1e-9)


def test_a_copy_never_starts_below_what_its_own_laws_say():
    book = book_of_two(9.0, 3.0, copy_start=0.42)
    book.begin_like("two-weld", "one-weld", HOUR, 0.6)
    assert book.maturity("two-weld", HOUR) == pytest.approx(0.42, rel=1e-9)


def test_the_later_a_copy_starts_the_better_it_starts():
    openings = []
    for hours in (0, 730, 2922, 8766):
        book = book_of_two(9.0, 3.0)
        worked(book, "one-weld", 0, hours)
        book.begin_like("two-weld", "one-weld", max(1, hours * HOUR), 0.6)
        openings.append(book.maturity("two-weld", max(1, hours * HOUR)))
    assert openings == sorted(openings)
    assert openings[0] == pytest.approx(0.0, abs=1e-9)
    assert openings[-1] > 0.35


def test_shared_lessons_add_the_work_of_the_others_after_the_delay():
    """Twins that run alike: E = (a_c + a_u u) t + share a_u u (t - delay)."""
    delay = 730 * HOUR
    lessons = Lessons({"one-weld": ("two-weld",), "two-weld": ("one-weld",)}, 0.5, delay)
    ramp = Ramp(default=laws(9.0))
    book = RampBook(ramp, {"one-weld": 1, "two-weld": 1}, lessons=lessons)
    for hour in range(1, HOURS + 1):
        for station in ("one-weld", "two-weld"):
            book.advance(station, hour * HOUR, round(0.6 * HOUR))
    months = HOURS / HOURS_PER_MONTH
    told = 0.5 * 0.5 * 0.6 * (HOURS - 730) / HOURS_PER_MONTH
    for station in ("one-weld", "two-weld"):
        experience = book.standing(station, HOURS * HOUR).experience_months
        assert experience == pytest.approx((0.5 + 0.5 * 0.6) * months + told, rel=1e-3)


def test_a_line_that_is_not_there_learns_nothing_by_lessons():
    lessons = Lessons({"one-weld": ("two-weld",)}, 1.0, 0)
    book = book_of_two(9.0, 9.0, lessons)
    worked(book, "one-weld", 0, 1000)
    book.begin_like("two-weld", "one-weld", 1000 * HOUR, 0.0)
    assert book.maturity("two-weld", 1000 * HOUR) == pytest.approx(0.0, abs=1e-12)


# ---- failure modes ------------------------------------------------------------------------------------------------

MODES = 400
WEEK = TICKS_PER_WEEK


def modes_of_two(lessons: Lessons | None, teams: int = MODES) -> ModeBook:
    """Many like modes on two lines; whatever is scrapped is scrapped by them in equal parts, and one cell tells all."""
    spec = FailureModes(fixing={"teams": teams, "mean_weeks": 1.0, "cv": 0.0}, detection={"recognised_share": 1.0})
    places = ("one-weld", "two-weld")
    modes = tuple(
        FailureMode(place, f"mode {number}", {"cell": {"gap_um": 1.0 / MODES}}, 1.0, 1.0, 0.05, named=False)
        for place in places
        for number in range(MODES)
    )
    import numpy as np

    extra = {
        (place, "cell"): np.array([0.5 / MODES if mode.place == place else 0.0 for mode in modes]) for place in places
    }
    effects = Effects({(place, "cell"): 0.0 for place in places}, extra)
    owner = {place: place for place in places}
    return ModeBook(spec, modes, owner, effects, ModeDraws(1, 0), lessons=lessons, absent=["two-weld"])


def fixed(book: ModeBook, place: str) -> int:
    return sum(mode.place == place and episode.state is State.FIXED for mode, episode in book.timeline())


def test_what_is_fixed_on_the_model_is_fixed_on_the_copy_mode_by_mode():
    """Kept with probability 0.6 each: of 400, 240 +- 10, so 200 to 280 is four standard deviations."""
    book = modes_of_two(None)
    book.scrapped("one-weld", "cell", 1e9, 0.0, 0)  # everything is detected at once
    book.advance(2 * WEEK)
    assert fixed(book, "one-weld") == MODES
    assert fixed(book, "two-weld") == 0
    book.begin_like("two-weld", "one-weld", 0.6, 2 * WEEK)
    assert 200 < fixed(book, "two-weld") < 280
    held = book.maturities("two-weld", "cell")["gap_um"]
    assert held == pytest.approx(0.95 * fixed(book, "two-weld") / MODES, rel=1e-9)


def test_a_remedy_reaches_the_other_line_after_the_delay():
    lessons = Lessons({"one-weld": ("two-weld",), "two-weld": ("one-weld",)}, 0.5, 3 * WEEK)
    book = modes_of_two(lessons)
    book.begin_like("two-weld", "one-weld", 0.0, 1)
    book.scrapped("one-weld", "cell", 1e9, 0.0, 1)
    book.advance(2 * WEEK)
    assert (fixed(book, "one-weld"), fixed(book, "two-weld")) == (MODES, 0)
    book.advance(5 * WEEK)
    assert 160 < fixed(book, "two-weld") < 240  # 200 +- 10
    held = book.maturities("two-weld", "cell")["gap_um"]
    assert held == pytest.approx(0.95 * fixed(book, "two-weld") / MODES, rel=1e-9)


def test_a_remedy_from_elsewhere_frees_the_team_that_was_at_work():
    lessons = Lessons({"one-weld": ("two-weld",), "two-weld": ("one-weld",)}, 1.0, WEEK // 2)
    book = modes_of_two(lessons, teams=MODES + 1)
    book.begin_like("two-weld", "one-weld", 0.0, 1)
    book.scrapped("one-weld", "cell", 1e9, 0.0, 1)
    book.advance(1 + 3 * WEEK // 4)
    book.scrapped("two-weld", "cell", 1e9, 1.0, 1 + 3 * WEEK // 4)  # one team is left for all of these
    book.advance(1 + 2 * WEEK)
    assert fixed(book, "two-weld") == MODES
    book.close(3 * WEEK)
    # 400 teams for a week each, the last one from 0.75 to 1.5, and what the freed ones had just taken up.
    assert book.engineering_ticks < (MODES + 1 + MODES // 2) * WEEK
    assert math.isclose(book.maturities("two-weld", "cell")["gap_um"], 0.95, rel_tol=1e-9)
