"""Study files: what their cases are, and what is refused before anything runs."""

from __future__ import annotations

import pytest

from cellfab.config import library
from cellfab.errors import ConfigError
from cellfab.scenario import load_scenario
from cellfab.study.plan import load_study
from cellfab.study.task import unpacked

HEAD = "name: s\nbase: shop.yaml\n"
ARRIVALS = "line.sources.orders.interarrival.mean_s"
LATHE = "line.stations.lathe"


def problems(load, text: str) -> list[tuple[str, str, str]]:
    """Place, message and hint of everything that is wrong."""
    with pytest.raises(ConfigError) as raised:
        load(text)
    return [(str(found.location), found.message, found.hint) for found in raised.value.problems]


def test_without_variants_the_base_is_the_only_case(load):
    study = load(HEAD + "replicates: 3\n")
    assert [(case.variant, case.point, dict(case.factors)) for case in study.cases] == [("base", 0, {})]
    assert study.cases[0].scenario == load_scenario("shop.yaml").digest


def test_a_variant_is_the_scenario_that_the_same_set_options_make(load):
    study = load(HEAD + f"variants:\n  a: {{}}\n  b: {{set: {{{LATHE}.cycle.mean_s: 60, {LATHE}.parallel: 2}}}}\n")
    written = load_scenario("shop.yaml", [f"{LATHE}.cycle.mean_s=60", f"{LATHE}.parallel=2"])
    assert [case.scenario for case in study.cases] == [load_scenario("shop.yaml").digest, written.digest]
    assert unpacked(study.payloads[written.digest]).spec == written.spec


def test_a_variant_extends_another_one_whose_changes_come_first(load):
    study = load(
        HEAD + "variants:\n"
        f"  c: {{extends: b, set: {{{LATHE}.cycle.mean_s: 50}}}}\n"
        f"  b: {{set: {{{LATHE}.cycle.mean_s: 60, {LATHE}.parallel: 2}}}}\n"
    )
    first = unpacked(study.payloads[study.cases[0].scenario]).spec.line.stations["lathe"]
    assert (first.parallel, first.cycle.mean_s) == (2, 50)


def test_a_variant_may_extend_another_scenario(load):
    study = load(HEAD + "variants:\n  mine: {}\n  theirs: {extends: mm1, set: {run.horizon_h: 300}}\n")
    assert study.cases[1].scenario == load_scenario("mm1", ["run.horizon_h=300"]).digest


def test_a_value_can_be_deleted_and_quantities_are_converted(load):
    study = load(
        HEAD + f'variants:\n  a: {{set: {{{LATHE}.cycle: "1 min", line.buffers.queue.capacity: 4}}}}\n'
        "  b: {extends: a, set: {line.buffers.queue.capacity: !delete }}\n"
    )
    lines = [unpacked(study.payloads[case.scenario]).spec.line for case in study.cases]
    assert [line.buffers["queue"].capacity for line in lines] == [4, None]
    assert [line.stations["lathe"].cycle.value_s for line in lines] == [60, 60]


def test_a_part_of_a_mapping_can_be_deleted(load):
    law = "{law: deterministic, value_s: 500}"
    jam = f"{{fate: scrap, time_to_failure: {law}, time_to_repair: {law}}}"
    study = load(
        HEAD + f"variants:\n  a: {{set: {{{LATHE}.failures: {{jam: {jam}}}}}}}\n"
        f"  b: {{extends: a, set: {{{LATHE}.failures: {{jam: {{fate: !delete }}}}}}}}\n"
    )
    jams = [unpacked(study.payloads[case.scenario]).spec.line.stations["lathe"].failures["jam"] for case in study.cases]
    assert [jam.fate for jam in jams] == ["scrap", "resume"]
    assert jams[1].time_to_repair == jams[0].time_to_repair


def test_a_study_of_the_same_name_as_its_base(shop):
    (shop / "mm1.yaml").write_text("name: mm1\nbase: mm1\nvariants: {a: {}}\n", encoding="utf-8")
    assert load_study(shop / "mm1.yaml").cases[0].scenario == load_scenario(library.lookup("mm1")).digest


def test_every_point_of_a_grid_in_every_variant(load):
    study = load(
        HEAD + f"variants:\n  one: {{}}\n  two: {{set: {{{LATHE}.parallel: 2}}}}\nfactors:\n"
        f'  arrivals: {{path: {ARRIVALS}, values: [100, "2 min"]}}\n'
        f"  service: {{path: {LATHE}.cycle.mean_s, values: [60, 70]}}\n"
    )
    assert [(case.variant, case.point, tuple(case.factors.values())) for case in study.cases] == [
        (variant, 2 * i + j, (arrivals, service))
        for variant in ("one", "two")
        for i, arrivals in enumerate((100, 120))
        for j, service in enumerate((60, 70))
    ]
    assert study.cases[1].label == "one, arrivals = 100, service = 70"


def test_a_factor_can_move_several_paths(load):
    study = load(HEAD + f"factors:\n  pace: {{path: [{ARRIVALS}, {LATHE}.cycle.mean_s], values: [90]}}\n")
    line = unpacked(study.payloads[study.cases[0].scenario]).spec.line
    assert (line.sources["orders"].interarrival.mean_s, line.stations["lathe"].cycle.mean_s) == (90, 90)


def test_cases_that_come_to_the_same_scenario_share_its_replicates(load):
    study = load(HEAD + "variants:\n  a: {}\n  b: {set: {run.horizon_h: 20}}\n")
    assert study.task(study.cases[0], 3) == study.task(study.cases[1], 3)


def test_a_fixed_warmup_is_cut_from_every_variant(load):
    study = load(HEAD + "warmup: {fixed_h: 5}\nvariants:\n  a: {}\n  b: {set: {run.warmup_h: 6}}\n")
    assert [unpacked(study.payloads[case.scenario]).spec.run.warmup_h for case in study.cases] == [5, 6]


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        (
            "variants:\n  a: {set: {line.stations.lahte.parallel: 2}}\n",
            "study.yaml:4:13", "there is no 'lahte' to set", "did you mean 'lathe'?",
        ),
        (
            f"factors:\n  p: {{path: {LATHE}.paralel, values: [2, 3]}}\n",
            "study.yaml:4:13", "unknown key", "did you mean 'parallel'?",
        ),
        (
            f"factors:\n  p: {{path: {LATHE}.parallel, values: [2, -3]}}\n",
            "study.yaml:4:55", "-3 is below 1 (in base, p = -3)", "",
        ),
        (
            "variants:\n  a: {set: {run.warmup_h: 30}}\n",
            "shop.yaml:2:1", "warmup_h (30) leaves nothing of horizon_h (20)", "",
        ),
        (
            "variants:\n  a: {}\n  b: {set: {run.warmup_h: 30}}\n",
            "shop.yaml:2:1", "warmup_h (30) leaves nothing of horizon_h (20) (in b)", "",
        ),
        ("variants:\n  a: {set: {'..': 30}}\n", "study.yaml:4:13", "'..' is not a path: names joined by dots, such as"
         " line.stations.weld", ""),
        ("variants:\n  a: {extends: bb}\n  b: {extends: shp.yaml}\n", "study.yaml:4:16",
         "there is no variant and no scenario file 'bb', and no shipped one of that name", "did you mean 'b'?"),
        ("variants:\n  a: {extends: b}\n  b: {extends: a}\n", "study.yaml:4:16",
         "variants extend each other in a circle: a -> b -> a", ""),
        ("variants: {a: {}}\ncomparison: {reference: c}\n", "study.yaml:4:25", "there is no variant 'c'", "known: a"),
        ("metrics: {throughput_h: {}}\n", "study.yaml:3:11", "nobody computes a figure 'throughput_h'",
         "did you mean 'throughput_per_h'?"),
        ("metrics: {bottleneck: {half_width_share: 0.1}}\nreplicates: {}\n", "study.yaml:3:42",
         "'bottleneck' is a name, and only numbers have a half-width", ""),
        ("metrics: {wip_mean: {half_width_share: 0.1}}\nreplicates: 4\n", "study.yaml:3:40",
         "decides nothing, for `replicates` is the fixed number 4", "write replicates: {least: 4, most: 20}"),
        ("replicates: {least: 3}\n", "study.yaml:3:1", "no metric has a `half_width_share` that could decide how many",
         "such as metrics: {throughput_per_h: {half_width_share: 0.01}}"),
        ("replicates: {least: 5, most: 4}\n", "study.yaml:3:1", "most (4) is below least (5)", ""),
        (f"factors:\n  p: {{path: {LATHE}.parallel, low: 2, high: 4}}\n", "study.yaml:4:3",
         "has two ends, and a grid needs `values`",
         "list the values, or draw points: design: {kind: sobol, samples: 64}"),
        ("design: {kind: sobol}\n", "study.yaml:3:1", "a design of kind sobol needs `samples`", ""),
        ("design: {kind: sobol, samples: 4}\n", "study.yaml:3:1", "there are no `factors` to sample", ""),
        ("variants:\n  a: {}\n  b: {set: {line.sources.orders.parts_per_lot: 2}}\ncomparison: {reference: a}\n",
         "study.yaml:6:1", "'b' and 'a' cut their material into different lots (line.sources.orders), so the same"
         " random numbers do not mean the same things in both", "write comparison: {reference: ..., paired: false}"),
    ],
    ids=lambda value: value.partition("\n")[0][:20] if isinstance(value, str) else None,
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(load, text, place, message, hint):
    found = problems(load, HEAD + text)
    assert (place, message, hint) in found


def test_all_problems_at_once_and_each_once(load):
    found = problems(
        load,
        HEAD + f"variants:\n  a: {{set: {{{LATHE}.parallel: 0}}}}\n  b: {{extends: a}}\n"
        f"factors:\n  p: {{path: {ARRIVALS}, values: [-1, 60, -2]}}\n",
    )
    assert [place for place, _, _ in found] == ["study.yaml:4:43", "study.yaml:7:63", "study.yaml:7:71"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: nowhere\n", "nowhere"),
        ("- a\n", "is not a study"),
        ("name: [\n", "1 error"),
        ("extra: 1\n" + HEAD, "unknown key"),
    ],
)
def test_what_is_no_study_is_refused(load, text, message):
    with pytest.raises(ConfigError, match=message):
        load(text)


def test_a_scenario_is_not_a_study(shop):
    with pytest.raises(ConfigError, match=r"shop.yaml:3:1: error: is a scenario, not a study"):
        load_study("shop.yaml")


def test_problems_of_the_base_are_told_where_they_are(shop):
    (shop / "faulty.yaml").write_text("extends: shop.yaml\nline: {stations: {lathe: {parallel: many}}}\n")
    (shop / "study.yaml").write_text("name: s\nbase: faulty.yaml\nvariants: {a: {}, b: {}}\n")
    with pytest.raises(ConfigError) as raised:
        load_study("study.yaml")
    assert [str(problem.location) for problem in raised.value.problems] == ["faulty.yaml:2:37"]
