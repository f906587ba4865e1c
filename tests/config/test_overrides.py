from __future__ import annotations

import pytest

from cellfab.config.loader import load, validate
from cellfab.config.spec import Spec
from cellfab.errors import ConfigError


def test_values_follow_the_rules_of_the_files(resolve):
    resolved = resolve(
        "a.b=1e-3", "a.c=no", "a.d=[1, x]", "a.e={f: 2}", "a.g=null", 'a.h="7"', "a.i=x=y", f="a: {b: 1, e: {k: 3}}\n"
    )
    assert resolved.tree == {
        "a": {"b": 0.001, "e": {"k": 3, "f": 2}, "c": "no", "d": [1, "x"], "g": None, "h": "7", "i": "x=y"}
    }


def test_the_later_option_wins_and_is_the_origin(resolve):
    resolved = resolve("a=2", "a=3", f="a: 1\n")
    assert resolved.tree == {"a": 3}
    location = resolved.location("a")
    assert (str(location), location.source.text, location.column) == ("--set", "a=3", 3)


def test_deleting(resolve):
    assert resolve("a.b=!delete", f="a: {b: 1, c: 2}\n").tree == {"a": {"c": 2}}


def test_another_law_replaces(settled):
    resolved = settled("line.stations.coat.cycle={law: deterministic, value_s: 4}", f=GOOD)
    assert resolved.get("line.stations.coat.cycle") == {"law": "deterministic", "value_s": 4}


def test_a_sourced_value_can_be_set_either_way(resolve):
    text = "a: {value: 1, low: 0, high: 2, source: log}\n"
    for option in ("a=5", "a.value=5"):
        resolved = resolve(option, f=text)
        assert resolved.tree == {"a": 5}
        assert resolved.notes == {}


def test_names_with_dots_are_quoted(resolve):
    resolved = resolve('a."b.c".d=2', f='a: {"b.c": {d: 1}}\n')
    assert resolved.tree == {"a": {"b.c": {"d": 2}}}


def test_an_optional_field_may_be_set_although_no_file_has_it(settled):
    resolved = settled("line.stations.coat.economics.capex_musd=3", "run.seed=7", f=GOOD)
    assert resolved.get("line.stations.coat.economics") == {"capex_musd": 3}
    assert resolved.get("run.seed") == 7


def test_parameters_of_a_step_are_judged_by_the_step(settled):
    resolved = settled("line.stations.coat.step=weld", "line.stations.coat.params.power_w=900", f=GOOD)
    assert resolved.get("line.stations.coat.params") == {"power_w": 900}

    class Weld(Spec):
        """What a step declares."""

        power_kw: float = 1.0

    assert validate(resolved, Weld, "line.stations.coat.params").power_kw == 0.9


GOOD = """\
line:
  sources: {arrivals: {interarrival: "60 s", products: {ev: 1}}}
  stations:
    coat: {kind: serial, from: arrivals, cycle_s: 45}
  sinks: {out: {from: coat}}
run: {horizon_h: 100}
"""


@pytest.mark.parametrize(
    ("option", "path", "column", "message", "hint"),
    [
        (
            "line.stations.caot.parallel=2",
            "line.stations.caot",
            15,
            "there is no 'caot' to set",
            "did you mean 'coat'?",
        ),
        ("line.buffers.new.capacity=2", "line.buffers.new", 14, "there is no 'new' to set", "--set changes what is"),
        (
            "line.sources.arrivals.products.ess=2",
            "line.sources.arrivals.products.ess",
            32,
            "there is no 'ess' to set",
            "",
        ),
        ("line.stations.coat.parralel=2", "line.stations.coat.parralel", 20, "unknown key", "did you mean 'parallel'?"),
        ("rum.seed=2", "rum", 1, "unknown key", "did you mean 'run'?"),
        ("run.horizon_h.x=2", "run.horizon_h.x", 15, "run.horizon_h holds a single value", ""),
        ("run.horizon_h=fast", "run.horizon_h", 15, "expected a number in h, got 'fast'", ""),
        ("run.horizon_h=-5", "run.horizon_h", 15, "-5 h is not above 0", ""),
        ("run.horizon_h=.nan", "run.horizon_h", 15, ".nan is not a number that can be used here", ""),
        ("run.horizon_h=[1", "run.horizon_h", 15, "not YAML", ""),
        ("run.horizon_h=", "run.horizon_h", 15, "a value is missing after '='", "null stands for nothing"),
        ("run.horizon_h", "", 1, "expected path=value", ""),
        ("=3", "", 1, "expected path=value", ""),
        ("run..seed=3", "", 1, "'run..seed' is not a path", ""),
        (".=3", "", 1, "'.' is not a path", ""),
        ("run.sed=!delete", "run.sed", 5, "there is nothing to delete", "known: horizon_h"),
        ("x" + ".x" * 5000 + "=1", "", 1, "is not a path", ""),
        ("run.seed=" + "[" * 5000, "run.seed", 110, "nested more than 100 levels deep", ""),
    ],
)
def test_options_that_cannot_be_meant(write, plant, option, path, column, message, hint):
    with pytest.raises(ConfigError) as caught:
        validate(load(write(f=GOOD), [option]), plant)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert message in problem.message
    assert hint in problem.hint
    assert problem.location.source.text == option
    assert problem.location.column == column


def test_how_an_option_is_shown(write):
    with pytest.raises(ConfigError) as caught:
        load(write(f=GOOD), ["run.seed=010"])
    assert str(caught.value) == (
        "--set: error: run.seed: 010 starts with a zero, which some readers take for octal\n"
        "    run.seed=010\n"
        "             ^\n"
        "    hint: write 10 for the number, or '010' in quotes for a text\n"
        "1 error"
    )
