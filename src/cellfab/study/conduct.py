"""Running a study: rounds of replicates until every figure is known as well as was asked for, or something ends it.

What is decided (how many replicates next) depends on results in the order of their replicates only, never on the order
in which they came: so a study gives the same table with any number of workers, and after having been killed.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cellfab.study.code import code_digest
from cellfab.study.dispatch import Dispatcher
from cellfab.study.executors import Pool, open_pool
from cellfab.study.plan import Case, Study, Task, load_study
from cellfab.study.result import StudyResult, study_result
from cellfab.study.statistics import Interval, mean_interval, required_replicates
from cellfab.study.store import Store, StoreError
from cellfab.study.worker import KEPT_SCENARIOS, Outcome

Ended = Literal["fixed", "precision", "replicates", "budget", "unmeasured"]
"""What ended a study: the fixed number of replicates was done; every figure was known well enough; the largest number
of replicates came first; the time was up first; a figure that was to be known has no value in any replicate."""


@dataclass(frozen=True, slots=True)
class Width:
    """How well one figure of one case is known."""

    case: Case
    metric: str
    values: tuple[float, ...]
    interval: Interval | None
    wanted_share: float | None

    @property
    def share(self) -> float:
        """Half-width over the mean; infinite while there is no interval."""
        return math.inf if self.interval is None else self.interval.share

    @property
    def reached(self) -> bool:
        """Whether it is known as well as was asked for."""
        return self.wanted_share is None or self.share <= self.wanted_share


@dataclass(frozen=True)
class Progress:
    """How far a study is.

    Attributes
    ----------
    done, total : int
        Replicates, of those that are planned so far.
    reused, failed : int
        Of those done: found in the store; without figures.
    seconds_left : float or None
        Estimate for what is planned so far; None while no replicate has been finished.
    widths : callable
        The figures of the study's `metrics`, by case.
    """

    done: int
    total: int
    reused: int
    failed: int
    seconds_left: float | None
    widths: Callable[[], list[Width]]


def run_study(
    study: Study | str | Path,
    *,
    store: str | Path = "studies",
    executor: str | Executor | None = None,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> StudyResult:
    """Run a study, or what is missing of it.

    Parameters
    ----------
    study : Study, str or Path
        As loaded, or its file.
    store : str or Path
        Folder of results, made if there is none; several studies can share it.
    executor, workers : optional
        As `cellfab.study.executors.open_pool`.
    progress : callable, optional
        Told at the beginning of each round and whenever results have arrived.

    Returns
    -------
    StudyResult

    Raises
    ------
    ConfigError
        If the study is a file, and wrong.
    UsageError
        If the store is in use or cannot be written, or nobody answers at the executor's address.
    StoreError, PoolLostError
        If the disk is full, or the executor gone; what was finished is kept.
    """
    study = study if isinstance(study, Study) else load_study(study)
    with ExitStack() as stack:
        kept = stack.enter_context(Store(Path(store), code_digest()))
        pool = open_pool(executor, workers)
        stack.callback(pool.close)
        return Conduct(study, kept, pool, progress).run()


@dataclass
class Conduct:
    """One run of a study."""

    study: Study
    store: Store
    pool: Pool
    progress: Callable[[Progress], None] | None = None
    known: dict[Task, Mapping[str, float | None] | None] = field(default_factory=dict)
    """Of each finished task the figures that the study is about; None if it failed."""
    ran: set[Task] = field(default_factory=set)
    failed: int = 0

    def run(self) -> StudyResult:
        """All rounds."""
        began = time.monotonic()
        spec = self.study.spec
        until = None if spec.stop is None else began + spec.stop.budget_s
        dispatcher = Dispatcher(self.pool, self.study.payloads, self.store.code)
        start = spec.replicates if isinstance(spec.replicates, int) else spec.replicates.least
        wanted = [start] * len(self.study.cases)
        while True:
            self._round(dispatcher, self._tasks(wanted), until)
            if any(task not in self.known for task in self._tasks(wanted)):
                ended: Ended = "budget"
                break
            more = self._next(wanted)
            if more == wanted:
                ended = self._ending(wanted)
                break
            wanted = more
        counts = [self._finished(case, n) for case, n in zip(self.study.cases, wanted, strict=True)]
        if spec.comparison is not None and spec.comparison.paired:
            counts = [min(counts)] * len(counts)
        tasks = self._tasks(counts)
        outcomes = {outcome.task: outcome for outcome in self.store.read(tasks)}
        if len(outcomes) < len(tasks):
            raise StoreError("results have been damaged while the study ran: run the same command again")
        return study_result(
            self.study, counts, outcomes, ended=ended, ran=len(self.ran), reused=len(set(tasks) - self.ran),
            seconds=time.monotonic() - began, damage=tuple(self.store.damage),
        )  # fmt: skip

    # ---- running ------------------------------------------------------------------------------------------------

    def _tasks(self, wanted: Sequence[int]) -> list[Task]:
        """What a study with so many replicates of each case consists of: the first replicate of every case first."""
        found: dict[Task, None] = {}
        for replicate in range(max(wanted, default=0)):
            for case, count in zip(self.study.cases, wanted, strict=True):
                if replicate < count:
                    found[self.study.task(case, replicate)] = None
        return list(found)

    def _round(self, dispatcher: Dispatcher, tasks: Sequence[Task], until: float | None) -> None:
        new = [task for task in tasks if task not in self.known]
        kept = self.store.seconds(new)
        for task, seconds in kept.items():
            dispatcher.pace[task.scenario] = min(dispatcher.pace.get(task.scenario, math.inf), seconds)
        self._learn(self.store.read(kept))
        missing = [task for task in new if task not in self.known]
        if until is None and len(self.study.payloads) > KEPT_SCENARIOS:
            # More scenarios than a worker keeps unpacked: one after the other, unless time may end it among them.
            place = {scenario: number for number, scenario in enumerate(self.study.payloads)}
            missing.sort(key=lambda task: (place[task.scenario], task.replicate))
        left = Counter(task.scenario for task in missing)
        self._tell(len(tasks), left, dispatcher.pace)
        for outcomes in dispatcher.run(missing, until):
            self.store.write(outcomes)
            self._learn(outcomes)
            self.ran.update(outcome.task for outcome in outcomes)
            left.subtract(outcome.task.scenario for outcome in outcomes)
            self._tell(len(tasks), left, dispatcher.pace)

    def _learn(self, outcomes: Iterable[Outcome]) -> None:
        metrics = self.study.spec.metrics
        for outcome in outcomes:
            values = {figure.metric: figure.value for figure in outcome.figures if figure.metric in metrics}
            self.known[outcome.task] = None if outcome.failed else values
            self.failed += outcome.failed

    def _tell(self, total: int, left: Mapping[str, int], pace: Mapping[str, float]) -> None:
        """Report progress; `left` counts the replicates to come by scenario."""
        if self.progress is None:
            return
        seconds = None
        if pace:
            mean = math.fsum(pace.values()) / len(pace)
            seconds = math.fsum(n * pace.get(scenario, mean) for scenario, n in left.items()) / self.pool.size
        done = total - sum(left.values())
        self.progress(Progress(done, total, max(0, done - len(self.ran)), self.failed, seconds, self.widths))

    # ---- deciding -----------------------------------------------------------------------------------------------

    def _finished(self, case: Case, count: int) -> int:
        """Replicates of a case from the first on without a gap."""
        return next((n for n in range(count) if self.study.task(case, n) not in self.known), count)

    def widths(self, counts: Sequence[int] | None = None) -> list[Width]:
        """How well the study's figures are known, by case."""
        found = []
        spec = self.study.spec
        for case in self.study.cases:
            n = self._finished(case, spec.most) if counts is None else counts[case.number]
            results = [self.known[self.study.task(case, replicate)] for replicate in range(n)]
            for name, metric in spec.metrics.items():
                values = tuple(value for one in results if one is not None and (value := one.get(name)) is not None)
                interval = mean_interval(values, spec.confidence_share) if len(values) > 1 else None
                found.append(Width(case, name, values, interval, metric.half_width_share))
        return found

    def _next(self, counts: Sequence[int]) -> list[int]:
        """How many replicates each case should have: as before where every figure is known well enough.

        The number that the present scatter asks for, at most twice as many as now, for the scatter is not known well
        either. A figure that no replicate has is not waited for. Cases that are compared in pairs have the same number.
        """
        spec = self.study.spec
        if spec.fixed is not None:
            return list(counts)
        needed = list(counts)
        for width in self.widths(counts):
            place = width.case.number
            now = counts[place]
            if width.reached or width.wanted_share is None or not width.values:
                continue
            asked = None
            if width.interval is not None:
                asked = required_replicates(width.values, width.wanted_share, spec.confidence_share)
            asked = 2 * now if asked is None else min(max(asked, now + 1), 2 * now)
            needed[place] = max(needed[place], min(asked, spec.most))
        if spec.comparison is not None and spec.comparison.paired:
            needed = [max(needed)] * len(needed)
        return needed

    def _ending(self, counts: Sequence[int]) -> Ended:
        if self.study.spec.fixed is not None:
            return "fixed"
        short = [width for width in self.widths(counts) if not width.reached]
        if not short:
            return "precision"
        return "replicates" if any(width.values for width in short) else "unmeasured"
