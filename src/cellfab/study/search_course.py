"""The course of a study that searches its factors: some points at a time, each bound to a scenario when it is proposed.

How many points are proposed together is part of the study, and not the number of workers: so what is proposed depends
on the figures alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cellfab.config.search_spec import Search as SearchSpec
from cellfab.errors import ConfigError
from cellfab.study.binding import first_problem
from cellfab.study.course import Ended, Known, Wanted
from cellfab.study.design import level
from cellfab.study.evolution import Evolution
from cellfab.study.plan import Case, Proposed, Study
from cellfab.study.search import Goal, Limit, Search, Searcher, Trial, Tried
from cellfab.study.search_result import Estimated, SearchFound, Standing, TrialFound
from cellfab.study.statistics import mean_interval


def searcher_of(study: Study, spec: SearchSpec) -> Searcher:
    """Who proposes the points."""
    factors = len(study.spec.factors)
    if spec.sampler == "evolution":
        return Evolution(factors, study.spec.seed, spec.batch)
    from cellfab.study.optuna_search import OptunaSearch

    return OptunaSearch(factors, len(spec.objectives), study.spec.seed, spec.batch)


def limits_of(spec: SearchSpec) -> list[Limit]:
    """The constraints."""
    return [
        Limit(
            name,
            -math.inf if limit.least is None else limit.least,
            math.inf if limit.most is None else limit.most,
        )
        for name, limit in spec.constraints.items()
    ]


class SearchCourse:
    """A search for what is best between the ends of the factors."""

    def __init__(self, study: Study, spec: SearchSpec) -> None:
        self.study, self.spec = study, spec
        goals = [Goal(name, goal == "largest") for name, goal in spec.objectives.items()]
        self.search = Search(searcher_of(study, spec), goals, limits_of(spec))
        self.metrics = self.search.metrics
        assert isinstance(study.spec.replicates, int)
        self.replicates = study.spec.replicates
        (self._variant,) = study.binder.file.variants
        self._trials: list[Trial] = []
        self._cases: dict[int, Case] = {}
        self._infeasible: dict[int, tuple[dict[str, object], str]] = {}
        self._confirming = False

    def next(self, known: Known) -> Wanted | Ended:
        """The points of the next generation; after the last one the replicates that confirm what was found."""
        if self._confirming:
            return "trials"
        self._tell(known)
        while len(self._trials) < self.spec.trials:
            new = self._propose()
            if new:
                later = self.replicates * (self.spec.trials - len(self._trials))
                return Wanted(self.study, (self.replicates,) * len(self.study.cases), later)
            self._tell(known)
        front = self.search.front()
        if not front:
            return "unmeasured" if all(one.score is None for one in self.search.tried.values()) else "infeasible"
        if not self.spec.confirm:
            return "trials"
        self._confirming = True
        found = {self._cases[one.trial.number].number for one in front}
        more = [self.replicates + (self.spec.confirm if case.number in found else 0) for case in self.study.cases]
        return Wanted(self.study, tuple(more))

    def remark(self, known: Known) -> str:
        """How many trials are done, and the best so far."""
        done = f"{len(self.search.tried)} of {self.spec.trials} trials"
        if self._confirming:
            return f"{done}; confirming what was found"
        front = self.search.front()
        if not front:
            return f"{done}; none within the limits yet" if self.search.tried else done
        if len(self.search.goals) > 1:
            return f"{done}; {len(front)} on the front"
        return f"{done}; best {self.search.goals[0].metric} {front[0].figures[self.search.goals[0].metric]:.6g}"

    def part(self, known: Known) -> SearchFound:
        """Every trial that is finished, and the front of them."""
        if not self._confirming:
            self._tell(known)
        front = self.search.front()
        on_front = {one.trial.number for one in front}
        trials = {
            number: self._found(known, self.search.tried[number], on_front) for number in sorted(self.search.tried)
        }
        beyond = [one for one in self.search.tried.values() if one.score is not None and one.score.violation > 0.0]
        nearest = None
        if not front and beyond:
            nearest = min(beyond, key=lambda one: (one.score.violation if one.score else math.inf, one.trial.number))
        return SearchFound(
            self.spec, tuple(trials.values()), tuple(trials[one.trial.number] for one in front),
            None if nearest is None else trials[nearest.trial.number],
        )  # fmt: skip

    # ---- proposing ----------------------------------------------------------------------------------------------

    def _propose(self) -> list[Proposed]:
        """Ask for the next points, and bind them; those that are no feasible scenario are not run."""
        factors = self.study.spec.factors
        proposed = []
        for trial in self.search.ask(self.spec.trials - len(self._trials)):
            self._trials.append(trial)
            point = {
                name: level(factor, share) for (name, factor), share in zip(factors.items(), trial.point, strict=True)
            }
            try:
                proposed.append(Proposed(self._variant, trial.number, self.study.binder.bind(self._variant, point)))
            except ConfigError as error:
                factors_there: dict[str, object] = {name: one.value for name, one in point.items()}
                self._infeasible[trial.number] = factors_there, first_problem(error)
        before = len(self.study.cases)
        self.study = self.study.with_cases(proposed)
        self._cases |= {case.point: case for case in self.study.cases[before:]}
        return proposed

    def _tell(self, known: Known) -> None:
        """Tell the searcher of the trials that are finished, in the order in which they were proposed."""
        for trial in self._trials:
            if trial.number in self.search.tried:
                continue
            case = self._cases.get(trial.number)
            if case is None:
                self.search.tell(trial, {}, self._infeasible[trial.number][1])
            elif known.finished(self.study, case, self.replicates) == self.replicates:
                figures, reason = self._means(known, case)
                self.search.tell(trial, figures, reason)

    def _means(self, known: Known, case: Case) -> tuple[dict[str, float | None], str]:
        means: dict[str, float | None] = {}
        for name in self.metrics:
            values = known.values(self.study, case, name, self.replicates)
            if None in values:
                replicate = values.index(None)
                why = known.reason(self.study, case, replicate, name)
                return {}, f"has no {name} in replicate {replicate}: {why}"
            means[name] = _estimated(values, self.study.spec.confidence_share).mean
        return means, ""

    # ---- telling ------------------------------------------------------------------------------------------------

    def _found(self, known: Known, tried: Tried, on_front: set[int]) -> TrialFound:
        number = tried.trial.number
        case = self._cases.get(number)
        if case is None:
            factors, reason = self._infeasible[number]
            return TrialFound(number, factors, {}, {}, "infeasible", reason=reason)
        if tried.score is None:
            return TrialFound(number, case.factors, {}, {}, "failed", reason=tried.reason)
        broken = tuple(limit.metric for limit in self.search.limits if limit.violation(tried.figures[limit.metric]))
        standing: Standing = "front" if number in on_front else "beyond" if broken else "beaten"
        done = known.finished(self.study, case, self.replicates + self.spec.confirm)
        seen, fresh = {}, {}
        for name in self.metrics:
            values = known.values(self.study, case, name, done)
            seen[name] = _estimated(values[: self.replicates], self.study.spec.confidence_share)
            if any(value is not None for value in values[self.replicates :]):
                fresh[name] = _estimated(values[self.replicates :], self.study.spec.confidence_share)
        return TrialFound(number, case.factors, seen, fresh, standing, broken)


def _estimated(values: Sequence[float | None], confidence: float) -> Estimated:
    """Mean and interval of the values that there are, at least one."""
    known = [value for value in values if value is not None]
    interval = mean_interval(known, confidence) if len(known) > 1 else None
    return Estimated(known[0] if interval is None else interval.mean, interval)
