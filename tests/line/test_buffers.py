"""Queues: order, shortest and longest stay, room in their own unit."""

from __future__ import annotations

import pytest

from cellfab.errors import ConfigError


@pytest.fixture
def queue(fixed):
    """source (every `between` s) -> queue -> server (cycle s) -> out."""

    def make(between, cycle, source=None, **buffer):
        return {
            "sources": {"source": {"interarrival": fixed(between), **(source or {})}},
            "buffers": {"queue": {"from": "source", **buffer}},
            "stations": {"server": {"kind": "serial", "from": "queue", "cycle": fixed(cycle)}},
            "sinks": {"out": {"from": "server"}},
        }

    return make


def hours(seconds):
    return seconds / 3600.0


def test_wait_and_length_of_a_queue(simulate, queue):
    result = simulate(queue(1, 3, {"lots": 4}), 20)
    waits = result.queues["queue"]
    # Arrivals at 1, 2, 3, 4; service starts at 1, 4, 7, 10.
    assert waits.wait.count == 4
    assert waits.wait.mean_s == pytest.approx((0 + 2 + 4 + 6) / 4)
    assert waits.wait.max_s == 6.0
    assert waits.queue_mean == pytest.approx(12 / 20)
    assert waits.queue_max == 2


def test_priority_overtakes_but_does_not_interrupt(simulate, queue, recorder):
    source = {"products": {"low": 2, "high": 1}, "priority": {"low": 1, "high": 0}, "lots": 6}
    simulate(queue(1, 5, source, order="priority"), 60, physics=recorder)
    # Arrivals low low high low low high at 1..6; served: 0, then high 2, 5, then low in order.
    assert [ordinal for ordinal, _ in recorder.out] == [0, 2, 5, 1, 3, 4]


def test_minimum_wait(simulate, queue, recorder):
    simulate(queue(4, 1, minimum_wait_h=hours(10)), 30, physics=recorder)
    assert recorder.of("server") == [(0, 14.0, 15.0), (1, 18.0, 19.0), (2, 22.0, 23.0), (3, 26.0, 27.0)]


def test_overstayed_lots_are_scrapped(simulate, queue, recorder):
    result = simulate(queue(2, 7, maximum_wait_h=hours(4)), 40, physics=recorder)
    # Served at 2, 9, 16, 23, 30, 37; each time the oldest that has waited at most 4 s.
    served = [start - 2.0 * (ordinal + 1) for ordinal, start, _ in recorder.of("server")]
    assert max(served) <= 4.0
    assert all(when == 2.0 * (ordinal + 1) + 4.0 for _, ordinal, when in recorder.thrown)
    waiting = result.queues["queue"]
    assert waiting.expired == len(recorder.thrown) == result.lots_scrapped
    assert waiting.queue_max == 2


def test_leaving_at_the_last_tick_is_in_time(simulate, queue, recorder):
    simulate(queue(2, 4, {"lots": 2}, maximum_wait_h=hours(2)), 40, physics=recorder)
    # The second lot arrives at 4 and the server is free at 6.
    assert recorder.thrown == []
    assert [end for _, end in recorder.out] == [6.0, 10.0]


def test_expired_lots_go_back(simulate, fixed, recorder):
    spec = {
        "sources": {"source": {"interarrival": fixed(10), "lots": 3}},
        "buffers": {
            "before": {"from": "source"},
            "dried": {"from": "dry", "maximum_wait_h": hours(5), "on_expiry": "redo", "redo_at": "before"},
        },
        "stations": {
            "dry": {"kind": "serial", "from": "before", "cycle": fixed(2)},
            "pack": {"kind": "serial", "from": "dried", "cycle": fixed(18)},
        },
        "sinks": {"out": {"from": "pack"}},
    }
    result = simulate(spec, 100, physics=recorder)
    # Lot 1 is dried at 22, expires at 27, is dried again and taken at 30; lot 2 expires at 37 and 44.
    assert recorder.of("dry")[:3] == [(0, 10.0, 12.0), (1, 20.0, 22.0), (1, 27.0, 29.0)]
    assert recorder.of("pack")[1] == (1, 30.0, 48.0)
    assert [ordinal for ordinal, _ in recorder.out] == [0, 1, 2]
    assert recorder.thrown == []
    assert result.queues["dried"].expired == 3


def test_expired_lots_may_wait_anew_in_the_same_queue(simulate, queue, recorder):
    spec = queue(1, 8, {"lots": 3}, maximum_wait_h=hours(3), on_expiry="redo", redo_at="queue", capacity=2)
    result = simulate(spec, 60, physics=recorder)
    # Lot 1 enters at 2 and starts anew at 5 and 8, behind lot 2 (3, 6), which is therefore served at 9, in time;
    # lot 1 starts anew at 11 and 14 and is served at 17, again in time.
    assert [ordinal for ordinal, _ in recorder.out] == [0, 2, 1]
    assert result.queues["queue"].expired == 1 + 4
    assert result.queues["queue"].queue_max == 2


def test_room_is_counted_in_the_unit_of_the_buffer(simulate, fixed, recorder):
    spec = {
        "sources": {"rolls": {"unit": "m", "amount": 400.0}},
        "buffers": {"rack": {"from": "coat", "capacity": 1000.0}},
        "stations": {
            "coat": {"kind": "web", "from": "rolls", "speed_m_per_min": 24.0},
            "slit": {"kind": "web", "from": "rack", "speed_m_per_min": 0.24},
        },
        "sinks": {"out": {"from": "slit"}},
    }
    result = simulate(spec, 50_000, physics=recorder)
    # One roll on the slitter, two on the rack (800 m), one held by the coater.
    assert len(recorder.of("coat")) == 4
    assert result.queues["rack"].level_max == 800.0
    assert result.queues["rack"].queue_max == 2


def test_ten_tenths_fit_into_one(simulate, fixed):
    spec = {
        "sources": {"source": {"unit": "kg", "amount": 0.1, "lots": 11}},
        "buffers": {"silo": {"from": "source", "capacity": 1.0}},
        "stations": {"mix": {"kind": "batch", "from": "silo", "cycle": fixed(1000)}},
        "sinks": {"out": {"from": "mix"}},
    }
    result = simulate(spec, 10)
    assert result.queues["silo"].queue_max == 10
    assert result.stations["mix"].lots_in == 1


def test_a_large_lot_is_not_overtaken_by_a_small_one(simulate, fixed, recorder):
    spec = {
        "sources": {
            "large": {"interarrival": fixed(2), "amount": 3.0, "unit": "kg", "lots": 1},
            "small": {"interarrival": fixed(1), "amount": 1.0, "unit": "kg", "lots": 4},
        },
        "buffers": {"silo": {"from": ["large", "small"], "capacity": 3.0}},
        "stations": {"mix": {"kind": "batch", "from": "silo", "cycle": fixed(10)}},
        "sinks": {"out": {"from": "mix"}},
    }
    simulate(spec, 100, physics=recorder)
    # small 0 at 1 goes straight through; at 2 the large one and small 1 arrive together: the one written first enters.
    # The silo is then full until 11; the other small ones follow in order.
    assert [(ordinal, end) for ordinal, end in recorder.out] == [(0, 11.0), (0, 21.0), (1, 31.0), (2, 41.0), (3, 51.0)]


def test_arrivals_wait_outside(simulate, queue):
    result = simulate(queue(1, 4, {"lots": 6}, capacity=1), 40)
    outside, inside = result.queues["source"], result.queues["queue"]
    # Arrivals 1..6; starts 1, 5, 9, 13, 17, 21; into the queue at 1, 2, 5, 9, 13, 17.
    assert outside.wait.mean_s == pytest.approx((0 + 0 + 2 + 5 + 8 + 11) / 6)
    assert outside.queue_max == 3
    assert inside.queue_max == 1
    assert result.lead_time.mean_s == pytest.approx(sum(4 + 4 * k - k for k in range(6)) / 6)


def test_arrivals_are_lost_when_full(simulate, queue):
    result = simulate(queue(1, 4, {"when_full": "lost"}, capacity=1), 40.5)
    # One in service, one waiting: of each four arrivals one gets in (and one more at the start).
    assert result.sources["source"].arrivals == 40
    assert result.sources["source"].lost == 40 - 11
    assert result.lots_lost == 29
    assert "source" not in result.queues


def test_an_arrival_at_the_tick_of_a_departure_finds_room(simulate, queue):
    result = simulate(queue(2, 2, {"when_full": "lost"}, capacity=0), 20)
    assert result.sources["source"].lost == 0


def test_a_lot_that_never_fits_is_an_error(simulate, fixed):
    spec = {
        "sources": {"source": {"unit": "kg", "amount": 5.0}},
        "buffers": {"silo": {"from": "source", "capacity": 3.0}},
        "stations": {"mix": {"kind": "batch", "from": "silo", "cycle": fixed(1)}},
        "sinks": {"out": {"from": "mix"}},
    }
    with pytest.raises(ConfigError, match="silo"):
        simulate(spec, 10)
