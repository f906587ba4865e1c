"""Searches as part of a study: points are proposed, bound and run; what is found, and why others are not."""

from __future__ import annotations

import json
import sys
from concurrent.futures import Future

import pandas as pd
import pytest

from cellfab.errors import ConfigError
from cellfab.study.conduct import Conduct, Progress, run_study
from cellfab.study.executors import SerialPool
from cellfab.study.store import Store
from cellfab.study.task import unpacked
from cellfab.study.worker import Figure, Outcome

SERVICE = "line.stations.lathe.cycle.mean_s"
HEAD = "name: s\nbase: shop.yaml\nreplicates: 2\n"
FACTORS = (
    f"factors:\n  service: {{path: {SERVICE}, low: 40, high: 110}}\n"
    "  servers: {path: line.stations.lathe.parallel, low: 1, high: 3, whole: true}\n"
)
TWO = HEAD + FACTORS + "search: {objectives: {wait_mean_s.queue: smallest, utilisation.lathe: largest}, trials: 24}\n"
ONE = HEAD + FACTORS + "search:\n  objectives: {wait_mean_s.queue: smallest}\n  trials: 24\n"


class Made(SerialPool):
    """Makes up a replicate from what stands in its scenario."""

    def __init__(self, figures):
        self.figures = figures

    def submit(self, chunk):
        future = Future()
        found = []
        for task in chunk.tasks:
            lathe = unpacked(chunk.payloads[task.scenario]).spec.line.stations["lathe"]
            made = self.figures(lathe.cycle.mean_s, lathe.parallel, task.replicate)
            reason = {None: "never"}
            figures = (Figure(name, value, None, "1", reason.get(value, "")) for name, value in made.items())
            found.append(Outcome(task, tuple(figures)))
        future.set_result(found)
        return future


def searched(study, figures, tmp_path):
    with Store(tmp_path / "made", "any") as store:
        return Conduct(study, store, Made(figures)).run()


def points(result):
    return [trial.factors for trial in result.part("search").trials]


def bowl(service, servers, replicate):
    """Least wait at 70 s with 2 servers."""
    return {"wait_mean_s.queue": (service - 70.0) ** 2 + 100.0 * (servers - 2) ** 2 + replicate, "wip_mean": service}


# ---- found ------------------------------------------------------------------------------------------------------


def test_no_point_of_the_front_is_beaten(load):
    result = run_study(load(TWO), workers=0)
    assert result.ended == "trials"
    found = result.part("search")
    assert [trial.number for trial in found.trials] == list(range(24))
    assert found.best is None
    figures = [{name: one.mean for name, one in trial.figures.items()} for trial in found.trials]
    points = [(one["wait_mean_s.queue"], -one["utilisation.lathe"]) for one in figures]
    for (wait, idle), trial in zip(points, found.trials, strict=True):
        beaten = any((a <= wait and b <= idle) and (a < wait or b < idle) for a, b in points)
        assert (trial.standing == "front") == (not beaten)
    waits = [trial.figures["wait_mean_s.queue"].mean for trial in found.front]
    assert waits == sorted(waits)
    assert found.front[0].factors["servers"] == 3


def test_figures_are_those_of_the_table(load):
    result = run_study(load(TWO), workers=0)
    frame = result.frame()
    waits = frame[frame["metric"] == "wait_mean_s.queue"].groupby("point")["value"].mean()
    for trial in result.part("search").trials:
        assert trial.figures["wait_mean_s.queue"].mean == pytest.approx(waits[trial.number])
        case = next(case for case in result.study.cases if case.point == trial.number)
        assert case.factors == trial.factors
        spec = unpacked(result.study.payloads[case.scenario]).spec
        assert spec.line.stations["lathe"].parallel == trial.factors["servers"]


@pytest.mark.parametrize("sampler", ["evolution", "optuna"])
def test_the_best_point_of_one_goal_is_found(load, tmp_path, sampler):
    if sampler == "optuna":
        pytest.importorskip("optuna", reason="optuna is an extra: pip install 'cellfab[opt]'")
    study = load(ONE.replace("trials: 24", f"trials: 100\n  sampler: {sampler}"))
    found = searched(study, bowl, tmp_path).part("search")
    # the best of 100 random points lies within 3.5 s of 70 with 2 servers in half of all cases
    assert found.best.factors["servers"] == 2
    assert abs(found.best.factors["service"] - 70.0) < 1.5
    assert found.best.figures["wait_mean_s.queue"].mean == min(
        trial.figures["wait_mean_s.queue"].mean for trial in found.trials
    )


def test_limits_are_kept(load, tmp_path):
    study = load(ONE.replace("trials: 24", "trials: 60\n  constraints: {wip_mean: {most: 60}}"))
    found = searched(study, bowl, tmp_path).part("search")
    assert 57.0 < found.best.factors["service"] <= 60.0
    for trial in found.trials:
        assert trial.broken == (("wip_mean",) if trial.factors["service"] > 60.0 else ())
        assert (trial.standing == "beyond") == bool(trial.broken)


def test_where_nothing_is_within_the_limits_the_nearest_is_told(load, tmp_path):
    study = load(ONE.replace("trials: 24", "trials: 24\n  constraints: {wip_mean: {most: 30}}"))
    result = searched(study, bowl, tmp_path)
    assert result.ended == "infeasible"
    found = result.part("search")
    assert (found.front, found.best) == ((), None)
    assert found.nearest.factors["service"] == min(trial.factors["service"] for trial in found.trials)


def test_points_that_are_no_scenario_are_kept_with_their_reason(load):
    """Each factor alone may be anywhere between its ends; a warm-up longer than the run is refused by the scenario."""
    text = HEAD + (
        "factors:\n  warm: {path: run.warmup_h, low: 1, high: 19}\n  hours: {path: run.horizon_h, low: 5, high: 20}\n"
        "search: {objectives: {wait_mean_s.queue: smallest}, trials: 24}\n"
    )
    result = run_study(load(text), workers=0)
    found = result.part("search")
    infeasible = [trial for trial in found.trials if trial.standing == "infeasible"]
    assert infeasible
    for trial in found.trials:
        assert (trial.standing == "infeasible") == (trial.factors["warm"] >= trial.factors["hours"])
    assert "leaves nothing of horizon_h" in infeasible[0].reason
    assert len(result.study.cases) == 24 - len(infeasible)
    assert found.best.standing == "front"


def test_a_trial_with_a_replicate_that_has_no_figure_has_failed(load, tmp_path):
    def figures(service, servers, replicate):
        made = bowl(service, servers, replicate)
        return made if servers < 3 or replicate == 0 else {**made, "wait_mean_s.queue": None}

    found = searched(load(ONE), figures, tmp_path).part("search")
    for trial in found.trials:
        assert (trial.standing == "failed") == (trial.factors["servers"] == 3)
        if trial.standing == "failed":
            assert (trial.reason, trial.figures) == ("has no wait_mean_s.queue in replicate 1: never", {})


def test_when_every_trial_fails_nothing_is_found(load, tmp_path):
    result = searched(load(ONE), lambda *_: {"wait_mean_s.queue": None}, tmp_path)
    assert result.ended == "unmeasured"
    assert result.part("search").front == ()


def test_what_was_found_is_confirmed_with_random_numbers_that_the_search_has_not_seen(load):
    result = run_study(load(ONE + "  confirm: 3\n"), workers=0)
    (best,) = result.part("search").front
    case = next(case for case in result.study.cases if case.point == best.number)
    assert [n for one, n in zip(result.study.cases, result.counts, strict=True) if one is not case] == [2] * 23
    assert result.counts[case.number] == 5
    frame = result.frame()
    rows = frame[(frame["metric"] == "wait_mean_s.queue") & (frame["point"] == best.number)]
    values = rows.set_index("replicate")["value"]
    assert best.figures["wait_mean_s.queue"].mean == pytest.approx(values[[0, 1]].mean())
    assert best.confirmed["wait_mean_s.queue"].mean == pytest.approx(values[[2, 3, 4]].mean())


def test_points_do_not_depend_on_the_workers_but_on_how_many_are_proposed_together(load, tables, tmp_path):
    study = load(TWO)
    one, two = (run_study(study, store=tmp_path / str(workers), workers=workers) for workers in (0, 2))
    assert tables(one) == tables(two)
    other = run_study(load(TWO.replace("trials: 24", "trials: 24, at_once: 8")), store=tmp_path / "0", workers=0)
    assert points(other) != points(one)


def test_the_seed_is_the_studys(load):
    factors = [points(run_study(load(text), workers=0)) for text in (ONE, ONE + "seed: 2\n", ONE)]
    assert factors[0] == factors[2] != factors[1]


def test_progress_knows_of_trials_to_come(load):
    seen: list[Progress] = []
    told: list[str] = []

    def look(progress: Progress) -> None:
        seen.append(progress)
        told.append(progress.remark())

    run_study(load(ONE), workers=0, progress=look)
    assert seen[0].total == 48
    assert all(progress.total <= 48 for progress in seen)  # points that come to the same scenario share its replicates
    assert told[0] == "0 of 24 trials"
    assert told[-1].startswith("12 of 24 trials; best wait_mean_s.queue ")


# ---- told -------------------------------------------------------------------------------------------------------


def test_the_command_tells_the_front(command, shop):
    (shop / "study.yaml").write_text(TWO + "metrics: {lead_time_p90_h: {}}\n")
    done = command("study", "study.yaml", "--workers", "0")
    assert done.code == 0
    assert "24 trials: " in done.out
    assert "smallest wait_mean_s.queue and largest utilisation.lathe; nothing better in one without" in done.out
    document = json.loads(command("study", "study.yaml", "--workers", "0", "--json").out)
    found = document["search"]
    front, trials = (pd.read_csv(f"{document['out_dir']}/{name}.csv") for name in ("front", "trials"))
    assert list(front["point"]) == found["front"]
    assert len(trials) == len(found["points"]) == 24
    assert sum(trials["standing"] == "front") == found["standings"]["front"] == len(front)
    rows = [line.split() for line in done.out.splitlines()]
    shown = [row for row in rows if row[:1] == ["base"] or row[:1] == ["lead_time_p90_h"]]
    assert len(shown) == len(front)  # of the other metrics too only the points that were found


def test_the_time_can_be_up_before_the_first_trial_or_between_trials(command, shop, load, monkeypatch):
    (shop / "study.yaml").write_text(ONE + "stop: {budget_s: 0.000001}\n")
    done = command("study", "study.yaml", "--workers", "0")
    assert done.code == 5
    assert "no trial is finished" in done.out
    study = load(ONE + "stop: {budget_s: 1000}\n")
    clock = iter(range(10**6))
    monkeypatch.setattr("cellfab.study.dispatch.CHUNK_S", 0.0001)  # one replicate at a time
    monkeypatch.setattr("time.monotonic", lambda: 60.0 * next(clock))
    result = run_study(study, workers=0)
    assert result.ended == "budget"
    finished = result.part("search").trials
    assert 0 < len(finished) < 24
    assert [trial.number for trial in finished] == list(range(len(finished)))


def test_the_command_tells_the_best_point_its_runners_up_and_what_failed(command, shop):
    (shop / "study.yaml").write_text(ONE + "  constraints: {throughput_per_h: {least: 31}}\n")
    done = command("study", "study.yaml", "--workers", "0")
    assert done.code == 4
    assert "no point keeps within the limits; the nearest, still beyond throughput_per_h:" in done.out
    (shop / "study.yaml").write_text(ONE)
    lines = command("study", "study.yaml", "--workers", "0").out.splitlines()
    place = lines.index("smallest wait_mean_s.queue:")
    table = [line.split() for line in lines[place + 2 : place + 8]]
    assert table[0][:4] == ["rank", "point", "service", "servers"]
    assert [row[0] for row in table[1:]] == ["1", "2", "3", "4", "5"]
    waits = [float(row[4]) for row in table[1:]]
    assert waits == sorted(waits)


# ---- refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        (ONE.replace("wait_mean_s.queue", "wait_mean.queue"), "8:16", "nobody computes a figure 'wait_mean.queue'",
         "did you mean 'wait_mean_s.queue'?"),
        (ONE + "  constraints: {thruput_per_h: {least: 3}}\n", "10:17", "nobody computes a figure 'thruput_per_h'",
         "did you mean 'throughput_per_h'?"),
        (ONE + "  constraints: {wip_mean: {}}\n", "10:17", "needs `least` or `most`, or both", ""),
        (ONE + "  constraints: {wip_mean: {least: 3, most: 2}}\n", "10:17", "most (2) is below least (3)", ""),
        (ONE.replace("smallest", "least"), "8:35", "unknown value 'least'", "did you mean 'largest'?"),
        (ONE + "  at_once: 3\n", "7:1", "the evolution needs at_once of at least 4, for it moves points by others", ""),
        (ONE + "design: {kind: grid}\n", "10:1", "a search proposes its points itself: remove the design", ""),
        (ONE.replace("replicates: 2", "replicates: {least: 2}"), "3:1",
         "a search runs every point the same number of times", "such as replicates: 3"),
        (ONE + "comparison: {reference: base}\n", "10:1",
         "a search has no variants to compare: remove the comparison", ""),
        (ONE + "variants: {a: {}, b: {}}\n", "10:1", "a search changes one scenario, and there are several variants",
         "make what they differ in a factor with `values`"),
        (ONE.replace("low: 1,", "low: 0,"), "6:19", "0 is below 1 (in servers = 0)", ""),
        (ONE.replace("lathe.parallel", "lathe.paralel"), "6:19", "unknown key", "did you mean 'parallel'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused_where_it_is_written(load, text, place, message, hint):
    with pytest.raises(ConfigError) as raised:
        load(text)
    found = [(str(one.location), one.message, one.hint) for one in raised.value.problems]
    assert (f"study.yaml:{place}", message, hint) in found
    assert len({location for location, _, _ in found}) == 1


def test_a_search_without_factors(load):
    with pytest.raises(ConfigError, match=r"study\.yaml:4:1: error: search: there are no `factors` to search"):
        load(HEAD + "search: {objectives: {wip_mean: smallest}}\n")


def test_without_optuna_the_extra_is_named(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError) as raised:
        load(ONE + "  sampler: optuna\n")
    (problem,) = raised.value.problems
    assert str(problem.location) == "study.yaml:10:12"
    assert problem.message == "needs Optuna, which is not installed"
    assert problem.hint == "pip install 'cellfab[opt]', or write sampler: evolution"
