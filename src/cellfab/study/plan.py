"""What a study has to run: its cases (variant and point), each a scenario that was checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from cellfab.config.problems import Problem, config_error
from cellfab.config.resolved import Resolved
from cellfab.config.study_spec import StudySpec
from cellfab.errors import ConfigError
from cellfab.study.binding import Binder, Bound, first_problem
from cellfab.study.checks import (
    incomparable,
    never_steady,
    problems_of_cases,
    unfit_ends,
    unfit_selection,
    unknown_metrics,
    unlike,
)
from cellfab.study.design import Level, Point, level, points
from cellfab.study.file import read_study
from cellfab.study.footing import Footing, footing
from cellfab.study.lever_checks import idle_levers, unknown_curve
from cellfab.study.moved import NOTHING_MOVED, Infeasible, Moved, select, written
from cellfab.study.rated_figures import needs_rated
from cellfab.study.subject import Subject, skeleton
from cellfab.study.task import Task, packed, unpacked


@dataclass(frozen=True)
class Case:
    """One scenario of a study, or one fleet.

    Attributes
    ----------
    number : int
        Its place in the study.
    variant : str
    point : int
        Of the design, counted from 0.
    factors : mapping of str to value
        What the point is.
    scenario : str
        Digest; cases that come to the same scenario share its replicates.
    inputs : mapping of str to float
        Uncertain inputs that the point moves, by path.
    first : int
        Number of its first replicate: where points are a sample, each has random numbers of its own.
    """

    number: int
    variant: str
    point: int
    factors: Mapping[str, Any]
    scenario: str
    inputs: Mapping[str, float] = field(default_factory=dict)
    first: int = 0

    @property
    def label(self) -> str:
        """The variant, and the factors' values if there are any; of many inputs the number of the point."""
        if len(self.inputs) > 1:
            return label(f"{self.variant}, point {self.point}", self.factors)
        return label(self.variant, {**self.factors, **self.inputs})


class Proposed(NamedTuple):
    """A scenario that is to be a case; `first` is the number of its first replicate."""

    variant: str
    point: int
    bound: Bound
    first: int = 0


@dataclass(frozen=True)
class Study:
    """A study, checked, ready to run.

    Attributes
    ----------
    spec : StudySpec
    file : Path
    text : str
        Of the file.
    cases : tuple of Case
        Variants in the order written, the points of the design within each; of a search, as far as it has come.
    payloads : mapping of str to bytes
        By digest: the scenario for the workers (`unpacked`).
    footings : mapping of str to Footing
        By digest.
    resolved : Resolved
        The file, for the places of everything in it.
    binder : Binder
        For further cases.
    moved : Moved
        Uncertain inputs that it moves.
    points : tuple of Point
        Of the design.
    infeasible : tuple of Infeasible
        Points that are no scenario.
    digest : str
        SHA-256 of what the table depends on: cases, seed and numbers of replicates; of a search what it begins with.
    """

    spec: StudySpec
    file: Path
    text: str
    cases: tuple[Case, ...]
    payloads: Mapping[str, bytes]
    footings: Mapping[str, Footing]
    resolved: Resolved
    binder: Binder
    moved: Moved = NOTHING_MOVED
    points: tuple[Point, ...] = ()
    infeasible: tuple[Infeasible, ...] = ()
    digest: str = ""

    @property
    def name(self) -> str:
        """Name given in the file."""
        return self.spec.name

    def task(self, case: Case, replicate: int) -> Task:
        """The task of a replicate of a case, counted from 0; antithetic pairs are -1 and -2, -3 and -4, ..."""
        number = case.first + replicate
        reduction = self.spec.variance_reduction
        mirrored = reduction is not None and reduction.antithetic
        return Task(case.scenario, self.spec.seed, -1 - number if mirrored else number, self.rated)

    def scenario(self, variant: str, point: int = 0) -> Subject:
        """The scenario of a case, to be run by itself (`cellfab.replicate.simulate`); of a fleet's study the fleet.

        Raises
        ------
        KeyError
            If there is no such case.
        """
        for case in self.cases:
            if (case.variant, case.point) == (variant, point):
                return unpacked(self.payloads[case.scenario])
        raise KeyError((variant, point))

    @property
    def rated(self) -> bool:
        """Whether there are figures that need the output of the mature line: not of many points if none is named."""
        spec = self.spec
        return not (spec.analysed or spec.search is not None) or any(map(needs_rated, spec.figures))

    def with_cases(self, proposed: Iterable[Proposed]) -> Study:
        """The study with further cases behind those that it has."""
        cases, payloads, footings = list(self.cases), dict(self.payloads), dict(self.footings)
        for variant, point, (subject, factors, inputs), first in proposed:
            digest = subject.digest
            if digest not in payloads:
                payloads[digest] = packed(subject)
                footings[digest] = footing(subject)
            cases.append(Case(len(cases), variant, point, factors, digest, written(inputs), first))
        return replace(self, cases=tuple(cases), payloads=payloads, footings=footings)


def label(variant: str, factors: Mapping[str, Any]) -> str:
    """A case in words."""
    return ", ".join([variant, *(f"{name} = {value}" for name, value in factors.items())])


def load_study(path: str | Path, *, metrics: bool = True) -> Study:
    """Read a study and check every scenario in it.

    Parameters
    ----------
    path : str or Path
        A YAML file.
    metrics : bool
        Check the names of the metrics too, for which an hour of each kind of line is run.

    Raises
    ------
    ConfigError
        With every problem of the study and of its scenarios, located: paths that do not exist, points that are not
        feasible, metrics that nobody computes.
    """
    file = read_study(Path(path))
    binder = Binder(file)
    text = file.resolved.sources_of_file().text
    found = _Found()
    bases = {variant: base for variant in file.variants if (base := binder.base(variant)) is not None}
    problems, unfit = list(binder.problems), list(unlike(file, bases))
    if unfit:
        raise config_error([*problems, *unfit])
    moved = _moved(binder, list(bases), found, problems)
    design = _points(binder, moved)
    study = Study(file.spec, file.path, text, (), {}, {}, file.resolved, binder, moved, tuple(design))
    if not found.faulty:
        study = study.with_cases(_proposed(binder, list(bases), moved, design, found))
    problems += problems_of_cases(found.faulty, len(study.cases) + len(found.faulty))
    if not problems:
        first: dict[str, Footing] = {}
        for case in study.cases:
            first.setdefault(case.variant, study.footings[case.scenario])
        kinds = found.kinds.values()
        problems += [*never_steady(file, kinds), *incomparable(file, first)]
        problems += [*unfit_selection(file, len(study.cases)), *unfit_ends(binder)]
        problems += [*idle_levers(study), *unknown_curve(study)]
        if metrics:
            problems += unknown_metrics(file, kinds)
    if problems:
        raise config_error(problems)
    study = replace(study, infeasible=tuple(found.infeasible))
    study = replace(study, digest=_digest(study))
    # A search begins without cases: the scenario as it is was bound to be checked.
    return study if file.spec.search is None else replace(study, cases=(), payloads={}, footings={})


@dataclass
class _Found:
    """What is met while the cases of a study are bound."""

    faulty: list[tuple[str, ConfigError]] = field(default_factory=list)
    """Cases that are not feasible, and should be."""
    infeasible: list[Infeasible] = field(default_factory=list)
    """Points of a sample that are no scenario, as some of many are."""
    kinds: dict[str, Subject] = field(default_factory=dict)
    """Of scenarios whose figures have the same names, one."""


def _points(binder: Binder, moved: Moved) -> list[Point]:
    """Points of the design; before a search the scenario as it is."""
    spec = binder.file.spec
    if spec.search is not None:
        return [Point()]
    return list(points(spec.factors, spec.design, spec.seed, len(moved.names)))


def _proposed(
    binder: Binder, variants: Iterable[str], moved: Moved, design: list[Point], found: _Found
) -> Iterator[Proposed]:
    """Every point in every variant."""
    spec = binder.file.spec
    evenly = spec.design.screens and spec.design.kind != "saltelli"
    for variant in variants:
        refused: list[tuple[Infeasible, ConfigError]] = []
        for number, point in enumerate(design):
            inputs = moved.values(variant, point, evenly=evenly)
            try:
                bound = binder.bind(variant, point.factors, inputs)
            except ConfigError as error:
                factors = {name: one.value for name, one in point.factors.items()}
                refused.append((Infeasible(variant, number, factors, written(inputs), first_problem(error)), error))
                continue
            found.kinds.setdefault(skeleton(bound.subject), bound.subject)
            begin = number * spec.most if spec.analysed and spec.design.sampled else 0
            yield Proposed(variant, number, bound, begin)
        for one, refusal in refused:
            typed = spec.design.kind == "one_at_a_time" and bool(design[one.point].factors)
            if spec.analysed and not typed and len(refused) < len(design):
                found.infeasible.append(one)
            else:
                found.faulty.append((label(variant, one.factors), refusal))


def _moved(binder: Binder, variants: list[str], found: _Found, problems: list[Problem]) -> Moved:
    """Uncertain inputs of every variant, with the factors in the middle of their ranges."""
    spec = binder.file.spec
    if spec.uncertain is None:
        return NOTHING_MOVED
    middle: dict[str, Level] = {name: level(factor, 0.5) for name, factor in spec.factors.items()}
    subjects: dict[str, Subject] = {}
    for variant in variants:
        try:
            subjects[variant] = binder.bind(variant, middle).subject
        except ConfigError as error:
            found.faulty.append((label(variant, {}), error))
    if len(subjects) < len(binder.file.variants):
        return NOTHING_MOVED
    moved, unmatched = select(subjects, spec.uncertain, binder.file.resolved)
    problems += unmatched
    return moved


def _digest(study: Study) -> str:
    spec = study.spec
    content = spec.model_dump_json(include={"seed", "replicates", "metrics", "confidence_share", "comparison"})
    if spec.variance_reduction is not None:
        content += spec.variance_reduction.model_dump_json()
    cases = repr([(case.variant, case.point, sorted(case.factors.items()), case.scenario) for case in study.cases])
    more = ""
    if spec.analysed:
        firsts = [case.first for case in study.cases]
        more += f"\0{spec.design.model_dump_json()}{study.infeasible!r}{study.moved.names!r}{firsts!r}"
    if spec.selection is not None:
        more += f"\0{spec.selection.model_dump_json()}"
    if spec.search is not None:
        more += f"\0{spec.model_dump_json(include={'search', 'factors'})}"
    if spec.levers is not None:
        more += f"\0{spec.model_dump_json(include={'levers', 'ranking'})}"
    return sha256(f"{content}\0{cases}{more}".encode()).hexdigest()
