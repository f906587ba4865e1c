"""Running a study: rounds of replicates, of which its course says what comes next, until that or the time ends it."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from cellfab.config.selection_spec import KimNelsonSelection, OcbaSelection
from cellfab.study.code import code_digest
from cellfab.study.course import Course, Ended, Known, Wanted
from cellfab.study.dispatch import Dispatcher
from cellfab.study.executors import Pool, open_pool
from cellfab.study.kim_nelson import KimNelsonCourse
from cellfab.study.ocba import OcbaCourse
from cellfab.study.plan import Study, load_study
from cellfab.study.replication import Replication, Width, widths
from cellfab.study.result import StudyResult, study_result
from cellfab.study.screening import Screening
from cellfab.study.search_course import SearchCourse
from cellfab.study.store import Store, StoreError
from cellfab.study.task import Task
from cellfab.study.worker import KEPT_SCENARIOS


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
    remark : callable
        What its course says of how far it is; empty if it says nothing.
    """

    done: int
    total: int
    reused: int
    failed: int
    seconds_left: float | None
    widths: Callable[[], list[Width]]
    remark: Callable[[], str]


def course_of(study: Study) -> Course:
    """What decides how a study goes on."""
    if study.spec.design.keep is not None:
        return Screening(study)
    spec = study.spec
    if spec.search is not None:
        return SearchCourse(study, spec.search)
    if isinstance(spec.selection, KimNelsonSelection):
        return KimNelsonCourse(study, spec.selection)
    if isinstance(spec.selection, OcbaSelection):
        return OcbaCourse(study, spec.selection)
    return Replication(study)


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
    ran: set[Task] = field(default_factory=set)

    def run(self) -> StudyResult:
        """All rounds."""
        began = time.monotonic()
        spec = self.study.spec
        until = None if spec.stop is None else began + spec.stop.budget_s
        course = self._course = course_of(self.study)
        known = self._known = Known(frozenset((*spec.metrics, *course.metrics)))
        pace: dict[str, float] = {}
        wanted = Wanted(self.study, ())
        ended: Ended | None = None
        while ended is None:
            coming = course.next(known)
            if isinstance(coming, str):
                ended = coming
            else:
                before, wanted = wanted, coming
                if not self._round(wanted, before.counts, pace, until):
                    ended = "budget"
        self.study = study = wanted.study
        counts = [known.finished(study, case, n) for case, n in zip(study.cases, wanted.counts, strict=True)]
        if spec.comparison is not None and spec.comparison.paired and spec.selection is None:
            counts = [min(counts)] * len(counts)
        tasks = tasks_of(study, counts)
        outcomes = {outcome.task: outcome for outcome in self.store.read(tasks)}
        if len(outcomes) < len(tasks):
            raise StoreError("results have been damaged while the study ran: run the same command again")
        return study_result(
            study, counts, outcomes, ended=ended, ran=len(self.ran), reused=len(set(tasks) - self.ran),
            seconds=time.monotonic() - began, damage=tuple(self.store.damage),
            parts=[] if (part := course.part(known)) is None else [part],
        )  # fmt: skip

    def _round(self, wanted: Wanted, before: Sequence[int], pace: dict[str, float], until: float | None) -> bool:
        """Find in the store what is wanted beyond what was `before`, and have the rest run; whether all is done."""
        new = [task for task in tasks_of(wanted.study, wanted.counts, before) if task not in self._known]
        total = len(self._known) + len(new)
        kept = self.store.seconds(new)
        for task, seconds in kept.items():
            pace[task.scenario] = min(pace.get(task.scenario, math.inf), seconds)
        self._known.learn(self.store.read(kept))
        missing = [task for task in new if task not in self._known]
        payloads = wanted.study.payloads
        if until is None and len(payloads) > KEPT_SCENARIOS:
            # More scenarios than a worker keeps unpacked: one after the other, unless time may end it among them.
            place = {scenario: number for number, scenario in enumerate(payloads)}
            missing.sort(key=lambda task: (place[task.scenario], task.replicate))
        left = Counter(task.scenario for task in missing)
        self._tell(wanted, total, left, pace)
        for outcomes in Dispatcher(self.pool, payloads, self.store.code, pace).run(missing, until):
            self.store.write(outcomes)
            self._known.learn(outcomes)
            self.ran.update(outcome.task for outcome in outcomes)
            left.subtract(outcome.task.scenario for outcome in outcomes)
            self._tell(wanted, total, left, pace)
        return all(task in self._known for task in missing)

    def _tell(self, wanted: Wanted, total: int, left: Mapping[str, int], pace: Mapping[str, float]) -> None:
        """Report progress; `left` counts the replicates to come by scenario."""
        if self.progress is None:
            return
        seconds = None
        if pace:
            mean = math.fsum(pace.values()) / len(pace)
            work = math.fsum(n * pace.get(scenario, mean) for scenario, n in left.items()) + wanted.later * mean
            seconds = work / self.pool.size
        done = total - sum(left.values())
        self.progress(
            Progress(
                done, total + wanted.later, max(0, done - len(self.ran)), self._known.failed, seconds,
                lambda: self._widths(wanted), lambda: self._course.remark(self._known),
            )
        )  # fmt: skip

    def _widths(self, wanted: Wanted) -> list[Width]:
        study, known = wanted.study, self._known
        done = [known.finished(study, case, n) for case, n in zip(study.cases, wanted.counts, strict=True)]
        return widths(study, known, done)


def tasks_of(study: Study, counts: Sequence[int], before: Sequence[int] = ()) -> list[Task]:
    """Replicates of each case up to a number, beyond those it had `before`: the first one of every case first."""
    had = [*before, *[0] * (len(counts) - len(before))]
    found: dict[Task, None] = {}
    for replicate in range(min(had, default=0), max(counts, default=0)):
        for case, first, count in zip(study.cases, had, counts, strict=True):
            if first <= replicate < count:
                found[study.task(case, replicate)] = None
    return list(found)
