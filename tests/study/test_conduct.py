"""Rounds of replicates: how many are run, what ends a study, and that its tables depend on nothing else."""

from __future__ import annotations

import random
from concurrent.futures import Future
from pathlib import Path

import pandas as pd
import pytest

import cellfab.replicate
from cellfab.errors import StallError
from cellfab.replicate import simulate
from cellfab.run import key_figures, run_scenario
from cellfab.scenario import load_scenario
from cellfab.study.code import code_digest
from cellfab.study.conduct import Conduct, Progress, run_study
from cellfab.study.executors import SerialPool
from cellfab.study.metrics import known_metrics
from cellfab.study.statistics import mean_interval, paired_difference
from cellfab.study.store import Store
from cellfab.study.table import COLUMNS
from cellfab.study.worker import Chunk, Outcome

PRECISE = """\
name: precise
base: shop.yaml
seed: 3
variants:
  slow: {}
  fast: {set: {line.stations.lathe.cycle.mean_s: 60}}
replicates: {least: 4, most: MOST}
metrics: {wait_mean_s.queue: {half_width_share: SHARE}, throughput_per_h: {half_width_share: 0.3}}
"""


def precise(load, most: int = 60, share: float = 0.2, more: str = ""):
    return load(PRECISE.replace("MOST", str(most)).replace("SHARE", str(share)) + more)


@pytest.fixture
def fail(monkeypatch):
    """Makes chosen replicates raise."""
    whole = cellfab.replicate.simulate

    def choose(*replicates: int, error: Exception | None = None) -> None:
        def simulate(scenario, seed, replicate, **options):
            if replicate in replicates:
                raise error or StallError("nothing moves\nany more")
            return whole(scenario, seed, replicate, **options)

        monkeypatch.setattr(cellfab.replicate, "simulate", simulate)

    return choose


@pytest.fixture
def calls(monkeypatch):
    """Seeds and replicates that were really simulated."""
    whole = cellfab.replicate.simulate
    made: list[tuple[str, int]] = []

    def simulate(scenario, seed, replicate, **options):
        made.append((scenario.digest, replicate))
        return whole(scenario, seed, replicate, **options)

    monkeypatch.setattr(cellfab.replicate, "simulate", simulate)
    return made


# ---- figures ----------------------------------------------------------------------------------------------------


def test_figures_are_those_of_a_run(two):
    result = run_study(two, workers=0)
    run = run_scenario(load_scenario("shop.yaml"), seed=7, replicates=6)
    assert {one.metric for one in result.estimates if one.case.variant == "slow"} == run.kpi.keys()
    for name, kpi in run.kpi.items():
        found = result.estimate("slow", name)
        assert (found.mean if found.text is None else found.text, found.unit, found.n) == (kpi.value, kpi.unit, kpi.n)
        if found.interval is not None and kpi.ci_low is not None:
            assert (found.interval.low, found.interval.high) == pytest.approx((kpi.ci_low, kpi.ci_high), abs=1e-12)


def test_the_frame_has_a_row_for_every_figure_of_every_replicate(two):
    result = run_study(two, workers=0)
    frame = result.frame()
    assert list(frame.columns) == list(COLUMNS)
    assert not frame.duplicated(["variant", "point", "replicate", "metric"]).any()
    waits = frame[(frame["metric"] == "wait_mean_s.queue") & (frame["variant"] == "fast")]
    assert list(waits["replicate"]) == list(range(6))
    assert result.estimate("fast", "wait_mean_s.queue").mean == pytest.approx(waits["value"].mean())


def test_any_replicate_can_be_run_again_by_itself(two):
    result = run_study(two, workers=0)
    for variant, replicate in (("slow", 0), ("fast", 5)):
        scenario = two.scenario(variant)
        again = key_figures(scenario, simulate(scenario, 7, replicate), {})
        case = next(case for case in two.cases if case.variant == variant)
        kept = {figure.metric: figure.value for figure in result.outcomes[two.task(case, replicate)].figures}
        assert kept["wait_mean_s.queue"] == again["wait_mean_s.queue"].value
        assert kept.keys() == again.keys()
    with pytest.raises(KeyError):
        two.scenario("fast", point=1)


def test_differences_are_paired_by_replicate(two):
    result = run_study(two, workers=0)
    frame = result.frame()
    waits = {
        name: list(part["value"]) for name, part in frame[frame["metric"] == "wait_mean_s.queue"].groupby("variant")
    }
    found = result.difference("fast", "wait_mean_s.queue")
    wanted = paired_difference(waits["fast"], waits["slow"])
    assert (found.interval, found.variance_ratio, found.correlation) == (
        wanted.interval, wanted.variance_ratio, wanted.correlation,
    )  # fmt: skip
    assert found.certain
    assert wanted.variance_ratio > 2


def test_the_same_numbers_unpaired_have_a_wider_interval(load, two_text):
    paired = run_study(load(two_text), workers=0).difference("fast", "wait_mean_s.queue")
    apart = run_study(load(two_text.replace("slow}", "slow, paired: false}")), workers=0)
    assert apart.reused == 12
    found = apart.difference("fast", "wait_mean_s.queue")
    assert found.interval.mean == pytest.approx(paired.interval.mean)
    assert found.interval.half_width > 1.3 * paired.interval.half_width
    assert found.variance_ratio is None


def test_the_confidence_is_the_studys(load, two_text):
    values = run_study(load(two_text), workers=0).frame()
    values = list(values[(values["metric"] == "wip_mean") & (values["variant"] == "slow")]["value"])
    result = run_study(load(two_text + "confidence_share: 0.8\n"), workers=0)
    assert result.estimate("slow", "wip_mean").interval == mean_interval(values, 0.8)


# ---- how many ---------------------------------------------------------------------------------------------------


def test_replicates_are_added_until_every_figure_is_known_well_enough(load):
    result = run_study(precise(load), workers=0)
    assert result.ended == "precision"
    assert not result.short_of_precision
    assert all(one.reached for one in result.estimates)
    assert min(result.counts) > 4
    for case, count in zip(result.study.cases, result.counts, strict=True):
        assert result.estimate(case.variant, "wait_mean_s.queue").n == count


def test_fewer_would_not_have_done(load):
    """The number is what the scatter asked for: with a looser precision it is smaller."""
    tight, loose = (run_study(precise(load, share=share), workers=0).counts for share in (0.15, 0.3))
    assert sum(loose) < sum(tight)


def test_compared_variants_have_the_same_replicates(load):
    apart = run_study(precise(load, share=0.1), workers=0)
    paired = run_study(precise(load, share=0.1, more="comparison: {reference: slow}\n"), workers=0)
    assert len(set(apart.counts)) == 2
    assert set(paired.counts) == {max(paired.counts)}
    assert paired.ended == "precision"


def test_the_largest_number_can_come_first(load):
    result = run_study(precise(load, most=6, share=0.02), workers=0)
    assert result.ended == "replicates"
    assert result.short_of_precision
    assert set(result.counts) == {6}


def test_the_time_can_be_up_first(load):
    study = precise(load, share=0.001, more="stop: {budget_s: 0.000001}\n")
    result = run_study(study, workers=0)
    assert result.ended == "budget"
    assert set(result.counts) == {0}
    rest = run_study(precise(load), workers=0)
    assert rest.ended == "precision"


def test_a_figure_that_nothing_has_is_not_waited_for(load):
    """No lot comes through in a minute."""
    text = (
        PRECISE.replace("SHARE", "0.1").replace("MOST", "50").replace("slow: {}", "slow: {set: {run.horizon_h: 0.001}}")
    )
    result = run_study(load(text), workers=0)
    assert result.ended == "unmeasured"
    found = result.estimate("slow", "wait_mean_s.queue")
    assert (found.n, found.missing, found.mean) == (0, 4, None)
    assert found.reason == "no lot has come through since the warm-up"


# ---- not twice --------------------------------------------------------------------------------------------------


def test_an_unchanged_variant_is_never_run_twice(load, two_text, calls, tables):
    first = run_study(load(two_text), workers=0)
    assert len(calls) == len(set(calls)) == 12
    again = run_study(load(two_text), workers=0)
    assert len(calls) == 12
    assert (again.ran, again.reused) == (0, 12)
    assert tables(again) == tables(first)
    more = run_study(load(two_text.replace("slow: {}", "slow: {}\n  other: {set: {run.horizon_h: 21}}")), workers=0)
    assert (more.ran, more.reused) == (6, 12)
    renamed = run_study(load(two_text.replace("slow", "old").replace("replicates: 6", "replicates: 8")), workers=0)
    assert (renamed.ran, renamed.reused) == (4, 12)


def test_another_seed_is_another_result(load, two_text):
    run_study(load(two_text), workers=0)
    other = run_study(load(two_text.replace("seed: 7", "seed: 8")), workers=0)
    assert (other.ran, other.reused) == (12, 0)


def test_a_damaged_part_is_run_again(load, two_text, tables):
    first = run_study(load(two_text), workers=0)
    victim = sorted(Path("studies/parts").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:-1])
    again = run_study(load(two_text), workers=0)
    assert [damage.part for damage in again.damage] == [victim.name]
    assert again.ran == again.damage[0].results > 0
    assert tables(again) == tables(first)


# ---- order ------------------------------------------------------------------------------------------------------


class Shuffled(SerialPool):
    """Ends chunks in a random order."""

    def __init__(self, seed: int) -> None:
        self.size = 4
        self.chance = random.Random(seed)
        self.held: list[tuple[Future[list[Outcome]], Chunk]] = []

    def submit(self, chunk: Chunk) -> Future[list[Outcome]]:
        future: Future[list[Outcome]] = Future()
        self.held.append((future, chunk))
        return future

    def check(self) -> None:
        future, chunk = self.held.pop(self.chance.randrange(len(self.held)))
        future.set_result(super().submit(chunk).result())


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_decides_nothing(load, tables, tmp_path, monkeypatch, seed):
    monkeypatch.setattr("cellfab.study.dispatch._LOOK_S", 0.0)
    study = precise(load, more="comparison: {reference: slow}\n")
    plain = run_study(study, store=tmp_path / "plain", workers=0)
    with Store(tmp_path / "shuffled", code_digest()) as store:
        shuffled = Conduct(study, store, Shuffled(seed)).run()
    assert shuffled.counts == plain.counts
    assert tables(shuffled) == tables(plain)


def test_what_is_in_the_store_already_decides_nothing(load, tables, tmp_path):
    """A study that could have used more replicates than it needs takes as many as it would have run."""
    run_study(precise(load, share=0.05), store=tmp_path / "full", workers=0)
    assert tables(run_study(precise(load), store=tmp_path / "full", workers=0)) == tables(
        run_study(precise(load), store=tmp_path / "empty", workers=0)
    )


@pytest.mark.parametrize("more", ["", "stop: {budget_s: 1000}\n"])
def test_many_scenarios_are_run_one_after_the_other_unless_time_may_be_up(load, calls, more):
    means = ", ".join(str(mean) for mean in range(50, 60))
    text = f"factors:\n  mean: {{path: line.stations.lathe.cycle.mean_s, values: [{means}]}}\n"
    study = load("name: s\nbase: shop.yaml\nreplicates: 3\n" + text + more)
    assert run_study(study, workers=0).ran == 30
    digests = [case.scenario for case in study.cases]
    one_by_one = [(digest, replicate) for digest in digests for replicate in range(3)]
    assert calls == (sorted(one_by_one, key=lambda task: task[1]) if more else one_by_one)


# ---- failures ---------------------------------------------------------------------------------------------------


def test_a_replicate_that_raises_is_a_failed_row_with_its_reason(two, fail):
    fail(2)
    result = run_study(two, workers=0)
    assert [(case.variant, outcome.task.replicate) for case, outcome in result.failures] == [("slow", 2), ("fast", 2)]
    frame = result.frame()
    failed = frame[frame["status"] == "failed"]
    assert list(failed["reason"]) == ["StallError: nothing moves any more"] * 2
    assert failed["value"].isna().all()
    assert failed["metric"].isna().all()
    assert (frame["status"] == "failed").sum() == 2
    found = result.estimate("slow", "throughput_per_h")
    assert (found.n, found.failed, found.missing) == (5, 1, 0)
    assert result.difference("fast", "throughput_per_h").interval.n == 5


def test_a_failure_is_kept_like_a_result(two, fail, calls):
    fail(2)
    run_study(two, workers=0)
    assert run_study(two, workers=0).ran == 0


def test_of_a_surprise_the_place_is_told(two, fail):
    fail(0, error=ZeroDivisionError("division by zero"))
    reason = run_study(two, workers=0).failures[0][1].reason
    assert reason.startswith("ZeroDivisionError at ")
    assert reason.endswith(": division by zero")


def test_when_all_fail_there_is_nothing_to_wait_for(load, fail):
    fail(*range(100))
    result = run_study(precise(load), workers=0)
    assert result.ended == "unmeasured"
    assert set(result.counts) == {4}
    assert result.estimate("slow", "throughput_per_h").mean is None


def test_a_figure_that_is_not_finite_is_missing_with_a_reason(two, monkeypatch):
    from cellfab import run
    from cellfab.result import Kpi

    whole = run.key_figures
    monkeypatch.setattr(run, "key_figures", lambda *given: {**whole(*given), "odd": Kpi(float("nan"), "1")})
    found = run_study(two, workers=0).estimate("slow", "odd")
    assert (found.n, found.missing, found.mean, found.reason) == (0, 6, None, "the run gave nan")


# ---- progress and names -----------------------------------------------------------------------------------------


def test_progress_counts_up_to_the_plan(two):
    seen: list[Progress] = []
    run_study(two, workers=0, progress=seen.append)
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert (seen[0].done, seen[0].total, seen[0].seconds_left) == (0, 12, None)
    assert (seen[-1].done, seen[-1].total, seen[-1].seconds_left) == (12, 12, 0.0)
    assert [len(width.values) for width in seen[-1].widths()] == [6] * 4
    run_study(two, workers=0, progress=seen.append)
    assert (seen[-1].done, seen[-1].reused) == (12, 12)


@pytest.mark.parametrize("line", ["mm1", "transfer_line_10", "merge_and_split"])
def test_every_figure_of_a_run_is_known_before(line):
    scenario = load_scenario(line, ["run.horizon_h=150", "run.warmup_h=0"])
    kpi = run_scenario(scenario, replicates=1).kpi
    known = known_metrics(scenario)
    assert kpi.keys() <= known.keys()
    assert {name for name, is_number in known.items() if not is_number} == {"bottleneck"}
    assert not pd.isna(kpi["throughput_per_h"].value)
