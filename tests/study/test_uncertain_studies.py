"""Studies of what is not known exactly, on lines whose answers are known: laws of figures, bars, effects, shares."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from cellfab.errors import ConfigError, UsageError
from cellfab.report.study_page import write_study_page
from cellfab.report.study_sensitivity_text import full_bar
from cellfab.study.conduct import run_study
from cellfab.study.opened import open_study
from cellfab.study.plan import load_study
from cellfab.study.sensitivity import Effect, Share
from cellfab.study.table import write_tables
from cellfab.study.tornado import Change, Swing
from cellfab.study.uncertain import Input

STEADY = """
name: steady
run: {horizon_h: 100}
line:
  sources: {blanks: {}}
  stations:
    press:
      kind: serial
      from: blanks
      parallel: {value: 3, low: 2, high: 6, distribution: uniform, source: "assumption: what fits in the hall"}
      cycle: {law: deterministic, value_s: {value: 90, low: 60, high: 120, distribution: uniform, source: a stopwatch}}
    pack:
      kind: serial
      from: press
      cycle: {law: deterministic, value_s: {value: 5, low: 1, high: 8}}
  sinks: {done: {from: pack}}
"""
CHANCE = """
name: chance
run: {horizon_h: 20}
line:
  sources: {blanks: {}}
  stations:
    press:
      kind: serial
      from: blanks
      cycle: {law: exponential, mean_s: {value: 90, low: 60, high: 120}}
  sinks: {done: {from: press}}
"""
CROSSED = """
name: crossed
run: {horizon_h: 10}
line:
  sources: {blanks: {}}
  stations:
    press:
      kind: serial
      from: blanks
      cycle: {law: uniform, low_s: {value: 50, low: 40, high: 70}, high_s: {value: 60, low: 55, high: 80}}
  sinks: {done: {from: press}}
"""
PRESSES, CYCLE, PACK = (
    "line.stations.press.parallel", "line.stations.press.cycle.value_s", "line.stations.pack.cycle.value_s",
)  # fmt: skip
RATE = "throughput_per_h"


@pytest.fixture
def study(here):
    """Reads a study of one of the lines from the rest of its text."""

    def read(line: str, text: str):
        (here / "line.yaml").write_text(line)
        (here / "study.yaml").write_text(f"name: s\nbase: line.yaml\nmetrics: {{{RATE}: {{}}}}\n{text}\n")
        return load_study("study.yaml")

    return read


def sampled(kind: str, samples: int, replicates: int = 1, only: str = "all", law: str = "uniform") -> str:
    return (
        f"uncertain: {{values: {only}, law: {law}}}\nreplicates: {replicates}\n"
        f"design: {{kind: {kind}, samples: {samples}}}"
    )


# ---- laws of figures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["monte_carlo", "latin_hypercube", "sobol"])
def test_law_of_the_throughput_of_a_press_whose_cycle_is_not_known(study, kind):
    # One press of cycle c, 60 to 120 s evenly: 3600 / c an hour, mean 60 ln 2, quantile p at c = 120 - 60 p.
    # 256 points: at random the standard error of the mean is 0.52, of a space-filling design below 0.05; the quantiles
    # at random have 0.4 to 1.2.
    fixed = f"variants: {{one: {{set: {{{PRESSES}: 1, run.horizon_h: 400}}}}}}\n"
    result = run_study(study(STEADY, fixed + sampled(kind, 256, only=f"[{CYCLE}]")), workers=0)
    (found,) = result.part("uncertainty").figures
    assert (found.points, found.failed, found.infeasible, found.split) == (256, 0, 0, None)
    wide = 1.0 if kind == "monte_carlo" else 0.1
    assert found.spread.mean.mean == pytest.approx(60.0 * math.log(2.0), abs=4 * 0.52 * wide)
    for one, error in zip(found.spread.quantiles, (0.32, 0.67, 0.9), strict=True):
        assert one.value == pytest.approx(3600.0 / (120.0 - 60.0 * one.share), abs=4 * error * wide)
        assert one.low <= one.value <= one.high
    (rank,) = found.ranks
    assert rank.name == CYCLE
    assert rank.correlation < -0.999


def test_what_comes_from_inputs_and_what_from_chance(study):
    # Cycles exponential with a mean of 60 to 120 s, known to nobody: rate 60 ln 2 on average, variance between points
    # 1800 - (60 ln 2)^2 = 70.2, and within a point rate / 20 h = 2.08. 200 points in a Latin hypercube: its standard
    # error of the variance is below that at random, sqrt(2 / 200) = 10 %; within sqrt(2 / 200); z-limit 4.
    result = run_study(study(CHANCE, sampled("latin_hypercube", 200, replicates=2)), workers=0)
    (found,) = result.part("uncertainty").figures
    assert found.split.inputs == pytest.approx(70.2, rel=0.4)
    assert found.split.chance == pytest.approx(2.08, rel=0.4)
    assert found.split.low < 70.2 / 72.3 < found.split.high
    replicates = sorted({outcome.task.replicate for outcome in result.outcomes.values()})
    assert replicates == list(range(400)), "every point has random numbers of its own"


def test_variants_are_compared_at_the_same_points(study):
    text = (
        f"variants: {{one: {{set: {{{PRESSES}: 1}}}}, two: {{set: {{{PRESSES}: 2}}}}}}\n"
        "comparison: {reference: one}\n" + sampled("sobol", 64, only=f"[{CYCLE}]")
    )
    result = run_study(study(STEADY, text), workers=0)
    part = result.part("uncertainty")
    one, two = (figure.spread.mean.mean for figure in part.figures)
    (apart,) = part.differences
    assert apart.spread.mean.mean == pytest.approx(two - one)
    assert apart.above == 1.0
    # twice as many presses: the difference is the rate of one, at every point; 0.1 an hour is a part in 10 hours
    assert apart.spread.deviation == pytest.approx(part.figures[0].spread.deviation, rel=0.01)
    assert result.differences == ()


def test_points_that_are_no_scenario_are_counted_and_told(study, here):
    # Uniform durations from a (40 to 70 s) to b (55 to 80 s): impossible where a is not below b.
    result = run_study(study(CROSSED, sampled("sobol", 64)), workers=0)
    (found,) = result.part("uncertainty").figures
    names = result.study.moved.names
    refused = result.study.infeasible
    assert found.points + found.infeasible == 64
    # P(a >= b) = 15^2 / 2 / (30 * 25) = 0.15
    assert found.infeasible == len(refused) == pytest.approx(0.15 * 64, abs=4)
    assert all(one.inputs[names[0]] >= one.inputs[names[1]] for one in refused)
    assert all("high_s must be above low_s" in one.reason for one in refused)
    frame = result.frame()
    assert (frame["status"] == "infeasible").sum() == len(refused)
    rows = read(write_tables(result, here / "studies") / "points.csv")
    assert sum(row["infeasible"] != "" for row in rows) == len(refused)
    assert [int(row["point"]) for row in rows] == list(range(64))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# ---- one at a time --------------------------------------------------------------------------------------------------


def test_bars_of_a_deterministic_line_are_exact(study):
    # 3600 N / c an hour, 120 as it is; packing never limits. A part less or more in 100 hours is 0.01.
    result = run_study(study(STEADY, "uncertain: {}\nreplicates: 1\ndesign: {kind: one_at_a_time}"), workers=0)
    part = result.part("sensitivity")
    (figure,) = part.figures
    assert figure.base == pytest.approx(120.0, abs=0.1)
    presses, cycle, pack = figure.measures
    assert [one.name for one in figure.measures] == [PRESSES, CYCLE, PACK]
    assert (presses.at_low.value, presses.at_high.value) == pytest.approx((-40.0, 120.0), abs=0.1)
    assert (cycle.at_low.value, cycle.at_high.value) == pytest.approx((60.0, -30.0), abs=0.1)
    assert abs(pack.size) < 0.1
    subject = part.subjects["base"][CYCLE]
    assert (subject.low, subject.value, subject.high, subject.law) == (60, 90, 120, "uniform")
    assert (subject.place, subject.source) == ("line.yaml:11", "a stopwatch")


def test_factors_are_moved_from_what_the_scenario_has(study):
    text = (
        f"factors: {{presses: {{path: {PRESSES}, values: [2, 6]}}, gap: {{path: {CYCLE}, low: 80, high: 100}}}}\n"
        "replicates: 1\ndesign: {kind: one_at_a_time}"
    )
    result = run_study(study(STEADY, text), workers=0)
    (figure,) = result.part("sensitivity").figures
    assert [one.name for one in figure.measures] == ["presses", "gap"]
    assert figure.measures[1].at_high.value == pytest.approx(108.0 - 120.0, abs=0.1)
    assert dict(result.study.cases[0].factors) == {"presses": 3, "gap": 90}
    assert {case.factors["presses"] for case in result.study.cases} == {2, 3, 6}


def test_a_screening_looks_again_at_the_longest_bars(study):
    text = "uncertain: {}\nreplicates: {least: 1, most: 4}\ndesign: {kind: one_at_a_time, keep: 1}"
    result = run_study(
        study(STEADY.replace("{law: deterministic, value_s", "{law: exponential, mean_s"), text), workers=0
    )
    assert result.ended == "fixed"
    assert result.counts == (4, 4, 4, 1, 1, 1, 1)
    (figure,) = result.part("sensitivity").figures
    kept, *others = figure.measures
    assert kept.name == PRESSES
    assert kept.at_high.half_width > 0.0
    assert {one.at_high.half_width for one in others} == {None}


def test_an_end_that_is_no_scenario_leaves_the_other(study):
    text = "uncertain: {}\nreplicates: 1\ndesign: {kind: one_at_a_time}"
    result = run_study(study(CROSSED, text), workers=0)
    low, high = sorted(result.part("sensitivity").figures[0].measures, key=lambda one: one.name, reverse=True)
    assert low.at_high is None  # from 70 s to 60 s
    assert low.at_low.value > 0.0
    assert high.at_low.value > 0.0 > high.at_high.value


# ---- effects and shares ---------------------------------------------------------------------------------------------


def test_effects_of_a_line(study):
    text = "uncertain: {}\nreplicates: 1\ndesign: {kind: morris, trajectories: 12, levels: 4}"
    result = run_study(study(STEADY, text), workers=0)
    assert len(result.study.cases) == 12 * 4
    found = {one.name: one for one in result.part("sensitivity").figures[0].measures}
    assert isinstance(found[PACK], Effect)
    assert found[PACK].strength.mean < 0.2 < 50.0 < min(found[PRESSES].strength.mean, found[CYCLE].strength.mean)
    assert found[PRESSES].mean > 0.0 > found[CYCLE].mean
    # cycles on the four levels, 60, 80, 100 and 120 s, evenly, not by their law
    assert {case.inputs[CYCLE] for case in result.study.cases} == {60.0, 80.0, 100.0, 120.0}


def test_sobol_indices_of_a_line_lie_within_their_intervals(study):
    # 3600 N / c with N = 2 to 6 (each as likely) and c uniform: the shares of N, 1/c and both follow from the variance
    # of a product; E[1/c] = ln 2 / 60, E[1/c^2] = 1 / 7200.
    text = "replicates: 1\nuncertain: {law: uniform}\ndesign: {kind: saltelli, samples: 128}"
    result = run_study(study(STEADY, text), workers=0)
    assert len(result.study.points) == 128 * 5
    found = {one.name: one for one in result.part("sensitivity").figures[0].measures}
    mean_n, var_n = 4.0, 2.0
    mean_r, var_r = math.log(2.0) / 60.0, 1.0 / 7200.0 - (math.log(2.0) / 60.0) ** 2
    of_n, of_r, of_both = var_n * mean_r**2, var_r * mean_n**2, var_n * var_r
    whole = of_n + of_r + of_both
    for name, first, both in ((PRESSES, of_n, of_both), (CYCLE, of_r, of_both), (PACK, 0.0, 0.0)):
        share = found[name]
        assert isinstance(share, Share)
        assert share.first.low - 0.002 <= first / whole <= share.first.high + 0.002
        assert share.total.low - 0.002 <= (first + both) / whole <= share.total.high + 0.002
        assert share.total.mean == pytest.approx((first + both) / whole, abs=0.05)


# ---- which values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("{}", [PRESSES, CYCLE, PACK]),
        ("{values: assumptions}", [PRESSES]),
        ("{values: [line.stations.press]}", [PRESSES, CYCLE]),
        ("{values: ['*.value_s']}", [CYCLE, PACK]),
        ("{except: ['line.*.cycle']}", [PRESSES]),
    ],
)
def test_which_values_are_moved(study, chosen, names):
    found = study(STEADY, f"uncertain: {chosen}\ndesign: {{kind: one_at_a_time}}")
    assert list(found.moved.names) == names
    assert len(found.cases) == 2 * len(names) + 1


def test_a_variant_that_sets_a_value_knows_it(study):
    text = f"variants: {{a: {{}}, b: {{set: {{{CYCLE}: 80}}}}}}\nuncertain: {{}}\nreplicates: 1\n"
    found = study(STEADY, text + "design: {kind: saltelli, samples: 4}")
    assert [one.name for one in found.moved.by_variant["b"]] == [PRESSES, PACK]
    shares = run_study(found, workers=0).part("sensitivity").figures
    assert [{one.name for one in figure.measures} for figure in shares] == [{PRESSES, CYCLE, PACK}, {PRESSES, PACK}]


def test_a_value_that_a_factor_moves_is_not_uncertain(study):
    text = "factors: {cycle: {path: line.stations.press.cycle.value_min, low: 1, high: 2}}\nuncertain: {}\n"
    found = study(STEADY, text + "replicates: 1\ndesign: {kind: latin_hypercube, samples: 5}")
    assert list(found.moved.names) == [PRESSES, PACK]
    assert sorted(int(5 * (case.factors["cycle"] - 1.0)) for case in found.cases) == list(range(5))
    ranks = run_study(found, workers=0).part("uncertainty").figures[0].ranks
    assert {one.name for one in ranks} == {"cycle", PRESSES, PACK}


def test_points_follow_the_laws(study):
    found = study(STEADY, sampled("latin_hypercube", 100, law="pert"))
    packing = np.sort([case.inputs[PACK] for case in found.cases])
    law = Input(PACK, 5.0, 1.0, 8.0, "pert")
    slices = [(law.at(place / 100), law.at((place + 1) / 100)) for place in range(100)]
    assert all(low <= value <= high for value, (low, high) in zip(packing, slices, strict=True))
    presses = [case.inputs[PRESSES] for case in found.cases]
    assert {presses.count(number) for number in (2, 3, 4, 5, 6)} == {20}


# ---- bad input ------------------------------------------------------------------------------------------------------


ALONE = "\ndesign: {kind: one_at_a_time}"
ALL = "uncertain: {}\ndesign: "
PATH = "factors: {a: {path: "


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("uncertain: {values: [line.pres]}" + ALONE, "4:22", "there is no 'line.pres'", ""),
        ("uncertain: {values: ['*.mean_s']}" + ALONE, "4:22", "no path of an uncertain value is like", "such as"),
        ("uncertain: {except: [x]}" + ALONE, "4:22", "there is no 'x'", ""),
        ("uncertain: {values: [run.horizon_h]}" + ALONE, "4:22", "has no `distribution`", "line.yaml:3"),
        ("uncertain: {except: [line]}" + ALONE, "4:1", "no value of the scenario has", "low: 7"),
        ("uncertain: {}\nreplicates: 2", "4:1", "a grid lists values", "latin_hypercube"),
        ("uncertain: {law: triangel}" + ALONE, "4:18", "unknown value 'triangel'", "'triangular'"),
        (ALL + "{kind: saltelli, samples: 100}", "5:1", "a power of two, such as 64 or 128, not 100", ""),
        (ALL + "{kind: morris, levels: 5}", "5:1", "`levels` is an even number, not 5", ""),
        (ALL + "{kind: morris, samples: 5}", "5:1", "`samples` means nothing to a design of kind morris", ""),
        (ALL + "{kind: [morris, sobol], samples: 4}", "5:10", "unknown value a list", "known: grid, list"),
        (ALL + "{kind: sobol}", "5:1", "needs `samples`", ""),
        ("design: {kind: morris}", "4:1", "there are no `factors` to move", "uncertain: {values: all}"),
        (ALL + "{kind: morris}\nreplicates: {least: 2, most: 5}", "6:1", "the same number of replicates", ""),
        (ALL + "{kind: one_at_a_time, keep: 3}\nreplicates: 4", "5:", "`replicates` is 4", ""),
        (PATH + "line.stations.pres.parallel, values: [1, 2]}}" + ALONE, "4:", "there is no 'pres' to set", ""),
        (PATH + f"{PRESSES}, values: [0, 2]}}}}" + ALONE, "4:", "0 is below 1", ""),
    ],
)
def test_what_cannot_be_meant(study, text, place, message, hint):
    with pytest.raises(ConfigError) as raised:
        study(STEADY, text)
    found = raised.value.problems
    assert any(f"study.yaml:{place}" in str(one.location) for one in found), [str(one) for one in found]
    assert any(message in one.message and hint in one.hint for one in found), [str(one) for one in found]


def test_a_study_without_metrics_has_nothing_to_analyse(study, here):
    study(STEADY, "uncertain: {}\ndesign: {kind: morris}")
    text = (here / "study.yaml").read_text().replace(f"metrics: {{{RATE}: {{}}}}\n", "")
    (here / "study.yaml").write_text(text)
    with pytest.raises(ConfigError, match="no `metrics` are named"):
        load_study("study.yaml")


def test_all_points_infeasible_is_an_error(study):
    always = CROSSED.replace("value: 50, low: 40, high: 70", "value: 50").replace(
        "value: 60, low: 55", "value: 40, low: 35"
    )
    with pytest.raises(ConfigError, match="high_s must be above low_s"):
        study(always.replace("high: 80", "high: 45"), sampled("sobol", 8))


# ---- tables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        sampled("latin_hypercube", 12, replicates=2),
        "uncertain: {}\nreplicates: {least: 1, most: 3}\ndesign: {kind: one_at_a_time, keep: 1}",
        "uncertain: {}\nreplicates: 2\ndesign: {kind: saltelli, samples: 4}",
    ],
)
def test_tables_do_not_depend_on_who_computes(study, here, tables, text):
    found = study(CROSSED, text)
    folders = []
    for workers in (0, 2):
        result = run_study(found, workers=workers, store=here / f"store{workers}")
        folders.append((tables(result), write_tables(result, here / f"store{workers}")))
    again = run_study(found, workers=0, store=here / "store2")
    assert again.ran == 0
    (first, one), (second, other) = folders
    assert first == second == tables(again)
    names = {path.name for path in one.glob("*.csv")}
    assert names >= {"points.csv"}
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_comparing_two_samples_is_refused(study, here):
    result = run_study(study(CHANCE, sampled("sobol", 4)), workers=0)
    with pytest.raises(UsageError, match="is one sample"):
        open_study(write_tables(result, here / "studies"))


def test_what_the_command_prints(study, command, here):
    study(STEADY, "uncertain: {}\nreplicates: 1\ndesign: {kind: one_at_a_time}")
    done = command("study", "study.yaml", "--workers", "0")
    assert done.code == 0, done.err
    lines = [line.strip() for line in done.out.splitlines()]
    assert any(re.match(rf"{RATE}: 1[12]\d\S* per h as the scenario is", line) for line in lines)
    bars = [line for line in lines if "│" in line]
    assert [line.split()[1] for line in bars] == [PRESSES, CYCLE]
    assert "1 not at all: see sensitivity.csv" in lines
    assert bars[0].endswith("████│████████████")
    assert any("line.yaml:11" in line and "a stopwatch" in line for line in lines)
    document = json.loads(command("study", "study.yaml", "--workers", "0", "--json").out)
    first = document["sensitivity"]["figures"][0]["inputs"][0]
    assert (first["input"], first["low"], first["high"]) == (PRESSES, 2, 6)
    assert first["at_high"] == {"value": pytest.approx(120.0, abs=0.1), "half_width": None}


def test_warnings_of_the_command(study, command):
    study(CROSSED, sampled("sobol", 12))
    done = command("study", "study.yaml", "--workers", "0")
    assert done.code == 0
    assert "points are no scenario: line.stations.press.cycle: high_s must be above low_s" in done.out
    assert "fills the space evenly with 8 or 16 samples, not with 12" in done.out
    assert "one replicate of each point: chance is not told from inputs" in done.out
    document = json.loads(command("study", "study.yaml", "--workers", "0", "--json").out)
    assert len(document["infeasible"]) + len(document["cases"]) == 12
    assert set(document["infeasible"][0]["inputs"]) == set(document["cases"][0]["inputs"])
    assert {one["share"] for one in document["uncertainty"]["figures"][0]["quantiles"]} == {0.05, 0.5, 0.95}


def test_swings_come_with_their_type(study):
    found = run_study(study(STEADY, "uncertain: {}\nreplicates: 2\ndesign: {kind: one_at_a_time}"), workers=0)
    measures = found.part("sensitivity").figures[0].measures
    assert all(isinstance(one, Swing) for one in measures)
    assert measures[0].at_high.half_width == 0.0, "nothing scatters in this line"


def test_assumptions_of_a_scenario(study, command, here):
    study(STEADY, ALL + "{kind: morris}")
    done = command(
        "assumptions", "line.yaml", "--set", "run.horizon_h=50", "--set", f'{PACK}="4 s"', "--workers", "0",
        "--replicates", "2", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    (figure,) = json.loads(done.out)["sensitivity"]["figures"]
    assert [one["input"] for one in figure["inputs"]] == [PRESSES, CYCLE], "what --set gives is known"
    written = here / "studies" / "assumptions_of_steady.yaml"
    again = command("study", str(written), "--workers", "0", "--json")
    assert json.loads(again.out)["replicates"]["ran"] == 0
    assumed = command("assumptions", "line.yaml", "--assumed", "--workers", "0", "--json")
    assert [one["input"] for one in json.loads(assumed.out)["sensitivity"]["figures"][0]["inputs"]] == [PRESSES]
    assert command("assumptions", "mm1", "--workers", "0").code == 3
    assert "nobody computes a figure 'cost'" in command("assumptions", "line.yaml", "--metric", "cost").err


def test_bars_that_would_hide_all_others_are_cut():
    sizes = {"a": 900.0, "b": 4.0, "c": 2.0}
    swings = [Swing(name, Change(-size / 2, None), Change(size, None)) for name, size in sizes.items()]
    assert full_bar(swings) == 12.0
    assert full_bar(swings[1:]) == 4.0


def test_pictures_of_a_study(study, here):
    for number, design in enumerate(
        ("{kind: one_at_a_time}", "{kind: morris, trajectories: 2}", "{kind: saltelli, samples: 2}",
         "{kind: latin_hypercube, samples: 4}")
    ):  # fmt: skip
        result = run_study(study(STEADY, f"uncertain: {{}}\nreplicates: 1\ndesign: {design}"), workers=0)
        page = write_study_page(result, here / f"{number}.html")
        text = page.read_text()
        assert "http://" not in text.partition("<script>")[0]
        assert (r"press \u203a parallel" in text) == (number < 3)
    plain = run_study(study(CHANCE, "replicates: 2"), workers=0)
    assert write_study_page(plain, here / "none.html") is None
    assert not (here / "none.html").exists()
