"""Selections as part of a study: the right case, as often as promised, and what is told of the others."""

from __future__ import annotations

import json
import math
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cellfab.errors import ConfigError
from cellfab.study.conduct import Conduct, run_study
from cellfab.study.executors import SerialPool
from cellfab.study.worker import Figure, Outcome

SERVICE = "line.stations.lathe.cycle.mean_s"
HEAD = "name: s\nbase: shop.yaml\n"
TEN = HEAD + f"factors:\n  service: {{path: {SERVICE}, values: [{', '.join(str(one) for one in range(50, 70, 2))}]}}\n"
KN = "selection: {kind: kim_nelson, metric: wait_mean_s.queue, goal: smallest, indifference: 6}\n"
OCBA = "selection: {kind: ocba, metric: wait_mean_s.queue, goal: smallest, total: 120}\n"


class Memory:
    """A store that forgets: results in a dictionary."""

    code = "any"
    damage = ()

    def __init__(self):
        self.kept = {}

    def seconds(self, tasks):
        return {task: 0.0 for task in tasks if task in self.kept}

    def read(self, tasks):
        return [self.kept[task] for task in tasks if task in self.kept]

    def write(self, outcomes):
        self.kept |= {outcome.task: outcome for outcome in outcomes}


class Made(SerialPool):
    """Makes up replicates: of each case a row of a table; where that has a NaN, the figure is missing."""

    def __init__(self, study, table):
        self.rows = {case.scenario: row for case, row in zip(study.cases, table, strict=True)}

    def submit(self, chunk):
        future = Future()
        future.set_result([self.made(task) for task in chunk.tasks])
        return future

    def made(self, task):
        value = float(self.rows[task.scenario][task.replicate])
        missing = math.isnan(value)
        return Outcome(
            task, (Figure("wait_mean_s.queue", None if missing else value, None, "s", "never" if missing else ""),)
        )


def conducted(study, table):
    return Conduct(study, Memory(), Made(study, table)).run()


def test_the_best_of_ten_is_chosen_in_95_percent_of_200_studies(load):
    # The hardest case that the promise covers: nine equal cases, one better by the indifference zone of 6, scatter 20,
    # correlation 0.5 by common random numbers. Of these 200 it is NNN; 190 are promised.
    study = with_most(load(TEN + KN), 3000)
    right = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        table = 20.0 * math.sqrt(0.5) * (generator.normal(size=2000) + generator.normal(size=(10, 2000)))
        table[7] -= 6.0
        result = conducted(study, table)
        assert result.ended == "selected"
        right += result.part("selection").best.number == 7
    assert right >= 190


def with_most(study, most):
    selection = study.spec.selection.model_copy(update={"most": most})
    return replace(study, spec=study.spec.model_copy(update={"selection": selection}))


def test_the_fastest_lathe_has_the_shortest_wait(load):
    """With the same arrivals and service times it waits least in every replicate: ten replicates tell."""
    result = run_study(load(TEN + KN + "metrics: {throughput_per_h: {}}\n"), workers=0)
    assert result.ended == "selected"
    found = result.part("selection")
    assert found.best.factors == {"service": 50}
    assert found.probability == 0.95
    assert [one.case.factors["service"] for one in found.candidates[:3]] == [50, 52, 54]
    assert found.candidates[-1].out_after == 10
    later = [one.out_after for one in found.candidates[1:]]
    assert later == sorted(later, reverse=True)
    for one in found.candidates[1:]:
        pairs = [
            result.frame().query("metric == 'wait_mean_s.queue' and point == @place").set_index("replicate")["value"]
            for place in (one.case.point, 0)
        ]
        assert one.less_best.mean == pytest.approx((pairs[0] - pairs[1]).mean())
        assert one.less_best.low > 0
    for one in found.candidates:  # nobody is run much longer than it is needed
        needed = one.out_after or max(later)
        assert needed <= result.counts[one.case.number] == one.n <= 1.125 * needed + 1


def test_excluded_cases_get_no_further_replicates(load):
    generator = np.random.default_rng(1)
    table = generator.normal(size=(10, 200)) + np.array([0.0, 0.5] + [30.0] * 8)[:, None]
    result = conducted(load(TEN + KN.replace("indifference: 6", "indifference: 0.3")), table)
    assert result.counts[2:] == (10,) * 8
    assert min(result.counts[:2]) > 40
    assert [one.out_after for one in result.part("selection").candidates[2:]] == [10] * 8


def test_most_can_come_before_a_decision(load):
    table = np.random.default_rng(2).normal(size=(10, 40))
    result = conducted(load(TEN + KN.replace("indifference: 6", "indifference: 0.01, most: 40")), table)
    assert (result.ended, result.short_of_precision) == ("replicates", True)
    found = result.part("selection")
    assert (found.best, found.probability) == (None, None)
    assert max(result.counts) == 40


def test_a_replicate_without_the_figure_ends_it_only_if_its_case_may_still_be_the_best(load):
    table = np.random.default_rng(3).normal(size=(10, 200)) + np.arange(10.0)[:, None]
    study = load(TEN + KN.replace("indifference: 6", "indifference: 0.5"))
    whole = conducted(study, table)
    table[9, 10] = np.nan  # out before
    assert conducted(study, table).part("selection").best == whole.part("selection").best
    table[0, 11] = np.nan
    cut = conducted(study, table)
    assert cut.ended == "unmeasured"
    assert cut.part("selection").reason == "base, service = 50 has no wait_mean_s.queue in replicate 11: never"
    table[0, 3] = np.nan
    assert conducted(study, table).part("selection").reason.endswith("in replicate 3: never")


def test_ocba_hands_out_what_there_is_to_those_that_are_hard_to_tell_apart(load):
    result = run_study(load(TEN + OCBA), workers=0)
    assert result.ended == "fixed"
    assert sum(result.counts) == 120
    found = result.part("selection")
    assert found.best.factors == {"service": 50}
    assert 0.5 < found.probability <= 1.0
    by_service = {one.case.factors["service"]: one for one in found.candidates}
    assert by_service[52].n > by_service[68].n
    assert by_service[50].doubt is None
    assert by_service[52].doubt > by_service[68].doubt
    assert found.probability == pytest.approx(1.0 - sum(one.doubt or 0.0 for one in found.candidates))


def test_ocba_names_a_replicate_without_the_figure(load):
    table = np.random.default_rng(3).normal(size=(10, 200)) + np.arange(10.0)[:, None]
    table[4, 2] = np.nan
    result = conducted(load(TEN + OCBA), table)
    assert result.ended == "unmeasured"
    assert result.part("selection").reason == "base, service = 58 has no wait_mean_s.queue in replicate 2: never"


def test_variants_are_compared_over_the_replicates_that_both_have(load):
    text = (
        HEAD + f"variants:\n  slow: {{}}\n  fast: {{set: {{{SERVICE}: 60}}}}\n  faster: {{set: {{{SERVICE}: 59.9}}}}\n"
    )
    choice = KN.replace("indifference: 6", "indifference: 0.2")
    result = run_study(load(text + choice + "comparison: {reference: slow}\n"), workers=0)
    counts = dict(zip(("slow", "fast", "faster"), result.counts, strict=True))
    assert counts["fast"] < counts["slow"]  # hardly scatters against the faster one
    assert result.difference("fast", "wait_mean_s.queue").interval.n == counts["fast"]


# ---- told -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("selection", "said"), [(KN, "With probability 95.0 % at least"), (OCBA, "(estimated)")])
def test_the_command_tells_the_best_and_the_ranking(command, shop, selection, said):
    (shop / "study.yaml").write_text(TEN + selection)
    done = command("study", "study.yaml", "--workers", "0")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[2].startswith("smallest wait_mean_s.queue: base, service = 50. ")
    assert said in lines[2]
    assert lines[4].split()[:3] == ["rank", "variant", "service"]
    assert lines[5].split()[:3] == ["1", "base", "50"]
    assert lines[5].endswith("best")
    document = json.loads(command("study", "study.yaml", "--workers", "0", "--json").out)
    assert document["selection"]["best"] == {"variant": "base", "point": 0, "factors": {"service": 50}}
    assert len(document["selection"]["ranking"]) == 10
    frame = pd.read_csv(f"{document['out_dir']}/selection.csv")
    assert list(frame["rank"]) == list(range(1, 11))
    assert frame["factor.service"][0] == 50
    assert list(frame["chosen"]) == [True] + [False] * 9
    manifest = json.loads(Path(document["out_dir"], "manifest.json").read_text())
    assert manifest["metrics"] == ["wait_mean_s.queue"]


def test_what_is_not_decided_is_said_with_its_exit_code(command, shop):
    (shop / "study.yaml").write_text(TEN + KN.replace("indifference: 6", "indifference: 0.01, most: 10"))
    done = command("study", "study.yaml", "--workers", "0")
    assert done.code == 5
    assert "smallest wait_mean_s.queue: not decided, still in play: base, service = 50" in done.out
    (shop / "study.yaml").write_text(TEN + KN + "variants: {base: {set: {run.horizon_h: 0.001}}}\n")
    done = command("study", "study.yaml", "--workers", "0")
    assert done.code == 4
    assert "has no wait_mean_s.queue in replicate 0: no lot has come through since the warm-up" in done.out


# ---- refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        (TEN + KN.replace(", indifference: 6", ""), "5:1", "is missing", ""),
        (TEN + KN.replace("indifference: 6", "indifference: 0"), "5:88", "0 is not above 0", ""),
        (TEN + KN.replace("wait_mean_s.queue", "wait_mean_s.quoue"), "5:39",
         "nobody computes a figure 'wait_mean_s.quoue'", "did you mean 'wait_mean_s.queue'?"),
        (TEN + KN.replace("wait_mean_s.queue", "bottleneck"), "5:39",
         "'bottleneck' is a name, and only of numbers one is the best", ""),
        (TEN + KN.replace("smallest", "small"), "5:64", "unknown value 'small'", "did you mean 'smallest'?"),
        (TEN + KN.replace("kim_nelson", "kim"), "5:19", "unknown kind 'kim'", "known: kim_nelson, ocba"),
        (TEN + KN.replace("}\n", ", first: 12, most: 11}\n"), "5:1", "most (11) is below first (12)", ""),
        (TEN + KN.replace("}\n", ", probability: 0.1}\n"), "5:104",
         "of 10 cases any is the best with probability 0.1", ""),
        (HEAD + KN, "3:1", "a choice needs at least two cases: variants, or values of factors", ""),
        (TEN + OCBA.replace("120", "49"), "5:75", "10 cases with `first` 5 take 50 replicates already", ""),
        (TEN + KN + "replicates: 5\n", "6:1", "the selection says how many replicates there are",
         "write its `first` and `most`, or `total`, there"),
        (TEN + KN + "metrics: {wip_mean: {half_width_share: 0.1}}\n", "6:40",
         "decides nothing, for the selection says what is run", ""),
        (TEN + KN + "search: {objectives: {wip_mean: smallest}}\n", "6:1",
         "a study has a `selection` or a `search`, not both", "write two files"),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_refused_where_it_is_written(load, text, place, message, hint):
    with pytest.raises(ConfigError) as raised:
        load(text)
    found = [(str(one.location), one.message, one.hint) for one in raised.value.problems]
    assert found == [(f"study.yaml:{place}", message, hint)]
