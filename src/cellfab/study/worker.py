"""What a worker does: replicates of scenarios that it is sent, one after the other, to flat rows of key figures.

A worker writes nothing and asks nothing: results go back to the process that runs the study. What it has unpacked stays
with it: scenarios with their rated output, fleets with the terms of their market, and what was measured of plants,
which many fleets have in common. So a warm worker begins the next replicate at once.
"""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.errors import CellfabError
from cellfab.fleet.file import LoadedFleet
from cellfab.result import Kpi
from cellfab.scenario import Scenario
from cellfab.study.code import code_digest
from cellfab.study.rated_figures import needs_rated
from cellfab.study.subject import Subject
from cellfab.study.task import Task, unpacked

if TYPE_CHECKING:
    from cellfab.fleet.replicate import FleetTerms
    from cellfab.fleet.response import Response
    from cellfab.outcome.curves import WeeklyCurve

KEPT_SCENARIOS = 8
_KEPT_RESPONSES = 64
_LONGEST_REASON = 2000


class Figure(NamedTuple):
    """One key figure of one replicate: a number, a text, or neither with the reason why."""

    metric: str
    value: float | None
    text: str | None
    unit: str
    reason: str


class Curve(NamedTuple):
    """A figure of one replicate by week; packed, so that thousands of them take little room.

    Attributes
    ----------
    name, unit : str
    packed : bytes
        Numbers of 64 bits, little-endian; NaN in a week that has none.
    """

    name: str
    unit: str
    packed: bytes

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """By week, from week 0 on."""
        return np.frombuffer(self.packed, "<f8")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one task.

    Attributes
    ----------
    task : Task
    figures : tuple of Figure
        Empty if it failed.
    reason : str
        Why it failed; empty if it did not.
    died : bool
        It failed because the process that ran it ended, twice.
    seconds : float
        Wall-clock time of the replicate.
    curves : tuple of Curve
    """

    task: Task
    figures: tuple[Figure, ...]
    reason: str = ""
    died: bool = False
    seconds: float = 0.0
    curves: tuple[Curve, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether there are no figures."""
        return bool(self.reason)

    def of(self, task: Task) -> Outcome:
        """The outcome of a task that asks for no more figures than this one's did."""
        if task == self.task:
            return self
        return replace(self, task=task, figures=tuple(one for one in self.figures if not needs_rated(one.metric)))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Work shipped together: tasks, and the scenarios that they need."""

    code: str
    payloads: Mapping[str, bytes]
    tasks: tuple[Task, ...]


class OtherCodeError(CellfabError):
    """The worker has another version of cellfab than the study."""

    exit_code = 2


class _Done(NamedTuple):
    kpis: Mapping[str, Kpi]
    curves: Mapping[str, WeeklyCurve]


@dataclass(slots=True)
class _Warm:
    """Something to run, and by seed what it needs besides."""

    subject: Subject
    rated: dict[int, Mapping[str, float]] = field(default_factory=dict)
    terms: dict[int, FleetTerms] = field(default_factory=dict)

    def run(self, task: Task) -> _Done:
        """A replicate."""
        if isinstance(self.subject, LoadedFleet):
            return self._of_fleet(self.subject, task)
        return self._of_scenario(self.subject, task)

    def _of_scenario(self, scenario: Scenario, task: Task) -> _Done:
        from cellfab.rated import rated_output
        from cellfab.replicate import simulate
        from cellfab.run import books_of, key_figures, weekly_curves

        rated: Mapping[str, float] = {}
        if task.rated and scenario.is_plant:
            if task.seed not in self.rated:
                self.rated = {task.seed: rated_output(scenario, task.seed)}
            rated = self.rated[task.seed]
        done = simulate(scenario, task.seed, task.replicate, engine=scenario.spec.run.engine)
        books = books_of(scenario, done)
        return _Done(key_figures(scenario, done, rated, books), weekly_curves(done, books))

    def _of_fleet(self, fleet: LoadedFleet, task: Task) -> _Done:
        from cellfab.fleet.replicate import fleet_terms, simulate_fleet
        from cellfab.fleet.result import fleet_curves, replicate_kpis

        if task.seed not in self.terms:
            responses = {name: _response(one, task.seed) for name, one in fleet.scenarios.items()}
            self.terms = {task.seed: fleet_terms(fleet, responses)}
        terms = self.terms[task.seed]
        done = simulate_fleet(terms, task.seed, task.replicate)
        return _Done(replicate_kpis(terms, done), fleet_curves(done))


_kept: OrderedDict[str, _Warm] = OrderedDict()
_one_at_a_time = threading.Lock()
"""A replicate changes how often the process collects garbage; executors may run several threads in one process."""


def run_chunk(chunk: Chunk) -> list[Outcome]:
    """Run the tasks of a chunk in their order.

    Raises
    ------
    OtherCodeError
        If this process runs other code than the study does; a task that raises is an outcome, not an error.
    """
    if code_digest() != chunk.code:
        raise OtherCodeError(
            "a worker has another version of cellfab or of the libraries it computes with than this process, so that"
            " its results would not be the same: install the same version there, or start the study again"
        )
    with _one_at_a_time:
        return [_run(task, chunk.payloads) for task in chunk.tasks]


def _run(task: Task, payloads: Mapping[str, bytes]) -> Outcome:
    began = time.perf_counter()
    try:
        kpis, weekly = _warm(task.scenario, payloads).run(task)
    except Exception as error:
        return Outcome(task, (), reason=_reason(error), seconds=time.perf_counter() - began)
    figures = tuple(_figure(name, kpi) for name, kpi in kpis.items() if task.rated or not needs_rated(name))
    curves = tuple(Curve(name, curve.unit, np.array(curve.values, "<f8").tobytes()) for name, curve in weekly.items())
    return Outcome(task, figures, seconds=time.perf_counter() - began, curves=curves)


def _figure(name: str, kpi: Kpi) -> Figure:
    if isinstance(kpi.value, str):
        return Figure(name, None, kpi.value, kpi.unit, kpi.reason)
    if kpi.value is not None and not math.isfinite(kpi.value):
        return Figure(name, None, None, kpi.unit, f"the run gave {kpi.value}")
    return Figure(name, None if kpi.value is None else float(kpi.value), None, kpi.unit, kpi.reason)


def _warm(digest: str, payloads: Mapping[str, bytes]) -> _Warm:
    """What a digest stands for, unpacked at its first replicate here; the one unused for longest makes room."""
    found = _kept.get(digest)
    if found is None:
        found = _kept[digest] = _Warm(unpacked(payloads[digest]))
        while len(_kept) > KEPT_SCENARIOS:
            _kept.popitem(last=False)
    _kept.move_to_end(digest)
    return found


@lru_cache(_KEPT_RESPONSES)
def _response(scenario: Scenario, seed: int) -> Response:
    """What a plant can make, measured at its first fleet in this process."""
    from cellfab.fleet.response import measure

    return measure(scenario, seed=seed)


def _reason(error: Exception) -> str:
    """What went wrong, in one line: of an error of ours its message, else also the place in the code."""
    message = " ".join(str(error).split())
    if isinstance(error, CellfabError):
        return f"{type(error).__name__}: {message}"[:_LONGEST_REASON]
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{last.filename.rpartition('cellfab/')[2]}:{last.lineno}"
    return f"{type(error).__name__} at {place}: {message}"[:_LONGEST_REASON]
