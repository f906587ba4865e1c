"""Two studies compared: in pairs where they are pairs, as independent where not, and never two unlike things."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cellfab.errors import ConfigError, UsageError
from cellfab.report.study_compare_text import study_comparison_document, study_comparison_text
from cellfab.study.compare import compare_studies
from cellfab.study.conduct import run_study
from cellfab.study.footing import Footing
from cellfab.study.opened import OpenedCase, OpenedStudy, Place, Sample, open_study
from cellfab.study.table import write_tables

WAIT = "wait_mean_s.queue"


@pytest.fixture
def folder(load):
    """Runs a study from its text; returns the folder of its tables."""

    def of(text: str) -> str:
        return str(write_tables(run_study(load(text), store="studies", workers=0), Path("studies")))

    return of


def opened(values: dict[str, list[Any]], **changes: Any) -> OpenedStudy:
    """A study by hand: by variant, the values of the figure `rate` in each replicate (None: it failed)."""
    unit, lots, year = (
        changes.pop("unit", "1/h"),
        changes.pop("lots", {"orders": (1, "parts")}),
        changes.pop("year", 2026),
    )
    metric = changes.pop("metric", "rate")
    cases = {}
    for variant, listed in values.items():
        case = OpenedCase(scenario=changes.get("name", "") + variant)
        sample = case.samples[metric] = Sample(unit, reason="nothing was made")
        for replicate, value in enumerate(listed):
            if isinstance(value, str):
                sample.texts[replicate] = value
            elif value is None:
                case.failed += 1
            else:
                sample.values[replicate] = value
        cases[Place(variant, ())] = case
    fixed = {"folder": Path("f"), "name": "a", "digest": "d", "seed": 1, "code": "c", "confidence_share": 0.95,
             "metrics": (), "factors": ()}  # fmt: skip
    footings = {case.scenario: Footing(lots, year) for case in cases.values()}
    return OpenedStudy(**{**fixed, "cases": cases, "footings": footings, **changes})


# ---- reading ----------------------------------------------------------------------------------------------------


def test_a_folder_holds_what_the_study_found(two, shop):
    result = run_study(two, store="studies", workers=0)
    study = open_study(write_tables(result, Path("studies")))
    assert (study.name, study.seed, study.metrics) == ("two", 7, (WAIT, "throughput_per_h"))
    assert [place.variant for place in study.cases] == ["slow", "fast"]
    for one in result.estimates:
        sample = study.cases[Place(one.case.variant, ())].samples[one.metric]
        assert sample.unit == one.unit
        assert len(sample.values) + len(sample.texts) == one.n
        if one.mean is not None:
            assert np.mean(list(sample.values.values())) == pytest.approx(one.mean, rel=1e-12)
        else:
            assert one.text is None or one.text in sample.texts.values()
    assert study.footings == dict(two.footings)


def test_columns_and_units_in_pandas_are_those_that_are_documented(command, folder, two_text):
    """One unit for each figure, that of a run; factors in the unit of their field; the types say what is a number."""
    text = two_text.split("variants:")[0] + (
        "replicates: 2\nfactors:\n  cycle: {path: line.stations.lathe.cycle.mean_s, values: [1 min, 72 s]}\n"
    )
    frame = pd.read_parquet(Path(folder(text)) / "results.parquet")
    assert sorted(frame["factor.cycle"].unique()) == [60.0, 72.0]
    types = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert {name for name, kind in types.items() if kind == "int64"} == {"point", "seed", "replicate"}
    assert {name for name, kind in types.items() if kind == "float64"} == {"factor.cycle", "value"}
    run = json.loads(command("run", "shop.yaml", "--json").out)["kpi"]
    units = frame.groupby("metric")["unit"].agg(set)
    assert units.to_dict() == {name: {kpi["unit"]} for name, kpi in run.items()}
    assert frame["value"].notna().eq(frame["status"].eq("done") & frame["text"].isna()).all()


def test_a_folder_that_does_not_say_on_what_its_figures_stand(folder, two_text):
    manifest = Path(folder(two_text)) / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"footings": []}))
    with pytest.raises(ConfigError, match="another version of cellfab wrote it"):
        open_study(manifest.parent)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("manifest.json", None, "manifest.json: is missing"),
        ("manifest.json", "{", "cannot be read"),
        ("manifest.json", "{}", "another version of cellfab wrote it"),
        ("manifest.json", "[]", "cannot be read"),
        ("results.parquet", "x", "cannot be read"),
    ],
)
def test_folders_that_are_damaged(folder, two_text, file, text, told):
    damaged = Path(folder(two_text)) / file
    damaged.unlink()
    if text is not None:
        damaged.write_text(text)
    with pytest.raises(ConfigError, match=told):
        open_study(damaged.parent)


# ---- differences ------------------------------------------------------------------------------------------------


def test_the_same_seed_makes_pairs(folder, two_text):
    """Differences, intervals and what pairing is worth, against the flat tables by other formulas."""
    folders = folder(two_text), folder(two_text.replace("mean_s: 60", "mean_s: 50").replace(": 6\n", ": 8\n"))
    found = compare_studies(*map(open_study, folders))
    assert [(one.place.variant, one.obstacle, one.same_scenario) for one in found.pairings] == [
        ("slow", "", True), ("fast", "", False)
    ]  # fmt: skip
    tables = [pd.read_parquet(Path(one) / "results.parquet").query("variant == 'fast'") for one in folders]
    a, b = (
        table[table["metric"] == WAIT].set_index("replicate")["value"].loc[list(range(6))].to_numpy()
        for table in tables
    )
    (change,) = (one for one in found.changes if (one.place.variant, one.metric) == ("fast", WAIT))
    test = stats.ttest_rel(b, a).confidence_interval(0.95)
    assert change.paired and change.certain
    assert change.difference == pytest.approx((b - a).mean(), rel=1e-9)
    assert change.interval is not None
    assert (change.interval.low, change.interval.high) == pytest.approx((test.low, test.high), rel=1e-9)
    assert change.variance_ratio == pytest.approx((a.var() + b.var()) / (b - a).var(), rel=1e-9)
    assert change.variance_ratio > 2
    assert (change.before.n, change.after.n, change.before.left_out, change.after.left_out) == (6, 6, 0, 2)
    assert change.after.mean == pytest.approx(b.mean(), rel=1e-12)
    for one in found.changes:
        if one.place.variant == "slow":  # nothing was changed there, so nothing may differ by a bit
            assert one.difference == 0.0
            assert one.interval is None or one.interval.half_width == 0.0


def test_other_seeds_are_independent(folder, two_text):
    """Welch's interval, with as many replicates as each has."""
    folders = folder(two_text), folder(two_text.replace("seed: 7", "seed: 8").replace(": 6\n", ": 9\n"))
    found = compare_studies(*map(open_study, folders))
    assert {one.obstacle for one in found.pairings} == {"seeds 7 and 8"}
    a, b = (
        table[(table["metric"] == WAIT) & (table["variant"] == "slow")]["value"].to_numpy()
        for table in (pd.read_parquet(Path(one) / "results.parquet") for one in folders)
    )
    (change,) = (one for one in found.changes if (one.place.variant, one.metric) == ("slow", WAIT))
    test = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    assert not change.paired and change.variance_ratio is None
    assert (change.before.n, change.after.n) == (6, 9)
    assert change.difference == pytest.approx(b.mean() - a.mean(), rel=1e-9)
    assert change.interval is not None
    assert (change.interval.low, change.interval.high) == pytest.approx((test.low, test.high), rel=1e-9)


def test_other_lots_are_independent(folder, shop, two_text):
    """A source that makes lots of another size gives the same number another meaning: said, with its name."""
    first = folder(two_text)
    (shop / "shop.yaml").write_text((shop / "shop.yaml").read_text().replace("interarrival", "amount: 2, interarrival"))
    found = compare_studies(open_study(first), open_study(folder(two_text)))
    assert {one.obstacle for one in found.pairings} == {"the material is cut into different lots (line.sources.orders)"}
    assert not any(one.paired for one in found.changes)
    assert "as independent of each other (Welch's interval): the material is cut" in study_comparison_text(found)


def test_points_are_the_same_where_their_values_are(folder, two_text):
    """Whatever their number, and in whatever order the factors are written."""
    head = two_text.split("variants:")[0] + "replicates: 2\nfactors:\n"
    cycle = "  cycle: {path: line.stations.lathe.cycle.mean_s, values: [%s]}\n"
    order = "  order: {path: line.buffers.queue.order, values: [fifo, priority]}\n"
    a = open_study(folder(head + cycle % "60, 72" + order))
    b = open_study(folder(head + order + cycle % "72, 50"))
    found = compare_studies(a, b)
    assert [one.place.label for one in found.pairings] == [
        "base, cycle = 72, order = fifo",
        "base, cycle = 72, order = priority",
    ]
    assert {one.difference for one in found.changes} == {0.0}
    assert [dict(place.factors)["cycle"] for place in found.only_before.places] == [60.0, 60.0]
    assert [dict(place.factors)["cycle"] for place in found.only_after.places] == [50.0, 50.0]
    text = study_comparison_text(found)
    assert "cases only in A: base, cycle = 60, order = fifo; base, cycle = 60, order = priority" in text
    assert [line.split()[:4] for line in text.splitlines() if "throughput" in line] == [
        ["throughput_per_h", "base", "72", "fifo"]
    ]


def test_by_hand():
    found = compare_studies(opened({"x": [1.0, 2.0, 6.0]}), opened({"x": [2.0, 4.0, 9.0]}, name="b"))
    (change,) = found.changes
    assert change.difference == 2.0
    # Differences 1, 2, 3: standard error sqrt(1 / 3), Student's t with 2 degrees of freedom 4.302653.
    assert change.interval is not None
    assert change.interval.half_width == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert change.variance_ratio == pytest.approx(7 + 13)


def test_the_higher_confidence_counts():
    a, b = {"x": [1.0, 2.0, 6.0]}, {"x": [2.0, 4.0, 9.0]}
    found = compare_studies(opened(a), opened(b, confidence_share=0.99))
    assert found.confidence_share == 0.99
    assert found.changes[0].interval is not None
    assert found.changes[0].interval.half_width == pytest.approx(9.924843 / 3**0.5, rel=1e-6)
    assert "± 99 %" in study_comparison_text(found)


def test_one_replicate_has_a_difference_and_no_interval():
    for seed, paired in ((1, True), (2, False)):
        (change,) = compare_studies(opened({"x": [1.0]}), opened({"x": [4.0, 5.0]}, seed=seed)).changes
        assert (change.difference, change.interval, change.paired) == (3.0 if paired else 3.5, None, paired)
        assert not change.certain


def test_names_are_counted():
    found = compare_studies(opened({"x": ["lathe", "lathe", "saw"]}), opened({"x": ["saw"] * 3}))
    (one,) = found.names
    assert (one.before, one.after) == (("lathe", 2, 3), ("saw", 3, 3))
    assert "lathe (2 of 3)  saw" in study_comparison_text(found)


def test_replicates_that_failed_have_no_partner():
    found = compare_studies(opened({"x": [1.0, None, 3.0, 5.0]}), opened({"x": [2.0, 3.0, 5.0, 5.0]}))
    (change,) = found.changes
    assert change.difference == pytest.approx(1.0)
    assert (change.before.n, change.after.left_out) == (3, 1)
    text = study_comparison_text(found)
    assert "without a partner: 1 of B" in text
    assert "warning: 1 replicate of A failed" in text


# ---- what is not comparable -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"unit": "1/s"}, "is in 1/h in A and in 1/s in B"),
        ({"values": ["lathe", "saw"]}, "is a name in one study and a number in the other"),
        ({"values": []}, "has no value in B: nothing was made"),
    ],
)
def test_figures_that_cannot_be_compared(changes, told):
    changes = {"values": [3.0, 4.0], **changes}
    values = changes.pop("values")
    with pytest.raises(UsageError, match=f"can be compared: rate of x {told}"):
        compare_studies(opened({"x": [1.0, 2.0]}), opened({"x": values}, **changes))
    found = compare_studies(opened({"y": [1.0, 2.0], "x": [1.0, 2.0]}), mixed(changes, values))
    assert [one.place.variant for one in found.changes] == ["y"]
    assert [(one.place.variant, one.metric, one.reason) for one in found.refusals] == [("x", "rate", told)]
    assert f"not compared: rate of x {told}" in study_comparison_text(found)


def mixed(changes: dict[str, Any], values: list[Any]) -> OpenedStudy:
    """A study whose variant y can be compared, and whose variant x cannot."""
    good, bad = opened({"y": [3.0, 5.0]}), opened({"x": values}, **changes)
    return opened({}, cases={**good.cases, **bad.cases}, footings={**good.footings, **bad.footings})


def test_dollars_of_different_years():
    a, b = {"x": [1.0, 2.0]}, {"x": [3.0, 4.0]}
    with pytest.raises(UsageError, match="is in dollars of 2026 in A and of 2030 in B"):
        compare_studies(opened(a, unit="USD/kWh"), opened(b, unit="USD/kWh", year=2030))
    assert compare_studies(opened(a), opened(b, year=2030)).changes[0].difference == 2.0


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (opened({"y": [1.0], "z": [1.0]}), "no variant in common: x against y, z"),
        (opened({"x": [1.0]}, metric="speed"), "no figure in common: rate against speed"),
        (opened({"y": [1.0]}, factors=("cycle",)), "different factors: none against cycle"),
    ],
)
def test_studies_that_have_nothing_in_common(other, told):
    with pytest.raises(UsageError, match=told):
        compare_studies(opened({"x": [1.0]}), other)


def test_points_that_have_nothing_in_common():
    sides = []
    for value in (1.0, 2.0):
        study = opened({"x": [1.0]}, factors=("cycle",))
        (case,) = study.cases.values()
        sides.append(
            opened({}, factors=("cycle",), cases={Place("x", (("cycle", value),)): case}, footings=study.footings)
        )
    with pytest.raises(UsageError, match="their factors have different values"):
        compare_studies(*sides)


# ---- the command ------------------------------------------------------------------------------------------------


def test_command(command, folder, two_text):
    a = folder(two_text)
    b = folder(two_text.replace("slow: {}", "slow: {}\n  other: {extends: slow}").replace("mean_s: 60", "mean_s: 50"))
    done = command("compare", a, b)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"A: two, 2 cases, seed 7 ({a})"
    assert "compared in pairs of replicates: the same seed, and the same lots" in lines
    assert "the same scenario in both: slow" in lines
    assert "cases only in B: other" in lines
    table = [line for line in lines if " 6 pairs " in line]
    assert [line.split()[0] for line in table] == [WAIT, "fast", "throughput_per_h", "fast"]
    assert "exact" in table[0] and "always the same" in table[0]
    assert "may be zero" not in table[1] and "always the same" not in table[1]
    document = json.loads(command("compare", a, b, "--json").out)
    assert document["a"]["study"] == "two"
    assert document["only_b"]["cases"] == [{"variant": "other", "factors": {}}]
    assert [(case["variant"], case["paired"], case["same_scenario"]) for case in document["cases"]] == [
        ("slow", True, True), ("fast", True, False)
    ]  # fmt: skip
    wait = document["cases"][1]["figures"][WAIT]
    assert wait["ci_low"] < wait["difference"] < wait["ci_high"] < 0
    assert wait["difference"] == pytest.approx(wait["b"]["mean"] - wait["a"]["mean"])
    assert document["cases"][1]["figures"]["bottleneck"]["a"] == {"text": "lathe", "times": 6, "n": 6}
    study = open_study(a)
    assert json.loads(json.dumps(study_comparison_document(compare_studies(study, study)), allow_nan=False))


def test_variants_of_different_names_can_be_matched(command, folder, two_text):
    before = folder(two_text)
    after = folder(two_text.replace("slow", "as_it_was").replace("fast:", "faster:"))
    refused = command("compare", before, after)
    assert refused.code == 2
    assert "slow, fast against as_it_was, faster; to compare two of them: --match 'slow=as_it_was'" in refused.err
    found = json.loads(
        command("compare", before, after, "--match", "slow=as_it_was", "--match", "fast=faster", "--json").out
    )
    assert [case["variant"] for case in found["cases"]] == ["slow = as_it_was", "fast = faster"]
    assert all(case["same_scenario"] and case["paired"] for case in found["cases"])
    one = json.loads(command("compare", before, after, "--match", "slow=faster", "--json").out)
    assert [case["variant"] for case in one["cases"]] == ["slow = faster"]
    assert one["cases"][0]["figures"][WAIT]["difference"] < 0
    assert [case["variant"] for case in one["only_a"]["cases"]] == ["fast"]


def test_command_refuses_what_is_not_two_studies(command, folder, two_text):
    study = folder(two_text)
    run = json.loads(command("run", "shop.yaml", "--json").out)["out_dir"]
    for arguments, told in (
        ([study, run], f"'{study}' is a study and '{run}' is none"),
        (["mm1", study], f"'{study}' is a study and 'mm1' is none"),
        ([study, "studies"], f"choose one of those inside: {Path(study).name}"),
        ([study, "study.yaml"], "is the file of a study: run it"),
        ([study, study, "--cost", "full"], "--cost is for runs"),
        ([study, study, "--set", "run.seed=2"], "--set is for runs"),
        ([study, study, "--html", "c.html"], "--html is for runs"),
        ([run, run, "--match", "slow=fast"], "--match is for studies"),
        ([study, study, "--match", "slow"], "--match 'slow' is not VARIANT_A=VARIANT_B"),
        ([study, study, "--match", "slow=fsat"], "has no variant 'fsat' to match: did you mean 'fast'?"),
        ([study, study, "--match", "slow=fast", "--match", "slow=slow"], "variant 'slow' of"),
    ):
        done = command("compare", *arguments)
        assert (done.code, done.out) == (2, ""), arguments
        assert told in done.err
    (Path(study) / "manifest.json").unlink()
    assert command("compare", study, study).code == 3


def test_other_code_is_told():
    found = compare_studies(opened({"x": [1.0, 2.0]}), opened({"x": [1.0, 2.0]}, code="other"))
    assert "warning: A and B were computed by different code" in study_comparison_text(found)
    assert study_comparison_document(found)["warnings"] == [
        "A and B were computed by different code: a difference may be the code's"
    ]
