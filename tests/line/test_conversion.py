"""A small line is converted while it runs."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cellfab.config.conversion_spec import Conversion
from cellfab.config.copying import all_lines, layout
from cellfab.config.line_spec import Line
from cellfab.config.lines_spec import Lines
from cellfab.config.ramp_spec import Ramp
from cellfab.config.run_spec import Run
from cellfab.line.conversion import PlantConversion
from cellfab.line.flow import simulate_line
from cellfab.line.physics import Processed
from cellfab.line.states import STATES
from cellfab.ramp.book import RampBook
from cellfab.ramp.pace import Pace
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
    conversion = PlantConversion(Conversion.model_validate(SPEC | (change or {})), line["stations"], book=book)
    result = simulate_line(
        Line.model_validate(line), Run(horizon_h=168 * WEEKS), seed=1, physics=recorder, controllers=conversion.each
    )
    (controller,) = conversion.each
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


def test_what_is_merged_with_the_lots_inside_is_given_until_the_line_is_empty():
    """At the stop the winder takes one of nine rolls and the only lid; with more lids it winds all, in 3 h each."""
    line = {
        "sources": {"web": {"products": {"ev": 1}}, "lids": {"products": {"ev": 1}}},
        "buffers": {"webs": {"from": "web", "capacity": 9}, "lid_store": {"from": "lids", "capacity": 1}},
        "stations": {
            "wind": {
                "kind": "serial", "from": {"webs": 1, "lid_store": 1},
                "cycle": {"law": "deterministic", "value_s": 10_800},
            },
        },
        "sinks": {"sold": {"from": "wind"}},
    }  # fmt: skip
    recorder, controller, _ = convert({"stations": {}, "drain": {"fed_until_empty": ["lids"]}}, line=line)
    stop = 5 * TICKS_PER_WEEK
    ended = [now for now, product, _ in recorder.ended if product == "ev" and now > stop]
    assert len(ended) == 9
    assert controller.plan.drained == max(ended) == stop + 9 * 3 * HOUR
    assert controller.discarded == len(recorder.thrown) == 1  # the lid that nothing came for
    assert min(now for now, product, _ in recorder.ended if product == "ess") == controller.plan.restart + 3 * HOUR
    # Without them it winds the one that it has taken.
    recorder, controller, _ = convert({"stations": {}}, line=line)
    assert len([now for now, product, _ in recorder.ended if product == "ev" and now > stop]) == 1
    assert controller.discarded == 8


def test_phases_so_far():
    assert PlantConversion(Conversion.model_validate(SPEC), LINE["stations"]).phases(10**15) == ()
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


def two_lines():
    """The line above twice, under the names of two lines that share nothing."""
    lines = Lines.model_validate({"named": {"one": {}, "two": {}}})
    line = Line.model_validate(LINE)
    plan = layout(line, lines)
    return all_lines({"one": line, "two": line}, plan), plan


def convert_two(change):
    line, plan = two_lines()
    by_station = {f"{name}-{station}": task for name in ("one", "two") for station, task in SPEC["stations"].items()}
    spec = Conversion.model_validate(SPEC | {"stations": by_station} | change)
    recorder = Recorder()
    film = {"one-film": [], "two-film": []}

    def process(station, lots, now):
        if station in film:
            film[station].append((now, lots[0].product))
        return Processed(lots[0])

    recorder.process = process
    conversion = PlantConversion(spec, line.stations, plan)
    simulate_line(line, Run(horizon_h=168 * WEEKS), seed=1, physics=recorder, controllers=conversion.each)
    return film, conversion


def test_one_line_after_the_other_while_the_rest_runs():
    film, conversion = convert_two({"lines": {"two": {"stop_week": 5}, "one": {"stop_week": 9}}})
    two, one = conversion.each
    assert (two.line, one.line) == ("two", "one")
    assert (two.plan.stop, one.plan.stop) == (5 * TICKS_PER_WEEK, 9 * TICKS_PER_WEEK)
    for name, each in (("one-film", one), ("two-film", two)):
        assert {product for now, product in film[name] if now <= each.plan.stop} == {"ev"}
        assert not [now for now, _ in film[name] if each.plan.stop + 3 * HOUR < now < each.plan.restart]
        assert {product for now, product in film[name] if now >= each.plan.restart} == {"ess"}
    # Line one has made the old product all the time in which line two was rebuilt.
    assert sum(two.plan.stop < now < one.plan.stop for now, _ in film["one-film"]) > 100
    names = [phase.name for phase in conversion.phases(WEEKS * TICKS_PER_WEEK)]
    assert names[0] == "drain of two"
    assert "rebuild of one" in names


def test_a_line_that_is_not_named_is_not_converted():
    film, conversion = convert_two({"lines": {"two": {}}})
    assert {product for _, product in film["one-film"]} == {"ev"}
    assert {product for _, product in film["two-film"]} == {"ev", "ess"}
    assert set(conversion.dates_by_station()) == {"two-film", "two-wind", "two-age"}


def test_a_crew_that_both_lines_need_is_at_the_second_one_later():
    crews = {"crews": {"fitters": 1}, "install_crews": {"fitters": 1}, "lines": {"one": {}, "two": {}}}
    _, conversion = convert_two(crews)
    dates = conversion.project.timeline().dates
    work = [dates[f"{line}-install.{station}"] for line in ("one", "two") for station in ("film", "wind")]
    work.sort()
    assert all(before.finish <= after.start for before, after in pairwise(work))
    assert sum(task.waited for task in work) > 0


def test_all_lines_at_once():
    film, conversion = convert_two({})
    (only,) = conversion.each
    assert only.line == ""
    for name in film:
        assert min(now for now, product in film[name] if product == "ess") == only.plan.restart


def test_an_idle_line_makes_nothing_before_its_restart():
    recorder, controller, _ = convert({"product_from": None, "stop_week": 0})
    assert {product for _, product in recorder.film} == {"ess"}
    assert controller.plan.stop == controller.plan.drained == 0
    assert min(now for now, _ in recorder.film) == controller.plan.restart


def test_what_is_inside_can_be_scrapped_at_the_stop():
    recorder, controller, _ = convert({"drain": {"work_in_progress": "scrap"}})
    dates = controller.plan
    assert dates.drained == dates.stop
    assert controller.at_stop.inside == controller.at_stop.thrown_away == len(recorder.thrown) > 0
    assert controller.at_stop.finished == 0


def test_what_becomes_of_what_is_inside_is_counted():
    recorder, controller, _ = convert()
    at_stop = controller.at_stop
    assert at_stop.inside == at_stop.finished > 50
    assert at_stop.thrown_away == 0
    sold = [now for now, product, _ in recorder.ended if product == "ev" and now > controller.plan.stop]
    assert len(sold) == at_stop.finished


def test_a_task_of_ones_own_holds_its_station_and_the_release():
    hot = {"hot_test": {"duration_weeks": 4, "station": "wind", "after": ["commissioning"], "before": ["release"]}}
    recorder, controller, _ = convert({"tasks": hot})
    dates = controller.plan
    assert dates.ready["wind"] == dates.restart + 4 * TICKS_PER_WEEK
    assert dates.release == dates.restart + 4 * TICKS_PER_WEEK
    new = min(now for now, product, _ in recorder.ended if product == "ess")
    assert new >= dates.ready["wind"] + 3 * HOUR + 2 * TICKS_PER_WEEK


def test_the_stop_waits_for_what_was_ordered():
    plan = {
        "stop_week": 0, "decision_week": 1, "order_weeks": 2,
        "tasks": {"stop": {"after": ["delivery.film"]}},
        "stations": {"film": {"action": "replace", "delivery_weeks": 4, "duration_weeks": 3, "capex_musd": 2.0}},
        "payment": {"order_share": 0.25, "delivery_share": 0.5, "acceptance_share": 0.25},
    }  # fmt: skip
    recorder, controller, _ = convert(plan)
    dates = controller.plan
    assert dates.stop == 7 * TICKS_PER_WEEK
    assert max(now for now, product in recorder.film if product == "ev") <= dates.stop + 2 * HOUR
    assert [(spend.tick, spend.musd) for spend in dates.capital] == [
        (3 * TICKS_PER_WEEK, 0.5), (7 * TICKS_PER_WEEK, 1.0), (dates.restart, 0.5),
    ]  # fmt: skip


def test_the_line_lives_through_the_slips_of_its_replicate():
    spec = Conversion.model_validate(SPEC)
    late = PlantConversion(spec, LINE["stations"], delays={"install.film": 2.5, "stop": 1.0})
    simulate_line(
        Line.model_validate(LINE), Run(horizon_h=168 * WEEKS), seed=1, physics=Recorder(), controllers=late.each
    )
    _, on_time, _ = convert()
    assert late.plan.stop == on_time.plan.stop + TICKS_PER_WEEK
    drained = late.plan.drained - on_time.plan.drained
    assert abs(drained - TICKS_PER_WEEK) < 6 * HOUR
    assert late.plan.restart == on_time.plan.restart + drained + round(2.5 * TICKS_PER_WEEK)


def test_people_who_do_not_come_back_take_what_they_know_with_them():
    ramp = Ramp.model_validate({"months_before_start": 18})
    book = RampBook(ramp, {"film": 1, "wind": 1, "age": 1})
    before = book.maturity("film", 0)
    people = {"laid_off_share": 0.8, "not_returning_share": 0.5, "knowledge_share": 0.5}
    _, controller, _ = convert({"people": people, "ramp": {"default": {"learning": {"time_constant_months": 4}}}}, book)
    assert book.maturity("film", controller.plan.restart) == pytest.approx(0.8 * 0.3 * before)
