"""The compiled engine gives the figures of the SimPy engine on the same seed, and says what it cannot run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cellfab.config.line_spec import Line
from cellfab.config.run_spec import Run
from cellfab.errors import ConfigError
from cellfab.line.compiled import why_not
from cellfab.line.flow import simulate_line
from cellfab.line.kpi import flow_kpis

FIXED = {"law": "deterministic", "value_s": 1.0}


def exponential(mean_s):
    return {"law": "exponential", "mean_s": mean_s}


def queue(interarrival, cycle, *, capacity=None, parallel=1, when_full="wait"):
    """One station behind one queue."""
    return {
        "sources": {"src": {"interarrival": interarrival, "when_full": when_full}},
        "buffers": {"queue": {"from": "src", "capacity": capacity}},
        "stations": {"serve": {"kind": "serial", "from": "queue", "cycle": cycle, "parallel": parallel}},
        "sinks": {"out": {"from": "serve"}},
    }


def machine(feed, *, cycle=FIXED, failures=None, **more):
    return {"kind": "serial", "from": feed, "cycle": cycle, "failures": failures or {}, **more}


def failing(clock, fate, mean_s=100.0):
    return {
        "jam": {
            "time_to_failure": exponential(mean_s),
            "time_to_repair": exponential(5.0),
            "clock": clock,
            "fate": fate,
        }
    }


def transfer_line(clock, fate, count=4, capacity=3):
    """Machines in a row that fail; the first always has a part."""
    stations, buffers, feed = {}, {}, "src"
    for m in range(count):
        if m:
            buffers[f"b{m}"] = {"from": feed, "capacity": capacity}
            feed = f"b{m}"
        stations[f"m{m}"] = machine(feed, failures=failing(clock, fate))
        feed = f"m{m}"
    return {"sources": {"src": {}}, "buffers": buffers, "stations": stations, "sinks": {"out": {"from": feed}}}


def tandem():
    """Finite and missing buffers, a queue outside, and parallel machines in the middle."""
    return {
        "sources": {"src": {"interarrival": exponential(1.1)}},
        "buffers": {"a": {"from": "src", "capacity": 2}, "c": {"from": "two", "capacity": 1}},
        "stations": {
            "one": machine("a", cycle=exponential(0.8)),
            "two": machine("one", cycle=exponential(2.0), parallel=3),
            "three": machine("c", cycle={"law": "uniform", "low_s": 0.2, "high_s": 1.4}),
        },
        "sinks": {"out": {"from": "three"}},
    }


def shifts():
    """A calendar, maintenance and breakdowns; cycles that end exactly with the shift."""
    failures = failing("operation_dependent", "resume", 60.0)
    return {
        "sources": {"src": {"interarrival": {"law": "deterministic", "value_s": 2.0}}},
        "buffers": {"a": {"from": "src"}, "b": {"from": "one", "capacity": 4}},
        "stations": {
            "one": machine("a", calendar="day", failures=failures),
            "two": machine("b", calendar="day", maintenance={"oil": {"every_h": 0.07, "duration_h": 0.004}}),
        },
        "sinks": {"out": {"from": "two"}},
        "calendars": {"day": {"cycle_h": 0.05, "working": {"a": {"start_h": 0.01, "end_h": 0.04}}}},
    }


def opening():
    """Shifts open before machines side by side that fail and have waited with their parts: which unit takes which?"""
    failures = failing("time_dependent", "resume", 20.0)
    return {
        "sources": {"src": {"interarrival": exponential(0.7)}},
        "buffers": {"a": {"from": "src"}, "b": {"from": "one", "capacity": 1}},
        "stations": {
            "one": machine("a", cycle=exponential(1.2), parallel=2, failures=failures),
            "two": machine("b", cycle=exponential(1.5), parallel=3, failures=failures, calendar="day"),
        },
        "sinks": {"out": {"from": "two"}},
        "calendars": {"day": {"cycle_h": 0.01, "working": {"a": {"start_h": 0.003, "end_h": 0.009}}}},
    }


LINES = {
    "M/M/1": queue(exponential(1.0), exponential(0.8)),
    "M/M/3": queue(exponential(1.0), exponential(2.4), parallel=3),
    "M/D/1": queue(exponential(1.0), {"law": "deterministic", "value_s": 0.8}),
    "M/M/1/K": queue(exponential(1.0), exponential(1.2), capacity=3, when_full="lost"),
    "M/M/1/1": queue(exponential(1.0), exponential(0.9), capacity=0, when_full="lost"),
    "outside": queue(exponential(1.0), exponential(0.8), capacity=2),
    "no queue": queue(exponential(1.0), exponential(0.8), capacity=0),
    "D/D/1": queue({"law": "deterministic", "value_s": 1.0}, FIXED, capacity=2),
    "tandem": tandem(),
    "shifts": shifts(),
    "opening": opening(),
    "saturated": queue(None, exponential(1.0), capacity=2),
    "hardly ever": queue(exponential(1e11), exponential(1.0)),  # arrivals of a chunk add up to more than 64 bits hold
    **{
        f"{clock} {fate}": transfer_line(clock, fate)
        for clock in ("operation_dependent", "time_dependent")
        for fate in ("resume", "scrap")
    },
}


@pytest.fixture
def both():
    def run(line, seconds, warmup, seed):
        made = Line.model_validate(line)
        length = Run(horizon_h=seconds / 3600.0, warmup_h=warmup / 3600.0)
        return [simulate_line(made, length, seed=seed, engine=engine) for engine in ("simpy", "compiled")]

    return run


@pytest.mark.parametrize("warmup", [0.0, 500.0])
@pytest.mark.parametrize("name", LINES)
def test_same_figures_on_the_same_seed(both, name, warmup):
    for seed in (1, 2):
        slow, fast = both(LINES[name], 2_500.0, warmup, seed)
        assert (slow.engine, fast.engine) == ("simpy", "compiled")
        slow = dataclasses.replace(slow, bottlenecks=None)  # the compiled engine does not watch who waits when
        kpis = [{key: kpi.value for key, kpi in flow_kpis(result).items()} for result in (slow, fast)]
        assert kpis[1].keys() == kpis[0].keys()
        # Where no lot has been, SimPy does not know in what the level is counted.
        units = [{key: kpi.unit for key, kpi in flow_kpis(result).items() if kpi.unit} for result in (slow, fast)]
        assert units[0].items() <= units[1].items()
        for key, value in kpis[0].items():
            # Sums of times are whole numbers; only the last division may round differently.
            assert kpis[1][key] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), key
        for field in dataclasses.fields(slow):
            if field.name in ("engine", "events", "random_draws", "wip_mean"):
                continue
            mine, theirs = getattr(fast, field.name), getattr(slow, field.name)
            if field.name == "stations":
                for station, flow in theirs.items():
                    for part in dataclasses.fields(flow):
                        assert np.array_equal(getattr(mine[station], part.name), getattr(flow, part.name)), part.name
            elif field.name != "queues":
                assert mine == theirs, field.name
        for queue_name, flow in slow.queues.items():
            assert fast.queues[queue_name].wait == flow.wait
            assert fast.queues[queue_name].queue_max == flow.queue_max


def test_weeks_are_told_apart(both):
    line = queue({"law": "deterministic", "value_s": 3600.0}, {"law": "deterministic", "value_s": 600.0})
    slow, fast = both(line, 9.5 * 86_400.0, 8.0 * 86_400.0, 1)
    assert fast.sinks == slow.sinks
    assert fast.stations["serve"].weekly_ticks.tolist() == slow.stations["serve"].weekly_ticks.tolist()


def test_a_finite_number_of_lots(both):
    line = queue(exponential(1.0), exponential(0.8))
    line["sources"]["src"]["lots"] = 300
    slow, fast = both(line, 1_000.0, 0.0, 3)
    assert fast.sinks == slow.sinks
    assert fast.lots_finished == 300


UNSUITABLE = {
    "is fed from several places": lambda line: line["stations"]["serve"].update({"from": ["queue", "src"]}),
    "is above 1 000 000 parts": lambda line: line["buffers"]["queue"].update(capacity=1e12),
    "is a priority queue": lambda line: line["buffers"]["queue"].update(order="priority"),
    "has a shortest or longest wait": lambda line: line["buffers"]["queue"].update(maximum_wait_h=1.0),
    "has changeovers": lambda line: line["stations"]["serve"].update(changeover={"duration": FIXED}),
    "changes what a lot is": lambda line: line["stations"]["serve"].update(output={"lots": 2}),
    "is not a single serial machine": lambda line: line["stations"]["serve"].update(kind="batch"),
    "makes several products": lambda line: line["sources"]["src"].update(products={"a": 1, "b": 2}),
    "are not single parts": lambda line: line["sources"]["src"].update(parts_per_lot=5),
    "needs a crew": lambda line: (
        line.update(crews={"crew": {"size": 1}}),
        line["stations"]["serve"].update(
            failures={"jam": {"time_to_failure": FIXED, "time_to_repair": FIXED, "crew": "crew"}}
        ),
    ),
}


@pytest.mark.parametrize("reason", UNSUITABLE)
def test_what_cannot_be_compiled_is_named(reason):
    line = queue(exponential(1.0), exponential(0.8))
    UNSUITABLE[reason](line)
    made = Line.model_validate(line)
    assert reason in (why_not(made) or "")
    with pytest.raises(ConfigError, match=reason):
        simulate_line(made, Run(horizon_h=1.0), seed=1, engine="compiled")
    if reason not in ("is fed from several places", "changes what a lot is"):
        assert simulate_line(made, Run(horizon_h=0.01), seed=1, engine="auto").engine == "simpy"
