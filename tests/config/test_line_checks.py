from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.line_checks import line_problems
from cellfab.config.line_spec import Line

LINE = """\
sources:
  a: {interarrival: {law: exponential, mean_s: 60}, products: {ev: 2, ess: 1}}
buffers:
  b: {from: a, capacity: 5}
stations:
  s: {kind: serial, from: b, cycle: {law: exponential, mean_s: 45}}
  t: {kind: serial, from: s, cycle: {law: exponential, mean_s: 45}}
sinks:
  z: {from: t}
crews: {fitters: {size: 2}}
calendars: {day: {cycle_h: 24, working: {early: {start_h: 6, end_h: 14}}}}
"""


def merged(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict) and below.get("law") == above.get("law", below.get("law")):
        result = below | {name: merged(below.get(name), child) for name, child in above.items()}
        return {name: child for name, child in result.items() if child != "gone"}
    return above


def found(change: str) -> list[tuple[str, str, str]]:
    """Problems of the line with a change laid over it; "gone" takes a key out."""
    line = Line.model_validate(merged(yaml.safe_load(LINE), yaml.safe_load(change)))
    return [(".".join(map(str, path)), message, hint) for path, message, hint in line_problems(line, at=())]


def test_a_line_that_works_has_no_problems():
    assert found("{}") == []


FIXED = "{law: deterministic, value_s: 0}"
SLOW = "{law: deterministic, value_s: 10}"


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ("sinks: {z: {from: [t, t]}}", "sinks.z.from.1", "'t' is named twice"),
        ("buffers: {b: {from: {a: 1, x: 1}}}", "buffers.b.from.x", "there is no 'x' in the line"),
        ("sinks: {y: {from: z}}", "sinks.y.from", "'z' is a sink, and nothing can be taken from it"),
        ("sources: {spare: {lots: 3}}", "sources.spare", "nothing takes lots from 'spare'"),
        ("buffers: {spare: {from: s}}", "buffers.spare", "nothing takes lots from 'spare'"),
        ("buffers: {s: {from: a}}", "stations.s", "'s' is also the name of one of the buffers"),
        ("sinks: {'a.b': {from: t}}", "sinks.a.b", "'a.b' cannot be a name"),
        ("stations: {t: {from: []}}", "stations.t.from", "nothing feeds 't'"),
        ("stations: {t: {from: [s, t]}}", "stations.t.from", "the line runs in a circle: t -> t"),
        ("stations: {s: {from: [b, t]}}", "stations.s.from", "the line runs in a circle: s -> t -> s"),
        ("stations: {t: {calendar: dya}}", "stations.t.calendar", "there is no calendar 'dya'"),
        ("sources: {a: {priority: {es: 1}}}", "sources.a.priority.es", "there is no product 'es'"),
        (
            f"stations: {{t: {{changeover: {{duration: {SLOW}, pairs: {{ev: {SLOW}}}}}}}}}",
            "stations.t.changeover.pairs.ev",
            "'ev' is not a pair of products",
        ),
        (
            f"stations: {{t: {{changeover: {{duration: {SLOW}, pairs: {{'ev->ess': {SLOW}}}}}}}}}",
            "stations.t.changeover.pairs.ev->ess",
            "'ev->ess' has odd spaces",
        ),
        (
            f"stations: {{t: {{changeover: {{duration: {SLOW}, pairs: {{'ev -> es': {SLOW}}}}}}}}}",
            "stations.t.changeover.pairs.ev -> es",
            "there is no product 'es'",
        ),
        (
            f"stations: {{t: {{changeover: {{duration: {SLOW}, pairs: {{'ev -> ev': {SLOW}}}}}}}}}",
            "stations.t.changeover.pairs.ev -> ev",
            "a change from 'ev' to itself never happens",
        ),
        (
            f"stations: {{t: {{failures: {{f: {{time_to_failure: {SLOW}, time_to_repair: {SLOW}, crew: fitter}}}}}}}}",
            "stations.t.failures.f.crew",
            "there is no crew 'fitter'",
        ),
        (
            f"stations: {{t: {{failures: {{f: {{time_to_failure: {FIXED}, time_to_repair: {SLOW}}}}}}}}}",
            "stations.t.failures.f.time_to_failure",
            "it would fail again the moment it is repaired",
        ),
        (
            f"stations: {{t: {{cycle: gone, machines: {{m: {{cycle: {SLOW}, failures: {{f: {{time_to_failure:"
            f" {{law: empirical, values_s: [0, 0]}}, time_to_repair: {SLOW}}}}}}}}}}}}}",
            "stations.t.machines.m.failures.f.time_to_failure",
            "it would fail again the moment it is repaired",
        ),
        ("buffers: {b: {redo_at: b}}", "buffers.b.redo_at", "redo_at needs on_expiry: redo"),
        ("buffers: {b: {on_expiry: redo, maximum_wait_h: 3}}", "buffers.b.on_expiry", "redo needs redo_at"),
        ("buffers: {b: {on_expiry: redo, redo_at: b}}", "buffers.b.on_expiry", "nothing expires here without"),
        (
            "buffers: {b: {on_expiry: redo, maximum_wait_h: 3, redo_at: c}}",
            "buffers.b.redo_at",
            "there is no buffer 'c'",
        ),
        (
            "buffers: {b: {on_expiry: redo, maximum_wait_h: 3, redo_at: c}, c: {from: s}}\nstations: {t: {from: c}}",
            "buffers.b.redo_at",
            "'c' does not lie before 'b'",
        ),
        (
            "buffers: {b: {minimum_wait_h: 3, maximum_wait_h: 3}}",
            "buffers.b.maximum_wait_h",
            "lots expire (3 h) before they may leave (3 h)",
        ),
        ("stations: {t: {cycle: gone}}", "stations.t", "needs 'cycle' (one machine) or 'machines' (a chain)"),
        (
            f"stations: {{t: {{machines: {{m: {{cycle: {SLOW}}}}}}}}}",
            "stations.t.cycle",
            "a chain has a cycle per machine",
        ),
        (
            f"stations: {{t: {{cycle: gone, machines: {{m: {{cycle: {SLOW}, buffer_after: 3}}}}}}}}",
            "stations.t.machines.m.buffer_after",
            "'m' is the last machine, so nothing lies after it",
        ),
        (
            f"stations: {{t: {{cycle: gone, machines: {{m.1: {{cycle: {SLOW}}}}}}}}}",
            "stations.t.machines.m.1",
            "'m.1' cannot be a name",
        ),
        (
            f"stations: {{t: {{cycle: gone, machines: {{m: {{cycle: {SLOW}}}}},"
            f" failures: {{f: {{time_to_failure: {SLOW}, time_to_repair: {SLOW}}}}}}}}}",
            "stations.t.failures",
            "a chain has failures per machine, not of its own",
        ),
        ("stations: {t: {kind: channels, cycle: gone, positions: 3}}", "stations.t", "needs 'occupied'"),
        ("stations: {t: {kind: dwell, cycle: gone}}", "stations.t", "needs 'minimum'"),
        (
            "stations: {t: {kind: dwell, cycle: gone, minimum: {law: deterministic, value_s: 7200}, maximum_h: 2}}",
            "stations.t.maximum_h",
            "every lot expires (2 h) before it may leave (2 h)",
        ),
        (
            f"stations: {{t: {{kind: dwell, cycle: gone, minimum: {SLOW}, on_expiry: redo}}}}",
            "stations.t.on_expiry",
            "nothing expires here without maximum_h",
        ),
        (
            "stations: {t: {maintenance: {m: {every_h: 4, duration_h: 4}}}}",
            "stations.t.maintenance.m.duration_h",
            "a stop of 4 h every 4 h leaves no time to work",
        ),
        (
            "calendars: {day: {working: {late: {start_h: 13, end_h: 22}}}}",
            "calendars.day.working.late",
            "overlaps 'early' (13-22 h)",
        ),
        (
            "calendars: {day: {working: {late: {start_h: 22, end_h: 30}}}}",
            "calendars.day.working.late",
            "reaches beyond the cycle of 24 h (22-30 h)",
        ),
        (
            "calendars: {day: {working: {late: {start_h: 22, end_h: 6}}}}",
            "calendars.day.working.late",
            "ends before it starts (22-6 h)",
        ),
        (f"sources: {{a: {{interarrival: {FIXED}}}}}", "sources.a.interarrival", "lots would all arrive at once"),
        (
            f"buffers: {{b: {{capacity: 0}}, c: {{from: s, capacity: 0}}}}\n"
            f"stations: {{t: {{kind: channels, from: c, cycle: gone, positions: 2, occupied: {SLOW}}}}}",
            "buffers.c.capacity",
            "'t' is a channels station, so the buffer before it needs room",
        ),
        (
            "stations: {t: {kind: batch, batch_lots: 3}}",
            "stations.t.from",
            "'t' collects 3 lots, and 's' would hold each finished lot",
        ),
        (
            "sources: {c: {lots: 9}}\nstations: {t: {from: {s: 1, c: 1}}}",
            "stations.t.from.s",
            "'t' merges lots, and 's' would hold each finished lot",
        ),
        ("sources: {a: {amount: 9}}", "buffers.b.capacity", "holds 5 parts, and one lot is 9"),
        (
            "stations: {s: {output: {amount: 7, unit: m}}}\nbuffers: {c: {from: s, capacity: 6}}\n"
            "sinks: {z: {from: [t, c]}}",
            "buffers.c.capacity",
            "holds 6 m, and one lot is 7",
        ),
        ("buffers: {b: {unit: kg}}", "buffers.b.unit", "counts kg, and 'a' delivers parts"),
        (
            "stations: {t: {kind: web, cycle: gone, speed_m_per_min: 5}}",
            "stations.t.from",
            "a web station takes metres, and 's' delivers parts",
        ),
        (
            "sources: {c: {lots: 9, unit: kg}}\nbuffers: {b: {from: [a, c]}}",
            "buffers.b.from.1",
            "'c' delivers kg, and 'a' parts",
        ),
        (
            "sources: {a: {interarrival: gone}}\nbuffers: {b: {capacity: gone}}",
            "sources.a",
            "always has a lot at hand, and 'b' takes lots without end and without delay",
        ),
        (
            f"sources: {{a: {{interarrival: gone}}}}\nstations: {{s: {{cycle: {FIXED}}}, t: {{cycle: {FIXED}}}}}",
            "sources.a",
            "always has a lot at hand, and 'z' takes lots without end and without delay",
        ),
        (
            "sources: {a: {interarrival: {mean_s: 1.0e-7}}}",
            "sources.a.interarrival",
            "lots would all arrive at once",
        ),
        (
            "sources: {c: {lots: 9}}\nstations: {s: {from: {b: 6, c: 1}}}",
            "stations.s.from.b",
            "takes 6 lots of 'b' at a time, which has room for 5",
        ),
        (
            "sources: {a: {amount: 2}, c: {lots: 9}}\nstations: {s: {from: {b: 3, c: 1}}}",
            "stations.s.from.b",
            "takes 3 lots of 'b' at a time, which has room for 2",
        ),
        (
            "stations: {t: {output: {unit: cells, amount: 2.5}}}",
            "stations.t.output.amount",
            "cells are counted, and 2.5 is not a whole number",
        ),
        ("stations: {t: {params: {speed: 3}}}", "stations.t.params", "these are parameters of a step"),
        (
            f"stations: {{t: {{cycle: gone, machines: {{m: {{cycle: {SLOW}, params: {{x: 1}}}}}}}}}}",
            "stations.t.machines.m.params",
            "these are parameters of a step",
        ),
        (
            f"stations: {{t: {{cycle: gone, machines: {{m: {{cycle: {SLOW}}}}}, changeover: {{duration: {SLOW}}}}}}}",
            "stations.t.changeover",
            "a chain has no changeovers",
        ),
        (
            f"stations: {{s: {{cycle: gone, machines: {{m: {{cycle: {SLOW}}}}}, from: {{b: 2}}}}}}",
            "stations.s.from",
            "a chain cannot merge lots",
        ),
        (
            f"stations: {{s: {{kind: channels, positions: 2, cycle: gone, occupied: {SLOW}, parallel: 2}}}}",
            "stations.s.parallel",
            "a channels station has positions, not parallel units",
        ),
        (
            f"stations: {{s: {{kind: channels, positions: 2, cycle: gone, occupied: {SLOW}, failures: "
            f"{{f: {{time_to_failure: {SLOW}, time_to_repair: {SLOW}, clock: time_dependent}}}}}}}}",
            "stations.s.failures.f.clock",
            "only positions that are held can fail",
        ),
        (
            f"stations: {{s: {{kind: dwell, cycle: gone, minimum: {SLOW}, failures: "
            f"{{f: {{time_to_failure: {SLOW}, time_to_repair: {SLOW}}}}}}}}}",
            "stations.s.failures",
            "a dwell station cannot fail",
        ),
        (
            f"stations: {{s: {{kind: dwell, cycle: gone, minimum: {SLOW}, parallel: 2}}}}",
            "stations.s.parallel",
            "a dwell station holds many lots at once",
        ),
        (
            f"stations: {{s: {{kind: dwell, cycle: gone, minimum: {SLOW}, output: {{lots: 2}}}}}}",
            "stations.s.output.lots",
            "a dwell station cannot split lots",
        ),
    ],
)
def test_each_rule(change, path, message):
    problems = found(change)
    assert (path, message) in [(where, said[: len(message)]) for where, said, _ in problems]
    assert len(problems) == 1, problems


@pytest.mark.parametrize(
    "change",
    [
        "sources: {a: {interarrival: gone}}",
        "sources: {a: {interarrival: gone, lots: 7}}\nbuffers: {b: {capacity: gone}}",
        "buffers: {b: {capacity: 0}}",
        "buffers: {b: {on_expiry: redo, maximum_wait_h: 3, redo_at: b}}",
        "stations: {t: {kind: batch, batch_lots: 1}}",
        "sources: {a: {amount: 5}}",
        "sources: {a: {amount: 9, unit: kg}}\nbuffers: {b: {capacity: 9, unit: kg}}",
        "stations: {t: {step: dry_film, kind: web, cycle: gone, speed_m_per_min: 5}}",
        "stations: {t: {step: wet, kind: dwell, cycle: gone}}",
        "calendars: {day: {working: {late: {start_h: 14, end_h: 24}}}}",
        f"stations: {{t: {{changeover: {{duration: {SLOW}, pairs: {{'ev -> ess': {SLOW}}}}}}}}}",
        "sources: {c: {lots: 9}}\nbuffers: {d: {from: s}}\nstations: {t: {from: {d: 1, c: 2}}}",
        "sources: {c: {lots: 9}}\nstations: {s: {from: {b: 5, c: 1}}}",
    ],
)
def test_what_is_allowed(change):
    assert found(change) == []


def test_a_misspelt_feed_is_one_problem_not_two():
    # Nothing takes from 's' any more, but only because of the slip in 't'.
    assert found("stations: {t: {from: ss}}") == [
        ("stations.t.from", "there is no 'ss' in the line", "did you mean 's'?")
    ]


def test_each_circle_is_named_once_in_the_direction_of_flow():
    text = """
    stations:
      c: {kind: serial, from: [b, e], cycle: {law: exponential, mean_s: 1}}
      d: {kind: serial, from: c, cycle: {law: exponential, mean_s: 1}}
      e: {kind: serial, from: d, cycle: {law: exponential, mean_s: 1}}
      f: {kind: serial, from: [e, g], cycle: {law: exponential, mean_s: 1}}
      g: {kind: serial, from: f, cycle: {law: exponential, mean_s: 1}}
    sinks: {y: {from: g}}
    """
    assert [(path, message) for path, message, _ in found(text)] == [
        ("stations.c.from", "the line runs in a circle: c -> d -> e -> c"),
        ("stations.f.from", "the line runs in a circle: f -> g -> f"),
    ]


def test_a_long_line_is_checked_without_recursion():
    cycle = {"law": "exponential", "mean_s": 1}
    stations = {f"s{n}": {"kind": "serial", "from": f"s{n - 1}" if n else "a", "cycle": cycle} for n in range(5000)}
    line = {"sources": {"a": {}}, "stations": stations, "sinks": {"z": {"from": "s4999"}}}
    assert line_problems(Line.model_validate(line)) == []
    stations["s0"]["from"] = ["a", "s4999"]
    (problem,) = line_problems(Line.model_validate(line))
    assert problem.path == ("line", "stations", "s0", "from")


nodes = st.sampled_from(["a", "b", "s", "t", "u", "z", "x"])


@given(st.dictionaries(st.sampled_from(["b", "s", "t", "u", "z"]), st.lists(nodes, max_size=3)))
def test_any_wiring_is_judged(wiring):
    tree = yaml.safe_load(LINE)
    tree["stations"]["u"] = dict(tree["stations"]["t"], **{"from": "a"})
    for name, feed in wiring.items():
        kind = "buffers" if name == "b" else "sinks" if name == "z" else "stations"
        tree[kind][name]["from"] = feed
    line = Line.model_validate(tree)
    problems = line_problems(line)
    known = {"line": line.model_dump(by_alias=True)}
    for path, message, _ in problems:
        node: Any = known
        for part in path:
            node = node[part]
        assert message
