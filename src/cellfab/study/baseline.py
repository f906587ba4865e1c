"""Regression baselines: figures of a set of scenarios, kept, and compared with what the code of today gives.

A check runs the same scenarios with the same seed in as many replicates, and says which figures have moved by more than
chance accounts for (`cellfab.study.movement`). Nobody types a tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from cellfab.errors import CellfabError, UsageError
from cellfab.study.baseline_file import FORMAT, Baseline, KeptFigure, KeptScenario
from cellfab.study.baseline_set import Watch, WatchSet, kept_set
from cellfab.study.code import code_digest
from cellfab.study.dispatch import Dispatcher
from cellfab.study.executors import open_pool
from cellfab.study.movement import Movement, Value, figure_movements, judged
from cellfab.study.statistics import mean_and_variance
from cellfab.study.task import Task, packed
from cellfab.study.worker import Outcome
from cellfab.version import VERSION

CONFIDENCE = 0.99
"""Chance that a check of figures that only chance has changed says that nothing moved."""


class BaselineError(CellfabError):
    """A baseline cannot be made, because replicates fail."""


@dataclass(frozen=True)
class Failure:
    """A replicate that failed."""

    scenario: str
    seed: int
    replicate: int
    reason: str


@dataclass(frozen=True)
class Checked:
    """A baseline held against the code of today.

    Attributes
    ----------
    baseline : Baseline
    seed : int
        Of the check.
    same_code : bool
        Whether what computes the figures is what computed the baseline's.
    changed : tuple of str
        Scenarios whose files say something else than when the baseline was saved.
    redefined : tuple of str
        Scenarios that the code reads differently, although their files say the same: a default, or a new field.
    movements : tuple of Movement
        Of every figure.
    failures : tuple of Failure
    level : float
        Chance of a false alarm.
    """

    baseline: Baseline
    seed: int
    same_code: bool
    changed: tuple[str, ...]
    redefined: tuple[str, ...]
    movements: tuple[Movement, ...]
    failures: tuple[Failure, ...]
    level: float

    @property
    def regressions(self) -> list[Movement]:
        """What has moved, or is gone."""
        return [one for one in self.movements if one.regression]

    @property
    def passed(self) -> bool:
        """Whether nothing moved, nothing is gone, and nothing failed."""
        return not self.regressions and not self.failures


def make_baseline(
    watched: WatchSet,
    *,
    executor: str | Executor | None = None,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Baseline:
    """Run a set of scenarios and keep their figures.

    Parameters
    ----------
    watched : WatchSet
    executor, workers : optional
        As `cellfab.study.executors.open_pool`.
    progress : callable, optional
        Told the share of replicates that are done.

    Raises
    ------
    BaselineError
        If a replicate fails, or a figure that is to be watched has no value in any.
    """
    outcomes = _run(watched, executor, workers, progress)
    failures = _failures(watched, outcomes)
    if failures:
        first = failures[0]
        raise BaselineError(
            f"{first.scenario}: replicate {first.replicate} (seed {first.seed}) failed, and there is no baseline of"
            f" what fails: {first.reason}"
        )
    scenarios = {}
    for watch in watched.watches:
        figures = _figures(watch, watched.seed, outcomes)
        for name in watch.metrics:
            if name not in figures or set(figures[name].values) == {None}:
                raise BaselineError(f"{watch.label}: no replicate has a value of '{name}', so it cannot be watched")
        scenarios[watch.label] = KeptScenario(
            watch.name, watch.options, watch.replicates, watch.metrics, watch.scenario.digest, watch.written, figures
        )
    return Baseline(FORMAT, VERSION, code_digest(), watched.seed, scenarios)


def check_baseline(
    baseline: Baseline,
    folder: Path,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    confidence: float = CONFIDENCE,
    executor: str | Executor | None = None,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Checked:
    """Run what a baseline watches, and compare.

    Parameters
    ----------
    baseline : Baseline
    folder : Path
        Where the baseline lies: its scenario files are named relative to it.
    replicates, seed : int, optional
        In place of the baseline's; with another seed, replicates are not compared in pairs.
    confidence : float
        Chance that no figure is said to have moved if none has.
    executor, workers, progress : optional
        As `make_baseline`.

    Raises
    ------
    ConfigError
        If a scenario is gone or can no longer be run, with all of those.
    """
    if not 0.0 < confidence < 1.0:
        raise UsageError(f"--confidence is a share between 0 and 1, not {confidence:g}")
    watched = kept_set(baseline, folder, replicates=replicates, seed=seed)
    outcomes = _run(watched, executor, workers, progress)
    failures = _failures(watched, outcomes)
    movements: list[Movement] = []
    for watch in watched.watches:
        if not any(failure.scenario == watch.label for failure in failures):
            before = baseline.scenarios[watch.label].figures
            after = _figures(watch, watched.seed, outcomes)
            movements += _movements(watch.label, before, after, paired=watched.seed == baseline.seed)
    kept = baseline.scenarios
    other = [watch for watch in watched.watches if watch.scenario.digest != kept[watch.label].digest]
    changed = [watch.label for watch in other if watch.written != kept[watch.label].written]
    level = 1.0 - confidence
    return Checked(
        baseline, watched.seed, baseline.code == code_digest(), tuple(changed),
        tuple(watch.label for watch in other if watch.label not in changed),
        tuple(judged(movements, level)), tuple(failures), level,
    )  # fmt: skip


def _movements(
    label: str, before: Mapping[str, KeptFigure], after: Mapping[str, KeptFigure], *, paired: bool
) -> Iterator[Movement]:
    for name, old in before.items():
        new = after.get(name)
        if new is None:
            yield Movement(label, name, old.unit, _shown(old), None, "gone")
        elif new.unit != old.unit and old.n and new.n:
            reason = f"in {new.unit or 'words'}, not in {old.unit or 'words'}"
            yield Movement(label, name, old.unit, _shown(old), _shown(new), "moved", probability=0.0, reason=reason)
        else:
            yield from figure_movements(label, name, old.unit, old.values, new.values, paired=paired)
    for name, new in after.items():
        if name not in before:
            yield Movement(label, name, new.unit, None, _shown(new), "new")


def _shown(figure: KeptFigure) -> Value:
    """The mean, or the first name."""
    return figure.mean if figure.n else next((value for value in figure.values if value is not None), None)


def _run(
    watched: WatchSet,
    executor: str | Executor | None,
    workers: int | None,
    progress: Callable[[float], None] | None,
) -> dict[Task, Outcome]:
    """Every replicate; those of plants first, which take longest."""
    tasks = dict.fromkeys(
        Task(watch.scenario.digest, watched.seed, replicate)
        for watch in sorted(watched.watches, key=lambda watch: not watch.scenario.is_plant)
        for replicate in range(watch.replicates)
    )
    payloads = {watch.scenario.digest: packed(watch.scenario) for watch in watched.watches}
    pool = open_pool(executor, workers)
    found: dict[Task, Outcome] = {}
    try:
        for outcomes in Dispatcher(pool, payloads, code_digest()).run(tasks):
            found |= {outcome.task: outcome for outcome in outcomes}
            if progress is not None:
                progress(len(found) / len(tasks))
    finally:
        pool.close()
    return found


def _failures(watched: WatchSet, outcomes: Mapping[Task, Outcome]) -> list[Failure]:
    return [
        Failure(watch.label, watched.seed, replicate, outcome.reason)
        for watch in watched.watches
        for replicate in range(watch.replicates)
        for outcome in (outcomes[Task(watch.scenario.digest, watched.seed, replicate)],)
        if outcome.failed
    ]


def _figures(watch: Watch, seed: int, outcomes: Mapping[Task, Outcome]) -> dict[str, KeptFigure]:
    """Figures by name, in the order of the metrics, else of the runs; also what only some replicates have."""
    rows = [
        {figure.metric: figure for figure in outcomes[Task(watch.scenario.digest, seed, replicate)].figures}
        for replicate in range(watch.replicates)
    ]
    names = dict.fromkeys(name for row in rows for name in row)
    found = {}
    for name in watch.metrics or names:
        if name in names:
            figures = [row.get(name) for row in rows]
            unit = next((figure.unit for figure in figures if figure is not None and figure.unit), "")
            values = tuple(
                None if figure is None else figure.value if figure.text is None else figure.text for figure in figures
            )
            found[name] = _kept(unit, values)
    return found


def _kept(unit: str, values: tuple[Value, ...]) -> KeptFigure:
    numbers = [value for value in values if isinstance(value, float)]
    mean = math.fsum(numbers) / len(numbers) if numbers else None
    deviation = None
    if len(numbers) > 1:
        mean, variance = mean_and_variance(numbers)
        deviation = math.sqrt(variance)
    return KeptFigure(unit, len(numbers), mean, deviation, values)
