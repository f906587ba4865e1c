"""Small deterministic lines, whose every move is known to the tick."""

from __future__ import annotations

import pytest


def line(fixed, *cycles, capacity=None, lots=None, interarrival=None, parallel=None):
    """A row of stations s0, s1, ... with buffers b1, b2, ... between them (None: handed over directly)."""
    stations, buffers, giver = {}, {}, "source"
    for index, cycle in enumerate(cycles):
        if index and capacity is not None:
            buffers[f"b{index}"] = {"from": giver, "capacity": capacity}
            giver = f"b{index}"
        stations[f"s{index}"] = {"kind": "serial", "from": giver, "cycle": fixed(cycle)}
        if parallel:
            stations[f"s{index}"]["parallel"] = parallel[index]
        giver = f"s{index}"
    source = {} if lots is None else {"lots": lots}
    if interarrival is not None:
        source["interarrival"] = fixed(interarrival)
    return {"sources": {"source": source}, "buffers": buffers, "stations": stations, "sinks": {"out": {"from": giver}}}


def test_slowest_station_sets_the_pace(simulate, fixed, recorder):
    simulate(line(fixed, 1, 3, 2, capacity=2), 20, physics=recorder)
    assert recorder.out == [(k, 6.0 + 3 * k) for k in range(5)]


def test_handed_over_directly_blocks_after_service(simulate, fixed, recorder, states):
    result = simulate(line(fixed, 1, 4), 21, physics=recorder)
    # s0 finishes lot 1 at 2 s, holds it until s1 takes it at 5 s, and so on every 4 s.
    assert recorder.of("s0") == [(0, 0.0, 1.0), (1, 1.0, 2.0), (2, 5.0, 6.0), (3, 9.0, 10.0), (4, 13.0, 14.0),
                                 (5, 17.0, 18.0)]  # fmt: skip
    assert recorder.of("s1") == [(k, 1.0 + 4 * k, 5.0 + 4 * k) for k in range(4)]
    assert states(result, "s0") == {"working": 6.0, "blocked": 15.0}
    assert states(result, "s1") == {"starved": 1.0, "working": 20.0}


def test_a_buffer_holds_as_many_as_it_says_besides_those_in_machines(simulate, fixed, recorder):
    simulate(line(fixed, 1, 100, capacity=3), 50, physics=recorder)
    # One lot in s1, three in the buffer, one finished and held by s0.
    assert [end for _, _, end in recorder.of("s0")] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_capacity_zero_is_a_direct_hand_over(simulate, fixed):
    direct = simulate(line(fixed, 1, 4), 400)
    through = simulate(line(fixed, 1, 4, capacity=0), 400)
    assert direct.lots_finished == through.lots_finished
    assert (direct.stations["s0"].state_ticks == through.stations["s0"].state_ticks).all()


def test_parallel_units_take_turns(simulate, fixed, recorder):
    simulate(line(fixed, 3, parallel=[3], interarrival=1), 12, physics=recorder)
    assert recorder.of("s0") == [(k, 1.0 + k, 4.0 + k) for k in range(8)]


def test_the_horizon_itself_is_not_part_of_the_run(simulate, fixed):
    assert simulate(line(fixed, 2), 10).lots_finished == 4
    assert simulate(line(fixed, 2), 10.000001).lots_finished == 5


def test_lots_run_out(simulate, fixed, recorder, states):
    result = simulate(line(fixed, 1, 2, capacity=1, lots=3), 100, physics=recorder)
    assert recorder.out == [(0, 3.0), (1, 5.0), (2, 7.0)]
    assert result.lots_inside == 0
    assert states(result, "s1") == {"starved": 94.0, "working": 6.0}


def test_warm_up_is_cut_off(simulate, fixed, states):
    result = simulate(line(fixed, 1, 2, capacity=5), 100, warmup=20)
    assert states(result, "s1") == {"working": 80.0}
    assert result.sinks["out"].parts == {"part": 40}  # at 21, 23, ... 99 s
    assert result.lead_time.count == 40


def test_weeks_add_up(simulate, fixed):
    week = 604_800
    seen = []
    result = simulate(line(fixed, 3600, 7200, capacity=2), 2.5 * week, progress=seen.append)
    assert seen == [week * 10**6, 2 * week * 10**6, int(2.5 * week) * 10**6]
    station = result.stations["s1"]
    assert station.weekly_ticks.shape == (3, 8)
    assert (station.weekly_ticks.sum(axis=0) == station.state_ticks).all()
    assert [sum(week.values()) for week in result.sinks["out"].weekly_parts] == [83, 84, 42]


def test_a_lot_of_many_parts_takes_many_cycles(simulate, fixed, recorder):
    spec = line(fixed, 2)
    spec["sources"]["source"]["parts_per_lot"] = 5
    result = simulate(spec, 31, physics=recorder)
    assert recorder.out == [(0, 10.0), (1, 20.0), (2, 30.0)]
    assert result.sinks["out"].parts == {"part": 15}


def test_recording_changes_nothing(simulate, exponential, recorder):
    spec = line(exponential, 1.0, 1.2, 0.9, capacity=2, parallel=[1, 2, 1])
    plain = simulate(spec, 2000)
    recorded = simulate(spec, 2000, physics=recorder)
    assert plain.lots_finished == recorded.lots_finished == len(recorder.out)
    for name, station in plain.stations.items():
        assert (station.state_ticks == recorded.stations[name].state_ticks).all()
    assert plain.queues == recorded.queues


def test_no_time_at_all_passes_lots_on(simulate, fixed):
    result = simulate(line(fixed, 0, 0, capacity=1, interarrival=1), 10.5)
    assert result.lots_finished == 10
    assert result.lead_time.max_s == 0.0


def test_any_of_several_feeds_in_the_order_written(simulate, fixed, recorder):
    spec = {
        "sources": {"rush": {"interarrival": fixed(10), "products": {"rush": 1}}, "bulk": {"products": {"bulk": 1}}},
        "buffers": {"rushes": {"from": "rush"}},
        "stations": {"cut": {"kind": "serial", "from": ["rushes", "bulk"], "cycle": fixed(4)}},
        "sinks": {"out": {"from": "cut"}},
    }
    result = simulate(spec, 100, physics=recorder)
    # At each tenth second a rush lot arrives and is next when the running lot is done.
    assert result.sinks["out"].lots == {"rush": 9, "bulk": 15}
    assert result.queues["rushes"].wait.max_s == 2.0


def test_the_unit_that_has_waited_longest_is_served_first(simulate, fixed, recorder):
    spec = {
        "sources": {"source": {"interarrival": fixed(5), "lots": 4}},
        "buffers": {"queue": {"from": "source"}},
        "stations": {
            "first": {"kind": "serial", "from": "queue", "cycle": fixed(1)},
            "second": {"kind": "serial", "from": "queue", "cycle": fixed(1)},
        },
        "sinks": {"out": {"from": ["first", "second"]}},
    }
    simulate(spec, 100, physics=recorder)
    # Equal waits at the start: as written; then whoever has been idle longer.
    assert [station for station, *_ in recorder.work] == ["first", "second", "first", "second"]


def test_blocked_longest_enters_first(simulate, fixed, recorder):
    spec = {
        "sources": {"a": {}, "b": {}},
        "stations": {
            "fast": {"kind": "serial", "from": "a", "cycle": fixed(3)},
            "slow": {"kind": "serial", "from": "b", "cycle": fixed(2)},
            "last": {"kind": "serial", "from": "queue", "cycle": fixed(10)},
        },
        "buffers": {"queue": {"from": ["fast", "slow"], "capacity": 1}},
        "sinks": {"out": {"from": "last"}},
    }
    simulate(spec, 45, physics=recorder)
    # slow at 2 (into last), fast at 3 (into the queue), slow blocked since 4, fast since 6: they alternate.
    assert [end for _, _, end in recorder.of("slow")] == [2.0, 4.0, 14.0, 34.0]
    assert [end for _, _, end in recorder.of("fast")] == [3.0, 6.0, 25.0, 45.0][:3]


def test_two_buffers_behind_one_station_fill_in_the_order_written(simulate, fixed, recorder):
    spec = {
        "sources": {"source": {}},
        "stations": {
            "make": {"kind": "serial", "from": "source", "cycle": fixed(1)},
            "pack_a": {"kind": "serial", "from": "a", "cycle": fixed(4)},
            "pack_b": {"kind": "serial", "from": "b", "cycle": fixed(4)},
        },
        "buffers": {"a": {"from": "make", "capacity": 1}, "b": {"from": "make", "capacity": 1}},
        "sinks": {"out": {"from": ["pack_a", "pack_b"]}},
    }
    simulate(spec, 20.5, physics=recorder)
    assert [ordinal for ordinal, _, _ in recorder.of("pack_a")][:2] == [0, 1]
    assert [ordinal for ordinal, _, _ in recorder.of("pack_b")][:2] == [2, 3]


@pytest.mark.parametrize("seed", [1, 2])
def test_same_seed_same_result(simulate, exponential, seed):
    spec = line(exponential, 1.0, 1.1, capacity=3)
    assert repr(simulate(spec, 3000, seed=seed)) == repr(simulate(spec, 3000, seed=seed))
    assert simulate(spec, 3000, seed=seed).lead_time != simulate(spec, 3000, seed=seed + 10).lead_time
    assert simulate(spec, 3000, seed=seed).lead_time != simulate(spec, 3000, seed=seed, replicate=1).lead_time
