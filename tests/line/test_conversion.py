"""A small line is converted while it runs."""

from __future__ import annotations

import pytest

from cellfab.config.conversion_spec import Conversion
from cellfab.config.line_spec import Line
from cellfab.config.ramp_spec import Ramp
from cellfab.config.run_spec import Run
from cellfab.line.conversion import LineConversion
from cellfab.line.flow import simulate_line
from cellfab.line.physics import Pace, Processed
from cellfab.line.states import STATES
from cellfab.ramp.book import RampBook
from cellfab.units import TICKS_PER_S, TICKS_PER_WEEK

HOUR = 3600 * TICKS_PER_S
WEEKS = 30
LINE = {
    "sources": {"powder": {"products": {"ev": 1}}},
    "buffers": {"rolls": {"from": "film", "capacity": 3}},
    "stations": {
        "film": {"kind": "serial", "from": "powder", "cycle": {"law": "deterministic", "value_s": 7200}},
        "wind": {"kind": "serial", "from": "rolls", "cycle": {"law": "deterministic", "value_s": 10_800}},
        "age": {"kind": "dwell", "from": "wind", "minimum": {"law": "deterministic", "value_s": 14 * 86_400}},
    },
    "sinks": {"sold": {"from": "age"}},
}
SPEC = {
    "stop_week": 5,
    "product_from": "ev",
    "product_to": "ess",
    "strip_out_weeks": 1,
    "commissioning_weeks": 2,
    "stations": {
        "film": {"action": "modify", "duration_weeks": 4, "capex_musd": 1.0, "carried_share": 0.3},
        "wind": {"action": "modify", "duration_weeks": 1, "carried_share": 0.8},
    },
    "requalification": {"duration_weeks": 3},
}


class Recorder:
    """Physics that does nothing but remember which lot left where, when."""

    def __init__(self) -> None:
        self.ended: list[tuple[int, str, bool]] = []
        self.thrown: list[tuple[int, str]] = []
        self.film: list[tuple[int, str]] = []

    def pace(self, station, now):
        return Pace()

    def process(self, station, lots, now):
        if station == "film":
            self.film.append((now, lots[0].product))
        return Processed(lots[0])

    def worked(self, station, lot, started, ended):
        pass

    def finished(self, sink, lot, now):
        self.ended.append((now, lot.product, lot.sellable))

    def expired(self, place, lot, now):
        self.thrown.append((now, lot.product))


def convert(change=None, book=None, line=LINE):
    recorder = Recorder()
    controller = LineConversion(Conversion.model_validate(SPEC | (change or {})), book)
    result = simulate_line(
        Line.model_validate(line), Run(horizon_h=168 * WEEKS), seed=1, physics=recorder, controllers=[controller]
    )
    return recorder, controller, result


def test_the_whole_story():
    recorder, controller, _ = convert()
    dates = controller.plan
    stop = 5 * TICKS_PER_WEEK
    assert dates.stop == stop
    # The last roll entered before the stop; at most 6 rolls stand before the winder, and ageing takes two weeks.
    assert 2 * TICKS_PER_WEEK <= dates.drained - stop <= 2 * TICKS_PER_WEEK + 20 * HOUR
    assert dates.ready["film"] == dates.drained + 5 * TICKS_PER_WEEK
    assert dates.restart == dates.drained + 7 * TICKS_PER_WEEK
    assert controller.released == dates.release == dates.restart + 3 * TICKS_PER_WEEK
    assert controller.discarded == 0
    assert recorder.thrown == []
    # Nothing of the old product after the drain, nothing at all until the first new lot has aged.
    assert {product for now, product, _ in recorder.ended if now <= dates.drained} == {"ev"}
    first_new = min(now for now, product, _ in recorder.ended if product == "ess")
    assert first_new == dates.restart + 5 * HOUR + 2 * TICKS_PER_WEEK
    assert not [now for now, _, _ in recorder.ended if dates.drained < now < first_new]
    # The film line makes lots again from the very tick of the restart.
    assert min(now for now, product in recorder.film if product == "ess") == dates.restart


def test_what_enters_before_the_release_is_not_sold():
    recorder, controller, _ = convert()
    entered = {now: product for now, product in recorder.film if product == "ess"}
    unsold = [now for now, product, sellable in recorder.ended if product == "ess" and not sellable]
    sold = [now for now, product, sellable in recorder.ended if product == "ess" and sellable]
    assert max(unsold) < min(sold)
    requalifying = sum(now < controller.released for now in entered)
    assert len(unsold) == requalifying
    assert all(sellable for _, product, sellable in recorder.ended if product == "ev")


def test_stations_are_converting_while_they_are_rebuilt():
    _, controller, result = convert()
    converting = STATES.index("converting")
    dates = controller.plan
    for name in ("film", "wind"):
        assert result.stations[name].state_ticks[converting] == dates.ready[name] - dates.drained
    assert result.stations["age"].state_ticks[converting] == 0


def test_the_book_is_told_at_the_restart():
    ramp = Ramp.model_validate({"months_before_start": 18})
    book = RampBook(ramp, {"film": 1, "wind": 1, "age": 1})
    before = {name: book.maturity(name, 0) for name in ("film", "wind", "age")}
    _, controller, _ = convert({"ramp": {"default": {"learning": {"time_constant_months": 4}}}}, book)
    restart = controller.plan.restart
    assert book.maturity("film", restart) == pytest.approx(0.3 * before["film"])
    assert book.maturity("wind", restart) == pytest.approx(0.8 * before["wind"])
    assert book.maturity("age", restart) == pytest.approx(before["age"])


def test_release_after_a_number_of_lots():
    recorder, controller, _ = convert({"requalification": {"lots": 10}})
    new = sorted(now for now, product, _ in recorder.ended if product == "ess")
    assert controller.plan.release is None
    # Counted once an hour.
    assert new[9] <= controller.released <= new[9] + HOUR
    (last,) = [phase for phase in controller.phases(WEEKS * TICKS_PER_WEEK) if phase.name == "requalification"]
    assert last.end == controller.released


def test_what_cannot_be_drained_in_time_is_scrapped():
    recorder, controller, _ = convert({"drain": {"limit_weeks": 1}})
    dates = controller.plan
    assert dates.drained == 6 * TICKS_PER_WEEK
    assert controller.discarded == len(recorder.thrown) > 0
    assert {product for _, product in recorder.thrown} == {"ev"}
    assert max(now for now, _ in recorder.thrown) == dates.drained
    assert not [now for now, product, _ in recorder.ended if product == "ev" and now > dates.drained]
    assert min(now for now, product in recorder.film if product == "ess") == dates.restart


def test_a_lot_in_a_machine_at_the_limit_is_swept_out_when_it_ends():
    slow = {"law": "deterministic", "value_s": 40 * 3600}
    line = LINE | {"stations": LINE["stations"] | {"wind": LINE["stations"]["wind"] | {"cycle": slow}}}
    recorder, controller, _ = convert({"drain": {"limit_weeks": 0.1}}, line=line)
    dates = controller.plan
    late = [now for now, _ in recorder.thrown if now > dates.drained]
    assert len(late) == 1
    assert late[0] <= dates.drained + 41 * HOUR
    assert not [now for now, product, _ in recorder.ended if product == "ev" and now > dates.drained]


def test_rolls_without_a_partner_are_thrown_away():
    line = {
        "sources": {"cathode": {"products": {"ev": 1}}, "anode": {"products": {"ev": 1}}},
        "buffers": {"cathodes": {"from": "cathode", "capacity": 5}, "anodes": {"from": "anode", "capacity": 9}},
        "stations": {
            "wind": {
                "kind": "serial", "from": {"cathodes": 1, "anodes": 1},
                "cycle": {"law": "deterministic", "value_s": 10_800},
            },
        },
        "sinks": {"sold": {"from": "wind"}},
    }  # fmt: skip
    recorder, controller, _ = convert({"stations": {}}, line=line)
    assert controller.discarded == len(recorder.thrown) == 4
    assert min(now for now, product, _ in recorder.ended if product == "ess") == controller.plan.restart + 3 * HOUR


def test_phases_so_far():
    controller = LineConversion(Conversion.model_validate(SPEC))
    assert controller.phases(10**15) == ()
    _, controller, _ = convert()
    dates = controller.plan
    names = [phase.name for phase in controller.phases(WEEKS * TICKS_PER_WEEK)]
    assert names == ["drain", "strip out", "rebuild", "commissioning", "requalification"]
    early = controller.phases(dates.drained + 2 * TICKS_PER_WEEK)
    assert [phase.name for phase in early] == ["drain", "strip out", "rebuild"]
    assert early[-1].end == dates.drained + 2 * TICKS_PER_WEEK


def test_a_stop_after_the_horizon_changes_nothing():
    recorder, controller, _ = convert({"stop_week": 100})
    assert controller.plan is None
    assert {product for _, product, _ in recorder.ended} == {"ev"}
