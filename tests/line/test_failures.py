"""Failures, repairs, crews, planned stops and changeovers, to the tick."""

from __future__ import annotations

import pytest

from cellfab.config.line_spec import Line
from cellfab.config.run_spec import Run
from cellfab.line.flow import simulate_line
from cellfab.line.line_run import LineRun
from cellfab.ramp.pace import Pace


@pytest.fixture
def one_station(fixed):
    def make(cycle, source=None, **station):
        return {
            "sources": {"source": source or {}},
            "stations": {"s": {"kind": "serial", "from": "source", "cycle": fixed(cycle), **station}},
            "sinks": {"out": {"from": "s"}},
            "crews": {"crew": {"size": 1}},
        }

    return make


@pytest.fixture
def mode(fixed):
    def make(to_failure, to_repair, **more):
        return {"time_to_failure": fixed(to_failure), "time_to_repair": fixed(to_repair), **more}

    return make


def test_operation_dependent_clock_counts_only_work(simulate, fixed, one_station, mode, recorder, states):
    spec = one_station(4, {"interarrival": fixed(10)}, failures={"jam": mode(6, 3)})
    result = simulate(spec, 60, physics=recorder)
    # Fails 2 s into lot 1; then exactly at the end of lot 2, which is finished first: the failure meets lot 3.
    assert recorder.of("s") == [(0, 10.0, 14.0), (1, 20.0, 27.0), (2, 30.0, 34.0), (3, 40.0, 47.0), (4, 50.0, 57.0)]
    assert states(result, "s") == {"working": 20.0, "down": 9.0, "starved": 31.0}
    assert result.stations["s"].failures == 3


def test_time_dependent_clock_runs_while_starved(simulate, fixed, one_station, mode, recorder, states):
    spec = one_station(4, {"interarrival": fixed(10)}, failures={"jam": mode(8, 4, clock="time_dependent")})
    result = simulate(spec, 41, physics=recorder)
    # Down 8-12, 20-24, 32-36: the next failure is due 8 s after the end of a repair.
    assert recorder.of("s") == [(0, 12.0, 16.0), (1, 24.0, 28.0), (2, 30.0, 38.0)]
    assert states(result, "s") == {"working": 13.0, "down": 12.0, "starved": 16.0}


def test_time_dependent_clock_runs_while_blocked_and_the_lot_may_leave(simulate, fixed, mode, recorder, states):
    jam = {"jam": mode(5, 6, clock="time_dependent")}
    spec = {
        "sources": {"source": {}},
        "stations": {
            "s": {"kind": "serial", "from": "source", "cycle": fixed(2), "failures": jam},
            "t": {"kind": "serial", "from": "s", "cycle": fixed(8)},
        },
        "sinks": {"out": {"from": "t"}},
    }
    result = simulate(spec, 14, physics=recorder)
    # s: lot 0 at 2, lot 1 at 4 and blocked; down 5-11; t takes lot 1 at 10 although s is down; lot 2 from 11 to 13.
    assert recorder.of("s") == [(0, 0.0, 2.0), (1, 2.0, 4.0), (2, 11.0, 13.0)]
    assert recorder.of("t") == [(0, 2.0, 10.0)]
    assert states(result, "s") == {"working": 6.0, "blocked": 2.0, "down": 6.0}


def test_scrap_throws_the_part_away_at_the_failure(simulate, one_station, mode, recorder):
    spec = one_station(4, failures={"jam": mode(6, 3, fate="scrap")})
    result = simulate(spec, 40, physics=recorder)
    # Work 0-4, 4-6 lost, down 6-9, 9-13, 13-15 lost, ...
    assert recorder.out == [(0, 4.0), (2, 13.0), (4, 22.0), (6, 31.0)]
    assert recorder.thrown == [("s", 1, 6.0), ("s", 3, 15.0), ("s", 5, 24.0), ("s", 7, 33.0)]
    assert result.lots_scrapped == 4


def test_scrap_of_one_part_spares_the_rest_of_the_lot(simulate, one_station, mode, recorder):
    spec = one_station(4, {"parts_per_lot": 3, "lots": 1}, failures={"jam": mode(6, 3, fate="scrap")})
    result = simulate(spec, 40, physics=recorder)
    # Parts end at 4, 8, 12: the second is lost at 6; after the repair the third takes 9-13.
    assert recorder.out == [(0, 13.0)]
    assert result.sinks["out"].parts == {"part": 2}
    assert result.stations["s"].rows_in == 3
    assert result.stations["s"].rows_out == 2
    assert result.stations["s"].rows_scrapped == 1


def test_the_last_part_of_a_lot_may_be_lost_too(simulate, one_station, mode, recorder):
    spec = one_station(4, {"parts_per_lot": 2, "lots": 1}, failures={"jam": mode(3, 1, fate="scrap")})
    result = simulate(spec, 40, physics=recorder)
    # The first part is lost at 3, the second (from 4 on) at 7.
    assert recorder.out == []
    assert result.lots_scrapped == 1


def test_scrap_takes_a_finished_part_that_is_still_in_the_machine(simulate, fixed, mode, recorder):
    jam = {"jam": mode(5, 1, clock="time_dependent", fate="scrap")}
    spec = {
        "sources": {"source": {"lots": 2}},
        "stations": {
            "s": {"kind": "serial", "from": "source", "cycle": fixed(2), "failures": jam},
            "t": {"kind": "serial", "from": "s", "cycle": fixed(8)},
        },
        "sinks": {"out": {"from": "t"}},
    }
    simulate(spec, 30, physics=recorder)
    assert recorder.thrown == [("s", 1, 5.0)]
    assert recorder.out == [(0, 10.0)]


def test_modes_compete_and_no_clock_runs_while_down(simulate, one_station, mode, states):
    spec = one_station(1, failures={"a": mode(10, 5), "b": mode(4, 1)})
    result = simulate(spec, 36, physics=None)
    # Work 4, b 1, work 4, b 1, work 2, a 5, work 2, b 1, work 4, b 1, work 4, a 5 (first as written), b 1, work 1.
    assert states(result, "s") == {"working": 21.0, "down": 15.0}


def test_a_crew_serves_by_priority_then_by_time(simulate, fixed, mode, recorder, states):
    def station(to_failure, priority):
        jam = mode(to_failure, 10, crew="crew", priority=priority)
        return {"kind": "serial", "from": "source", "cycle": fixed(100), "failures": {"jam": jam}}

    spec = {
        "sources": {"source": {}},
        "stations": {"a": station(1, 1), "b": station(2, 1), "c": station(3, 0), "d": station(2, 1)},
        "sinks": {"out": {"from": ["a", "b", "c", "d"]}},
        "crews": {"crew": {"size": 1}},
    }
    result = simulate(spec, 41.5)
    # a 1-11; c overtakes (rank 0) 11-21; b, written before d, 21-31; c again 31-41; d, waiting longest, 41.
    assert states(result, "a") == {"working": 2.0, "down": 10.0, "waiting_crew": 29.5}
    assert states(result, "c") == {"working": 6.5, "down": 20.0, "waiting_crew": 8.0 + 7.0}
    assert states(result, "b") == {"working": 4.0, "waiting_crew": 19.0 + 8.5, "down": 10.0}
    assert states(result, "d") == {"working": 2.0, "waiting_crew": 39.0, "down": 0.5}
    crew = result.crews["crew"]
    assert crew.busy_mean == pytest.approx(40.5 / 41.5)
    assert crew.wait.count == 5
    assert crew.wait.mean_s == pytest.approx((0 + 8 + 19 + 7 + 39) / 5)
    assert crew.wait.max_s == 39.0
    seconds = {station: work[0] / 1e6 for station, work in crew.weekly_ticks.items()}
    assert seconds == {"a": 10.0, "b": 10.0, "c": 20.0, "d": 0.5}


def test_planned_stop_interrupts_and_resumes(simulate, fixed, one_station, recorder, states):
    day = {"cycle_h": 10 / 3600, "working": {"day": {"start_h": 0, "end_h": 6 / 3600}}}
    spec = one_station(4, calendar="shift") | {"calendars": {"shift": day}}
    result = simulate(spec, 31, physics=recorder)
    # On 0-6, 10-16, 20-26, 30-36.
    assert recorder.of("s") == [(0, 0.0, 4.0), (1, 4.0, 12.0), (2, 12.0, 16.0), (3, 20.0, 24.0), (4, 24.0, 32.0)][:4]
    assert states(result, "s") == {"working": 19.0, "planned": 12.0}


def test_a_repair_goes_on_through_a_planned_stop(simulate, fixed, one_station, mode, recorder, states):
    spec = one_station(
        4, failures={"jam": mode(5, 3)},
        maintenance={"clean": {"every_h": 100, "duration_h": 4 / 3600, "first_h": 6 / 3600}},
    )  # fmt: skip
    result = simulate(spec, 17, physics=recorder)
    # Fails at 5, planned off 6-10 while the repair ends at 8; work goes on at 10 with 3 s left; next failure at 15.
    assert recorder.of("s") == [(0, 0.0, 4.0), (1, 4.0, 13.0)]
    assert states(result, "s") == {"working": 5.0 + 5.0, "down": 1.0 + 2.0, "planned": 4.0}


def test_time_dependent_clocks_stand_still_in_planned_stops(simulate, fixed, one_station, mode, states):
    jam = mode(8, 1, clock="time_dependent")
    spec = one_station(
        1, {"interarrival": fixed(100)}, failures={"jam": jam},
        maintenance={"clean": {"every_h": 100, "duration_h": 5 / 3600, "first_h": 6 / 3600}},
    )  # fmt: skip
    # Starved 0-6, planned 6-11, starved 11-13, down 13-14, starved 14-22, down 22-23.
    assert states(simulate(spec, 22.5), "s") == {"starved": 16.0, "planned": 5.0, "down": 1.5}


def test_changeover_only_between_products(simulate, fixed, one_station, recorder, states):
    changeover = {"duration": fixed(5), "pairs": {"b -> a": fixed(2)}}
    spec = one_station(1, {"products": {"a": 2, "b": 1}}, changeover=changeover)
    result = simulate(spec, 21, physics=recorder)
    # a 0-1, a 1-2, change 2-7, b 7-8, change 8-10, a 10-11, a 11-12, change 12-17, b 17-18, change 18-20, a 20-21.
    assert [end for _, _, end in recorder.of("s")] == [1.0, 2.0, 8.0, 11.0, 12.0, 18.0]
    assert states(result, "s") == {"working": 7.0, "setup": 14.0}


def test_a_time_dependent_failure_may_strike_during_setup(simulate, fixed, one_station, mode, recorder):
    spec = one_station(
        1, {"products": {"a": 1, "b": 1}}, changeover={"duration": fixed(5)},
        failures={"jam": mode(4, 2, clock="time_dependent"), "wear": mode(100, 50)},
    )  # fmt: skip
    simulate(spec, 9.5, physics=recorder)
    # a 0-1, setup 1-4, down 4-6, setup 6-8, b 8-9.
    assert [end for _, _, end in recorder.of("s")] == [1.0, 9.0]


class Ramp:
    """Half speed, failures twice as often, repairs three times as long."""

    def pace(self, station, now):
        return Pace(rate=0.5, time_to_failure=0.5, time_to_repair=3.0)


def test_ramp_factors_stretch_cycles_and_repairs_and_shorten_times_to_failure(
    simulate, one_station, mode, recorder, states
):
    recorder.pace = Ramp().pace
    result = simulate(one_station(2, failures={"jam": mode(12, 1)}), 30, physics=recorder)
    # Cycles of 4 s; a failure after each 6 s of work, 3 s long.
    assert [end for _, _, end in recorder.of("s")] == [4.0, 11.0, 15.0, 22.0, 29.0]
    assert states(result, "s") == {"working": 21.0, "down": 9.0}
    assert result.stations["s"].rate == pytest.approx(0.5)


def test_hold_drains_and_counts_as_converting(simulate, fixed, one_station, recorder, states):
    spec = one_station(4)

    def convert(run: LineRun):
        yield run.env.timeout(5_000_000)
        run.stop_sources()
        yield run.drained()
        assert run.now == 8_000_000
        run.stations["s"].hold(20_000_000)
        run.restart_sources("new", sellable=False)

    result = simulate(spec, 30, physics=recorder, controllers=[convert])
    assert recorder.out == [(0, 4.0), (1, 8.0), (2, 24.0), (3, 28.0)]
    assert states(result, "s") == {"working": 18.0, "converting": 12.0}
    assert result.sinks["out"].lots == {"part": 2, "new": 2}


def test_time_dependent_alarms_do_not_pile_up(exponential):
    spec = Line.model_validate(
        {
            "sources": {"source": {"interarrival": exponential(1.0)}},
            "stations": {
                "s": {
                    "kind": "serial", "from": "source", "cycle": exponential(0.5),
                    "failures": {
                        "rare": {
                            "time_to_failure": exponential(1e6), "time_to_repair": exponential(10.0),
                            "clock": "time_dependent",
                        }
                    },
                }
            },
            "sinks": {"out": {"from": "s"}},
        }
    )  # fmt: skip
    longest = 0

    def watch(run: LineRun):
        nonlocal longest
        while True:
            yield run.env.timeout(60_000_000)
            longest = max(longest, len(run.env._queue))

    simulate_line(spec, Run(horizon_h=1.0), seed=1, controllers=[watch])
    assert longest < 12
