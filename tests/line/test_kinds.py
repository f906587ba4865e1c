"""Station kinds: batch, web and dwell, merges and splits."""

from __future__ import annotations

import pytest

from cellfab.errors import ConfigError
from cellfab.line.physics import Processed


@pytest.fixture
def station(fixed):
    def make(spec, source=None, **more):
        return {
            "sources": {"source": source or {}},
            "stations": {"s": {"from": "source", **spec}},
            "sinks": {"out": {"from": "s"}},
            **more,
        }

    return make


def test_a_batch_collects_then_holds_all(simulate, fixed, station, recorder):
    spec = station({"kind": "batch", "cycle": fixed(10), "batch_lots": 3}, {"interarrival": fixed(2)})
    result = simulate(spec, 37, physics=recorder)
    # Arrivals 2, 4, 6: 6-16; five wait outside by then, three enter at 16: 16-26, and so on.
    assert recorder.out == [(k, 16.0 + 10 * (k // 3)) for k in range(9)]
    assert result.stations["s"].lots_in == 12


def test_a_batch_of_another_product_is_begun_short(simulate, fixed, station, recorder):
    source = {"products": {"a": 2, "b": 3}, "lots": 5}
    simulate(station({"kind": "batch", "cycle": fixed(10), "batch_lots": 3}, source), 50, physics=recorder)
    assert recorder.out == [(0, 10.0), (1, 10.0), (2, 20.0), (3, 20.0), (4, 20.0)]


def test_the_last_batch_may_be_short(simulate, fixed, station, recorder):
    spec = station({"kind": "batch", "cycle": fixed(10), "batch_lots": 4}, {"interarrival": fixed(1), "lots": 6})
    result = simulate(spec, 50, physics=recorder)
    assert recorder.out == [(k, 14.0) for k in range(4)] + [(4, 24.0), (5, 24.0)]
    assert result.lots_inside == 0


def test_charges_per_cycle(simulate, fixed, station, recorder):
    spec = station({"kind": "batch", "cycle": fixed(10), "charges_per_cycle": 4}, {"parts_per_lot": 10})
    simulate(spec, 61, physics=recorder)
    assert [end for _, end in recorder.out] == [30.0, 60.0]


def test_web_takes_length_over_speed_and_a_splice(simulate, fixed, station, recorder, states):
    spec = station({"kind": "web", "speed_m_per_min": 60.0, "splice": fixed(5)}, {"unit": "m", "amount": 100.0})
    result = simulate(spec, 211, physics=recorder)
    assert recorder.out == [(0, 105.0), (1, 210.0)]
    assert states(result, "s") == {"working": 200.0, "setup": 11.0}


def test_web_wants_metres(simulate, station, recorder):
    spec = station({"kind": "web", "speed_m_per_min": 60.0, "step": "dry_film"}, {"unit": "kg", "amount": 7.0})
    with pytest.raises(ConfigError, match="takes metres"):
        simulate(spec, 200, physics=recorder)


def test_dwell_holds_many_at_once(simulate, fixed, station, recorder, states):
    spec = station({"kind": "dwell", "minimum": fixed(10), "capacity": 3.0}, {"interarrival": fixed(2)})
    result = simulate(spec, 30.5, physics=recorder)
    # Three enter at 2, 4, 6; the next ones as each leaves at 12, 14, 16, 22, ...
    assert recorder.out == [(0, 12.0), (1, 14.0), (2, 16.0), (3, 22.0), (4, 24.0), (5, 26.0)]
    assert states(result, "s") == {"starved": 2.0, "working": 28.5}
    assert result.queues["s"].queue_max == 3


def test_dwell_keeps_what_nobody_takes_and_scraps_it_when_it_has_overstayed(simulate, fixed, recorder, states):
    spec = {
        "sources": {"source": {"interarrival": fixed(10)}},
        "stations": {
            "wet": {"kind": "dwell", "from": "source", "minimum": fixed(2), "maximum_h": 7 / 3600},
            "fill": {"kind": "serial", "from": "wet", "cycle": fixed(26)},
        },
        "sinks": {"out": {"from": "fill"}},
    }
    result = simulate(spec, 60, physics=recorder)
    assert recorder.of("fill") == [(0, 12.0, 38.0)]
    assert recorder.thrown == [("wet", 1, 27.0), ("wet", 2, 37.0), ("wet", 4, 57.0)]
    assert result.queues["wet"].expired == 3
    # Lots 1, 2 and 4 sit ready for 5 s each; lot 3, taken at 42, does not.
    assert states(result, "wet") == {"starved": 35.0, "working": 10.0, "blocked": 15.0}


def test_dwell_starts_anew(simulate, fixed, recorder):
    spec = {
        "sources": {"source": {"interarrival": fixed(10), "lots": 2}},
        "stations": {
            "wet": {"kind": "dwell", "from": "source", "minimum": fixed(2), "maximum_h": 7 / 3600, "on_expiry": "redo"},
            "fill": {"kind": "serial", "from": "wet", "cycle": fixed(16)},
        },
        "sinks": {"out": {"from": "fill"}},
    }
    result = simulate(spec, 60, physics=recorder)
    # Lot 1: ready at 22, anew at 27, ready again at 29.
    assert recorder.of("fill") == [(0, 12.0, 28.0), (1, 29.0, 45.0)]
    assert result.queues["wet"].expired == 1


def test_dwell_is_shut_in_planned_stops(simulate, fixed, station, recorder, states):
    day = {"cycle_h": 20 / 3600, "working": {"day": {"start_h": 0, "end_h": 10 / 3600}}}
    spec = station({"kind": "dwell", "minimum": fixed(4), "calendar": "shift"}, {"interarrival": fixed(7)})
    spec["calendars"] = {"shift": day}
    result = simulate(spec, 45, physics=recorder)
    # In at 7 (ready 11, out at 20); 14 enters at 20, out 24; 21 out 25; 28 ready at 32, out 40; 35 enters at 40.
    assert recorder.out == [(0, 20.0), (1, 24.0), (2, 25.0), (3, 40.0), (4, 44.0)]
    assert states(result, "s")["planned"] == 20.0


@pytest.mark.parametrize(
    ("more", "message"),
    [({"parallel": 2}, "parallel"), ({"failures": "jam"}, "failures"), ({"changeover": "any"}, "changeover")],
)
def test_dwell_refuses_what_it_cannot_do(simulate, fixed, station, more, message):
    if "failures" in more:
        more = {"failures": {"jam": {"time_to_failure": fixed(5), "time_to_repair": fixed(5)}}}
    if "changeover" in more:
        more = {"changeover": {"duration": fixed(5)}}
    with pytest.raises(ConfigError, match=message):
        simulate(station({"kind": "dwell", "minimum": fixed(1), "capacity": 5.0, **more}, {"lots": 2}), 10)


def test_merge_waits_for_all(simulate, fixed, recorder):
    spec = {
        "sources": {"cathode": {"interarrival": fixed(5)}, "anode": {"interarrival": fixed(3)}},
        "buffers": {"cathodes": {"from": "cathode"}, "anodes": {"from": "anode"}},
        "stations": {"wind": {"kind": "serial", "from": {"cathodes": 1, "anodes": 2}, "cycle": fixed(1)}},
        "sinks": {"out": {"from": "wind"}},
    }
    result = simulate(spec, 20.5)
    # Anodes come in pairs at 6, 12, 18; cathodes at 5, 10, 15.
    assert result.lots_finished == 3
    assert result.lead_time.mean_s == pytest.approx(4.0)  # the oldest part of each: anode 3 -> 7, 9 -> 13, 15 -> 19
    assert result.queues["cathodes"].wait.mean_s == pytest.approx((1 + 2 + 3) / 3)
    assert result.stations["wind"].lots_in == 9
    assert result.stations["wind"].lots_out == 3


def test_split_and_change_of_unit(simulate, fixed, recorder):
    spec = {
        "sources": {"powder": {"unit": "kg", "amount": 300.0, "lots": 2}},
        "stations": {
            "film": {
                "kind": "batch", "from": "powder", "cycle": fixed(10),
                "output": {"lots": 3, "unit": "m", "amount": 200.0},
            },
            "cut": {
                "kind": "web", "from": "films", "speed_m_per_min": 600.0, "output": {"unit": "cells", "amount": 40}
            },
            "load": {"kind": "serial", "from": "cells", "cycle": fixed(0.5), "output": {"unit": "trays", "amount": 1}},
        },
        "buffers": {"films": {"from": "film", "unit": "m"}, "cells": {"from": "cut", "unit": "cells", "capacity": 100}},
        "sinks": {"out": {"from": "load"}},
    }  # fmt: skip
    result = simulate(spec, 500)
    assert result.lots_finished == 6
    assert result.sinks["out"].parts == {"part": 240}
    assert result.queues["films"].level_max == 1000.0  # at 20 s: two left of the first powder, three of the second
    # A lot of 40 cells takes 40 cycles of 0.5 s.
    assert result.stations["load"].state_ticks[0] == 6 * 20 * 10**6


def test_pieces_of_a_split_share_the_parts(simulate, fixed):
    spec = {
        "sources": {"source": {"parts_per_lot": 10, "lots": 1, "amount": 10.0}},
        "stations": {
            "split": {"kind": "batch", "from": "source", "cycle": fixed(1), "output": {"lots": 4}},
            "count": {"kind": "serial", "from": "split", "cycle": fixed(1)},
        },
        "sinks": {"out": {"from": "count"}},
    }
    result = simulate(spec, 100)
    assert result.sinks["out"].lots == {"part": 4}
    assert result.sinks["out"].parts == {"part": 10}


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_a_piece_takes_the_room_of_its_parts(simulate, fixed, parts):
    spec = {
        "sources": {"source": {"lots": 1, "amount": parts, "parts_per_lot": parts}},
        "stations": {
            "split": {"kind": "serial", "from": "source", "cycle": fixed(0), "output": {"lots": 2}},
            "count": {"kind": "serial", "from": "room", "cycle": fixed(1)},
        },
        "buffers": {"room": {"from": "split", "minimum_wait_h": 0.001}},
        "sinks": {"out": {"from": "count"}},
    }
    result = simulate(spec, 100)
    assert result.sinks["out"].parts == {"part": max(parts, 2)}
    assert result.queues["room"].level_max == max(parts, 2)
    spec["buffers"]["room"]["capacity"] = 0.5
    with pytest.raises(ConfigError, match=r"never fit|one lot is 1"):
        simulate(spec, 100)


@pytest.mark.parametrize(
    ("change", "lots"),
    [
        ({"output": {"lots": 2}}, 2),
        ({"output": {"lots": 4}}, 3),  # no fourth piece without a part
        ({"output": {"unit": "m"}}, 1),
        ({"from": {"pressed": 1, "lids": 1}}, 1),
        ({"from": {"pressed": 1, "lids": 1}, "output": {"lots": 3}}, 3),
    ],
)
def test_what_was_scrapped_does_not_come_back(simulate, fixed, change, lots):
    # Strikes in the third of 4 parts.
    jam = {"time_to_failure": fixed(2.5), "time_to_repair": fixed(1), "fate": "scrap"}
    spec = {
        "sources": {"blanks": {"parts_per_lot": 4, "lots": 1}, "lids": {"lots": 1}},
        "stations": {
            "press": {"kind": "serial", "from": "blanks", "cycle": fixed(1), "failures": {"jam": jam}},
            "close": {"kind": "serial", "from": "pressed", "cycle": fixed(1), **change},
            "count": {"kind": "serial", "from": "close", "cycle": fixed(1)},
        },
        "buffers": {"pressed": {"from": "press"}},
        "sinks": {"out": {"from": "count"}, "unused": {"from": "lids"}},
    }
    if "from" in change:
        del spec["sinks"]["unused"]
    result = simulate(spec, 100)
    assert result.sinks["out"].lots == {"part": lots}
    assert result.sinks["out"].parts == {"part": 3}
    assert result.stations["count"].state_ticks[0] == 3 * 10**6


def test_counted_units_need_whole_numbers(simulate, fixed):
    spec = {
        "sources": {"source": {"unit": "m", "amount": 10.0}},
        "stations": {"cut": {"kind": "batch", "from": "source", "cycle": fixed(1), "output": {"unit": "cells"}}},
        "sinks": {"out": {"from": "cut"}},
    }
    assert simulate(spec, 5).sinks["out"].parts == {"part": 40}
    spec["sources"]["source"]["amount"] = 10.5
    with pytest.raises(ConfigError, match="whole number"):
        simulate(spec, 5)


class TestPhysics:
    """The joint with the cell physics."""

    def test_the_recipe_decides_the_time_and_stops_are_down_time(self, simulate, fixed, station, recorder, states):
        recorder.process = lambda name, lots, now: Processed(lots[0], seconds=7.0, stops_s=2.0)
        result = simulate(station({"kind": "serial", "cycle": fixed(1)}), 20, physics=recorder)
        assert recorder.of("s") == [(0, 0.0, 9.0), (1, 9.0, 18.0)]
        assert states(result, "s") == {"working": 16.0, "down": 4.0}

    def test_dead_rows_take_no_time_and_dead_lots_are_dropped(self, simulate, fixed, recorder):
        def process(name, lots, now):
            lot = lots[0]
            if name == "weld":
                lot.scrap(lot.alive() & (lot.ordinal == 1), 7)
                mask = lot.alive()
                mask[2:] = False
                lot.scrap(mask, 7)
            return Processed(lot)

        recorder.process = process
        spec = {
            "sources": {"source": {"parts_per_lot": 5}},
            "stations": {
                "weld": {"kind": "serial", "from": "source", "cycle": fixed(1)},
                "test": {"kind": "serial", "from": "weld", "cycle": fixed(1)},
            },
            "sinks": {"out": {"from": "test"}},
        }
        result = simulate(spec, 20.5, physics=recorder)
        # Two of five rows die at the weld, which still takes 5 s; of lot 1 all do.
        assert recorder.of("weld")[:3] == [(0, 0.0, 5.0), (1, 5.0, 10.0), (2, 10.0, 15.0)]
        assert recorder.of("test") == [(0, 5.0, 8.0), (2, 15.0, 18.0)]
        assert recorder.thrown == [("weld", 1, 10.0)]
        assert result.sinks["out"].parts == {"part": 6}

    def test_a_merging_step_gets_all_its_lots(self, simulate, fixed, recorder):
        seen = []
        merge = recorder.process

        def process(name, lots, now):
            seen.append((name, [lot.material for lot in lots]))
            return merge(name, lots, now)

        recorder.process = process
        spec = {
            "sources": {"c": {"material": "cathode"}, "a": {"material": "anode"}},
            "buffers": {"cathodes": {"from": "c", "capacity": 1}, "anodes": {"from": "a", "capacity": 1}},
            "stations": {"wind": {"kind": "serial", "from": {"cathodes": 1, "anodes": 1}, "cycle": fixed(1)}},
            "sinks": {"out": {"from": "wind"}},
        }
        result = simulate(spec, 2.5, physics=recorder)
        assert seen == [("wind", ["cathode", "anode"])] * 3
        assert result.lots_finished == 2

    def test_a_dwell_step_says_how_long(self, simulate, fixed, station, recorder):
        recorder.process = lambda name, lots, now: Processed(lots[0], seconds=20.0)
        simulate(station({"kind": "dwell", "minimum": fixed(1), "capacity": 2.0}), 50, physics=recorder)
        assert recorder.of("s") == [(0, 0.0, 20.0), (1, 0.0, 20.0), (2, 20.0, 40.0), (3, 20.0, 40.0)]

    def test_length_of_a_web_comes_from_the_lot(self, simulate, station, recorder):
        def process(name, lots, now):
            lots[0].attributes["length_m"] = 30.0
            return Processed(lots[0])

        recorder.process = process
        simulate(station({"kind": "web", "speed_m_per_min": 60.0}, {"unit": "m", "amount": 99.0}), 40, physics=recorder)
        assert recorder.out == [(0, 30.0)]

    @pytest.mark.parametrize(("recipe_s", "takes_s"), [(10.0, 30.0), (45.0, 45.0), (None, 30.0)])
    def test_a_web_runs_at_the_slower_of_its_own_and_its_recipes_speed(
        self, simulate, station, recorder, recipe_s, takes_s
    ):
        def process(name, lots, now):
            lots[0].attributes["length_m"] = 30.0
            return Processed(lots[0], seconds=recipe_s, stops_s=5.0)

        recorder.process = process
        simulate(station({"kind": "web", "speed_m_per_min": 60.0}, {"unit": "m", "amount": 99.0}), 60, physics=recorder)
        assert recorder.out[0] == (0, takes_s + 5.0)

    def test_a_step_does_not_split(self, simulate, fixed, station, recorder):
        with pytest.raises(ConfigError, match=r"output\.lots"):
            simulate(station({"kind": "serial", "cycle": fixed(1), "output": {"lots": 2}}), 5, physics=recorder)
