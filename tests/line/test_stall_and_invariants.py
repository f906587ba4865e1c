"""A line that cannot move says why; a broken book is found; a line that cannot work is refused."""

from __future__ import annotations

import pytest

from cellfab.config.line_spec import Line
from cellfab.errors import ConfigError, InvariantError, StallError
from cellfab.line.buffers import Buffer
from cellfab.line.invariants import check_run
from cellfab.line.line_run import LineRun
from cellfab.line.units import Unit


@pytest.fixture
def locked(fixed):
    """Lots go back from a buffer to the one before the station that makes them; the one lid is soon used up."""
    return {
        "sources": {"source": {}, "lid": {"lots": 1}},
        "buffers": {
            "before": {"from": "source", "capacity": 1},
            "after": {
                "from": "dry", "capacity": 1, "maximum_wait_h": 5 / 3600, "on_expiry": "redo", "redo_at": "before"
            },
            "lids": {"from": "lid"},
        },
        "stations": {
            "dry": {"kind": "serial", "from": "before", "cycle": fixed(1)},
            "pack": {"kind": "serial", "from": {"after": 1, "lids": 1}, "cycle": fixed(1)},
        },
        "sinks": {"out": {"from": "pack"}},
    }  # fmt: skip


def test_who_waits_for_whom(simulate, locked):
    with pytest.raises(StallError) as stalled:
        simulate(locked, 1000)
    text = str(stalled.value)
    assert "since 0.00194444 h" in text  # 7 s: the second lot comes at 2 s and expires 5 s later
    assert "with 3 lots inside" in text
    assert "'pack' waits for lots of 'lids', which has 0 of 1" in text
    assert "'dry' holds a finished lot and waits for 'after' to take it" in text
    assert "'after' holds an expired lot and waits for room in 'before'" in text
    assert "circle: before -> dry -> after -> before" in text


def test_found_within_a_week_of_a_long_run(simulate, locked):
    weeks = []
    with pytest.raises(StallError):
        simulate(locked, 604_800 * 52, progress=weeks.append)
    assert weeks == []


def test_a_merge_whose_branch_has_run_out(simulate, fixed):
    spec = {
        "sources": {"cathode": {"lots": 3}, "anode": {"lots": 5}},
        "buffers": {"cathodes": {"from": "cathode"}, "anodes": {"from": "anode"}},
        "stations": {"wind": {"kind": "serial", "from": {"cathodes": 1, "anodes": 1}, "cycle": fixed(1)}},
        "sinks": {"out": {"from": "wind"}},
    }
    with pytest.raises(StallError, match="'cathodes' waits for lots of 'cathode', which has no more"):
        simulate(spec, 100)


def test_waiting_for_time_to_pass_is_no_stall(simulate, fixed):
    spec = {
        "sources": {"source": {"lots": 1}},
        "buffers": {"shelf": {"from": "source", "minimum_wait_h": 500}},
        "stations": {"s": {"kind": "serial", "from": "shelf", "cycle": fixed(1)}},
        "sinks": {"out": {"from": "s"}},
    }
    assert simulate(spec, 400 * 3600).lots_inside == 1
    assert simulate(spec, 501 * 3600).lots_finished == 1


def test_lots_moving_round_in_no_time(simulate, fixed, monkeypatch):
    monkeypatch.setattr("cellfab.line.line_run._MOST_ROUNDS", 1000)
    spec = {
        "sources": {"source": {"lots": 10_000}},
        "stations": {"s": {"kind": "serial", "from": "source", "cycle": fixed(0)}},
        "sinks": {"out": {"from": "s"}},
    }
    with pytest.raises(StallError, match="time stands still"):
        simulate(spec, 10)


@pytest.fixture
def tandem(exponential):
    return {
        "sources": {"source": {}},
        "stations": {
            "a": {"kind": "serial", "from": "source", "cycle": exponential(1.0)},
            "b": {"kind": "serial", "from": "q", "cycle": exponential(1.0)},
        },
        "buffers": {"q": {"from": "a", "capacity": 4}},
        "sinks": {"out": {"from": "b"}},
    }


def test_a_lost_lot_is_found(simulate, tandem, monkeypatch):
    give = Buffer.give

    def lose(self):
        lot = give(self)
        if lot.ordinal == 30:
            self.left -= 1
        return lot

    monkeypatch.setattr(Buffer, "give", lose)
    with pytest.raises(InvariantError, match="'q'"):
        simulate(tandem, 100)


def test_a_lot_in_two_units_is_found_and_named(tandem):
    run = LineRun(Line.model_validate(tandem), seed=1, horizon=50_000_000)
    run.start()
    run.env.run(until=50_000_000)
    for station in run.stations.values():
        station.flush()
        station.book.end_week()
    check_run(run)
    (unit,) = run.stations["a"].units
    run.stations["b"].units[0].lots = [unit.lots[0], unit.lots[0]]
    with pytest.raises(InvariantError, match=f"'b': lot {unit.lots[0].identity} is in two units"):
        check_run(run)


def test_time_booked_twice_is_found(simulate, tandem, monkeypatch):
    flush = Unit.flush

    def double(self):
        flush(self)
        self.station.book.ticks[self.shown] += 1

    monkeypatch.setattr(Unit, "flush", double)
    with pytest.raises(InvariantError, match="ticks are booked to states"):
        simulate(tandem, 100)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda line: line["sinks"].update(out={"from": "c"}), "there is no 'c'"),
        (lambda line: line["stations"]["a"].update({"from": ["source", "q"]}), "circle"),
        (lambda line: line["stations"]["b"].update({"from": "source"}), "nothing takes lots from 'q'"),
        (lambda line: line["buffers"]["q"].update({"from": "source", "capacity": None}), "without end"),
        (lambda line: line["stations"]["b"].update(calendar="nights"), "calendar"),
    ],
)
def test_a_line_that_cannot_work_is_refused(simulate, tandem, change, message):
    change(tandem)
    with pytest.raises(ConfigError, match=message):
        simulate(tandem, 10)
