"""Bare lines side by side: n alike are n times one, later ones are the first one later, and sharing follows theory."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellfab.analytic import estimate
from cellfab.line.result import FlowResult
from cellfab.replicate import simulate
from cellfab.scenario import Scenario, load_scenario

EVERY_KIND = """\
name: bare
run: {horizon_h: 80}
line:
  crews: {fitters: {size: 1}}
  sources: {raw: {}, lids: {unit: parts}}
  stations:
    cut:
      kind: serial
      from: raw
      cycle_s: 120
      maintenance: {service: {every_h: 30, duration_h: 3}}
      failures:
        jam: {time_to_failure: {law: LAW, mean_h: 7}, time_to_repair: "40 min", clock: time_dependent, crew: fitters}
    join: {kind: serial, from: {cut_parts: 1, lid_store: 1}, cycle_s: 116, parallel: 2}
    chain:
      kind: serial
      from: joined
      machines:
        left: {cycle_s: 80, buffer_after: 3}
        right:
          cycle_s: 124
          failures:
            arc: {time_to_failure: {law: LAW, mean_h: 9}, time_to_repair: "20 min", clock: time_dependent}
    cook: {kind: channels, from: cold, positions: 10, occupied_h: 0.4}
    rest: {kind: dwell, from: cook, capacity: 30, minimum_h: 0.8}
  buffers:
    cut_parts: {from: cut, capacity: 5}
    lid_store: {from: lids, capacity: 4}
    joined: {from: join, capacity: 5}
    cold: {from: chain, capacity: 5}
  sinks: {out: {from: rest}}
"""
DETERMINISTIC = EVERY_KIND.replace("law: LAW, mean_h", "law: deterministic, value_h")
RANDOM = EVERY_KIND.replace("law: LAW", "law: exponential")

Load = Callable[..., Scenario]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def made(line: str, *more: str) -> Scenario:
        (tmp_path / "bare.yaml").write_text(line)
        (tmp_path / "lines.yaml").write_text("name: lines\nextends: bare.yaml\n" + "\n".join(more))
        return load_scenario(tmp_path / "lines.yaml")

    return made


def flow(scenario: Scenario) -> FlowResult:
    return simulate(scenario, 1).flow


def assert_alike(one: FlowResult, other: FlowResult, names: dict[str, str]) -> None:
    """Every station and sink of a line did the same as in another run."""
    for name, like in names.items():
        station, twin = one.stations[name], other.stations[like]
        np.testing.assert_array_equal(station.state_ticks, twin.state_ticks, err_msg=name)
        assert (station.rows_out, station.failures, station.lots_in) == (twin.rows_out, twin.failures, twin.lots_in)


STATIONS = ("cut", "join", "chain", "cook", "rest")


def test_n_alike_are_n_times_one(load):
    one = flow(load(DETERMINISTIC))
    three = flow(load(DETERMINISTIC, "lines: {count: 3}"))
    for line in ("line1", "line2", "line3"):
        assert_alike(one, three, {name: f"{line}-{name}" for name in STATIONS})
        assert three.sinks[f"{line}-out"] == one.sinks["out"]
        assert three.queues[f"{line}-joined"] == one.queues["joined"]
    assert three.lots_entered == 3 * one.lots_entered
    assert one.stations["cut"].failures > 5


def test_a_line_that_starts_later_is_the_first_one_later(load):
    """A start that is no whole week, so that nothing is exact by the calendar of the books alone."""
    one = flow(load(DETERMINISTIC))
    later = flow(load(DETERMINISTIC, "lines: {count: 2, spacing_weeks: 1.25}", "run: {horizon_h: 290}"))
    assert_alike(one, later, {name: f"line2-{name}" for name in STATIONS})
    assert later.sinks["line2-out"].parts == one.sinks["out"].parts
    assert later.sinks["line2-out"].lead_time == one.sinks["out"].lead_time
    for name in STATIONS:  # before it is there, its time does not count
        assert later.stations[f"line2-{name}"].weekly_ticks[0].sum() == 0
        assert later.stations[f"line2-{name}"].state_ticks.sum() == one.stations[name].state_ticks.sum()


def test_a_line_that_never_starts_takes_nothing(load):
    alone = flow(load(RANDOM, "lines: {count: 1}"))
    two = load(RANDOM, "lines: {count: 2, spacing_weeks: 9}")
    done = flow(two)
    assert_alike(alone, done, {f"line1-{name}": f"line1-{name}" for name in STATIONS})
    assert done.stations["line2-cut"].lots_in == 0
    assert done.sources["line2-lids"].arrivals == 0
    from cellfab.line.kpi import flow_kpis

    kpis = flow_kpis(done)
    assert kpis["oee.line2-cut"].value is None
    assert kpis["oee.line2-cut"].reason == "its line has not started"
    assert kpis["bottleneck"] == flow_kpis(alone)["bottleneck"]


def test_a_further_line_deals_no_new_numbers_to_the_others(load):
    two = flow(load(RANDOM, "lines: {count: 2}"))
    three = flow(load(RANDOM, "lines: {count: 3}"))
    assert_alike(two, three, {f"{line}-{name}": f"{line}-{name}" for line in ("line1", "line2") for name in STATIONS})
    assert (two.stations["line1-cut"].state_ticks != two.stations["line2-cut"].state_ticks).any()


def test_the_same_plant_written_by_hand_is_the_same_plant(load):
    shared = load(RANDOM, "lines: {named: {a: {}, b: {}}, shared: [cut], shared_crews: [fitters]}")
    own = ("join", "chain", "cook", "rest", "lids", "lid_store", "joined", "cold", "out")
    written = RANDOM.split("\nline:\n")[1]
    for_each = {"sources": [], "stations": [], "buffers": [], "sinks": []}
    import yaml

    tree = yaml.safe_load("line:\n" + written)["line"]

    def renamed(value, line):
        if isinstance(value, str) and value in own:
            return f"{line}-{value}"
        if isinstance(value, dict):
            return {
                renamed(key, line) if key in own else key: renamed(child, line)
                if key in ("from", "feed") or isinstance(child, dict)
                else child
                for key, child in value.items()
            }
        return value

    by_hand = {}
    for group in for_each:
        by_hand[group] = {}
        for name, node in tree[group].items():
            for line in ("a", "b") if name in own else ("",):
                by_hand[group][f"{line}-{name}" if line else name] = renamed(node, line) if line else node
    text = yaml.safe_dump(
        {"name": "hand", "run": {"horizon_h": 80}, "line": {**by_hand, "crews": tree["crews"]}}, sort_keys=False
    )
    hand = load(text)
    assert hand.spec.line == shared.spec.line
    one, other = flow(shared), flow(hand)
    assert one.sinks == other.sinks
    assert one.crews == other.crews
    assert one.events == other.events


MANY_SERVERS = """\
name: mmc
run: {horizon_h: 1500, warmup_h: 50}
line:
  sources: {arrivals: {interarrival: {law: exponential, mean_s: 25}}}
  stations:
    gate: {kind: serial, from: arrivals, cycle_s: 0}
    serve: {kind: serial, from: queue, cycle: {law: exponential, mean_s: 60}}
  buffers: {queue: {from: gate}}
  sinks: {out: {from: serve}}
"""


def test_lines_that_draw_from_one_buffer_are_one_queue_with_many_servers(load):
    """M/M/3 at 80 % load: Erlang C. 209 000 services; the wait's mean has a standard error of 1.6 %, so 5 % is three of
    them, and the shares of work one of 0.3 %, which would catch a rule that favours one line."""
    done = flow(load(MANY_SERVERS, "lines: {count: 3, shared: [gate]}"))
    servers, load_erlang = 3, 60.0 / 25.0
    waiting = load_erlang**servers / math.factorial(servers) / (1.0 - load_erlang / servers)
    erlang_c = waiting / (sum(load_erlang**k / math.factorial(k) for k in range(servers)) + waiting)
    wait_s = erlang_c * 60.0 / (servers - load_erlang)
    assert done.queues["queue"].wait.mean_s == pytest.approx(wait_s, rel=0.05)
    busy = [done.stations[f"line{number}-serve"] for number in (1, 2, 3)]
    for station in busy:  # the one that has been free longest is served first: equal loads
        assert station.state_ticks[0] / station.state_ticks.sum() == pytest.approx(0.8, rel=0.01)


def test_what_is_shared_limits_all_lines_together(load):
    alone = estimate(load(DETERMINISTIC))
    three = estimate(load(DETERMINISTIC, "lines: {count: 3}"))
    assert three.cells_per_week == pytest.approx(3 * alone.cells_per_week)
    assert three.bottleneck == f"line1-{alone.bottleneck}"
    shared = estimate(load(DETERMINISTIC, "lines: {count: 3, shared: [cut]}"))
    assert shared.bottleneck == "cut"
    assert shared.cells_per_week == pytest.approx(alone.stations["cut"].cells_per_week)
