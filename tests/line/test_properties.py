"""Laws that hold on any line, tried on random ones."""

from __future__ import annotations

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from cellfab.config.line_spec import Line
from cellfab.config.run_spec import Run
from cellfab.errors import StallError
from cellfab.line.flow import simulate_line
from cellfab.line.kpi import flow_kpis
from cellfab.line.states import CONVERTING, STARVED
from cellfab.units import TICKS_PER_S

HOUR = 3600 * TICKS_PER_S

FEWER = settings(max_examples=settings().max_examples * 2 // 5)
MINUTES = st.sampled_from(
    [
        {"law": "deterministic", "value_s": 60.0},
        {"law": "deterministic", "value_s": 30.0},
        {"law": "exponential", "mean_s": 50.0},
        {"law": "uniform", "low_s": 0.0, "high_s": 90.0},
        {"law": "lognormal", "mean_s": 40.0, "cv": 0.6},
        {"law": "weibull", "shape": 2.0, "mean_s": 45.0},
        {"law": "empirical", "values_s": [20.0, 20.0, 70.0]},
    ]
)


@st.composite
def failure_modes(draw):
    modes = {}
    for name in draw(st.lists(st.sampled_from(["jam", "wear"]), unique=True)):
        modes[name] = {
            "time_to_failure": draw(st.sampled_from(
                [{"law": "exponential", "mean_s": 300.0}, {"law": "deterministic", "value_s": 180.0}]
            )),
            "time_to_repair": draw(MINUTES),
            "clock": draw(st.sampled_from(["operation_dependent", "time_dependent"])),
            "fate": draw(st.sampled_from(["resume", "scrap"])),
            "crew": draw(st.sampled_from([None, "crew"])),
            "priority": draw(st.integers(0, 1)),
        }  # fmt: skip
    return modes


@st.composite
def stations(draw, feed):
    kind = draw(st.sampled_from(["serial", "serial", "batch", "dwell"]))
    if kind == "dwell":
        spec = {"kind": "dwell", "minimum": draw(MINUTES), "capacity": float(draw(st.integers(1, 5)))}
    else:
        spec = {"kind": kind, "cycle": draw(MINUTES), "failures": draw(failure_modes())}
        spec["parallel"] = draw(st.integers(1, 3))
        if draw(st.booleans()):
            spec["changeover"] = {"duration": draw(MINUTES)}
        if kind == "batch" and draw(st.booleans()):
            spec["batch_lots"] = draw(st.integers(1, 4))
    if draw(st.booleans()):
        spec["maintenance"] = {"clean": {"every_h": 0.5, "duration_h": draw(st.sampled_from([0.05, 0.2]))}}
    if draw(st.booleans()):
        spec["calendar"] = "shift"
    return spec | {"from": feed}


@st.composite
def buffers(draw, feed):
    spec = {"from": feed, "capacity": float(draw(st.integers(1, 6)))}
    spec["order"] = draw(st.sampled_from(["fifo", "priority"]))
    spec["minimum_wait_h"] = draw(st.sampled_from([0.0, 0.01]))
    if draw(st.booleans()):
        spec["maximum_wait_h"] = draw(st.sampled_from([0.02, 0.1]))
    return spec


@st.composite
def lines(draw):
    """A random tree of stations with buffers before each: branches that join by any-of, and splits over sinks."""
    spec = {
        "sources": {}, "stations": {}, "buffers": {}, "sinks": {},
        "crews": {"crew": {"size": 1}},
        "calendars": {"shift": {"cycle_h": 2.0, "working": {"early": {"start_h": 0.2, "end_h": 1.5}}}},
    }  # fmt: skip
    ends = []
    for index in range(draw(st.integers(1, 3))):
        source = {"products": {"a": draw(st.integers(1, 3)), "b": 1}, "priority": {"b": -1}}
        if draw(st.booleans()):
            source |= {"interarrival": draw(MINUTES), "when_full": draw(st.sampled_from(["wait", "lost"]))}
        else:
            source["lots"] = draw(st.integers(1, 200))
        spec["sources"][f"source{index}"] = source
        ends.append(f"source{index}")
    for index in range(draw(st.integers(1, 5))):
        feed = draw(st.lists(st.sampled_from(ends), min_size=1, max_size=2, unique=True))
        spec["buffers"][f"buffer{index}"] = draw(buffers(feed))
        station = draw(stations(f"buffer{index}"))
        spec["stations"][f"station{index}"] = station
        ends = [end for end in ends if end not in feed] + [f"station{index}"]
    if len(ends) > 1 and draw(st.booleans()):
        for end in ends[:2]:
            spec["buffers"][f"{end}_done"] = {"from": end, "capacity": 4.0}
        spec["stations"]["join"] = {
            "kind": "serial", "from": {f"{ends[0]}_done": 1, f"{ends[1]}_done": draw(st.integers(1, 3))},
            "cycle": draw(MINUTES), "output": {"lots": draw(st.integers(1, 3))}, "failures": draw(failure_modes()),
        }  # fmt: skip
        ends = ["join", *ends[2:]]
    spec["stations"]["last"] = {"kind": "serial", "from": ends, "cycle": {"law": "exponential", "mean_s": 9.0}}
    spec["sinks"]["out"] = {"from": "last"}
    return spec


def run(spec, seed=1, hours=3.0, warmup=0.5, controllers=(), closures=None):
    """A random merge may run out of one of its branches: then there is nothing to say about the line."""
    try:
        return simulate_line(
            Line.model_validate(spec), Run(horizon_h=hours, warmup_h=warmup), seed=seed, controllers=controllers,
            closures=closures,
        )  # fmt: skip
    except StallError as stalled:
        assert "which has no more" in str(stalled)
        reject()


@FEWER
@given(lines(), st.integers(0, 1000))
def test_invariants_hold_and_the_same_seed_gives_the_same_bytes(spec, seed):
    first, second = run(spec, seed), run(spec, seed)
    assert repr(first) == repr(second)
    assert flow_kpis(first) == flow_kpis(second)
    gone = first.lots_finished + first.lots_scrapped + first.lots_lost
    assert first.lots_entered + first.lots_made == gone + first.lots_inside


@FEWER
@given(lines(), st.integers(0, 1000), st.lists(st.integers(1, 10_800), min_size=2, max_size=8, unique=True))
def test_closed_windows_keep_every_invariant(spec, seed, edges):
    edges.sort()
    windows = [(a * 1_000_000, b * 1_000_000) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    closures = dict.fromkeys(spec["stations"], windows)
    closed = run(spec, seed, closures=closures)
    gone = closed.lots_finished + closed.lots_scrapped + closed.lots_lost
    assert closed.lots_entered + closed.lots_made == gone + closed.lots_inside
    shut = sum(min(b, 10_800_000_000) - max(a, 1_800_000_000) for a, b in windows if b > 1_800_000_000)
    for station in closed.stations.values():
        assert station.state_ticks.sum() == station.units * 9_000_000_000
        assert station.state_ticks[STARVED] >= station.units * shut


@FEWER
@given(lines(), st.integers(0, 1000))
def test_a_line_can_be_emptied_rebuilt_and_started_again(spec, seed):
    stories = []

    def convert(line):
        yield line.env.timeout(HOUR)
        line.stop_sources()
        yield line.drained()
        line.discard_leftovers()
        drained = line.now
        assert line.wip.value == 0
        assert not any(
            node.inside for node in (*line.sources.values(), *line.buffers.values(), *line.stations.values())
        )
        for station in line.stations.values():
            station.hold(drained + HOUR // 4)
        yield line.env.timeout(HOUR // 8)
        line.restart_sources("a")
        stories.append(drained)

    result = run(spec, seed, controllers=[convert])
    for drained in stories:
        for station in result.stations.values():
            assert station.weekly_ticks[0, CONVERTING] == station.units * min(HOUR // 4, 3 * HOUR - drained)


@FEWER
@given(lines(), st.integers(0, 1000))
def test_an_unrelated_branch_changes_nothing(spec, seed):
    other = {
        "sources": spec["sources"] | {"stranger": {"interarrival": {"law": "exponential", "mean_s": 20.0}}},
        "stations": spec["stations"] | {
            "elsewhere": {"kind": "serial", "from": "stranger", "cycle": {"law": "exponential", "mean_s": 15.0}}
        },
        "sinks": spec["sinks"] | {"far": {"from": "elsewhere"}},
    }  # fmt: skip
    alone, beside = run(spec, seed), run(spec | other, seed)
    for name, station in alone.stations.items():
        assert (station.weekly_ticks == beside.stations[name].weekly_ticks).all()
    for name, queue in alone.queues.items():
        assert queue == beside.queues[name]
    assert alone.sinks["out"] == beside.sinks["out"]


@FEWER
@given(st.lists(st.floats(5.0, 60.0), min_size=2, max_size=5), st.data(), st.integers(0, 1000))
def test_a_larger_buffer_never_delays_a_departure(means, data, seed):
    """Departure times of a line with blocking after service decrease in each capacity, path by path.

    Buzacott and Shanthikumar, Stochastic Models of Manufacturing Systems (1993), section 5: D(i, n) = max(D(i, n - 1),
    D(i - 1, n)) + S(i, n), but at least D(i + 1, n - capacity - 1), is monotone in the capacities.
    """
    small = data.draw(st.lists(st.integers(0, 4), min_size=len(means) - 1, max_size=len(means) - 1))
    grown = data.draw(st.integers(0, len(small) - 1))
    large = [capacity + (3 if index == grown else 0) for index, capacity in enumerate(small)]

    def throughput(capacities):
        spec = {"sources": {"source": {}}, "stations": {}, "buffers": {}, "sinks": {}}
        giver = "source"
        for index, mean in enumerate(means):
            cycle = {"law": "exponential", "mean_s": mean}
            spec["stations"][f"s{index}"] = {"kind": "serial", "from": giver, "cycle": cycle}
            giver = f"s{index}"
            if index < len(capacities):
                spec["buffers"][f"b{index}"] = {"from": giver, "capacity": float(capacities[index])}
                giver = f"b{index}"
        spec["sinks"]["out"] = {"from": giver}
        return run(spec, seed, hours=3.0, warmup=0.0).lots_finished

    assert throughput(small) <= throughput(large)
