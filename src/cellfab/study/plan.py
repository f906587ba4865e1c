"""What a study has to run: its cases (variant and point), each a scenario that was checked before anything runs."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from cellfab.config import library
from cellfab.config.loader import Base, read_base
from cellfab.config.problems import Problem, config_error, did_you_mean
from cellfab.config.resolved import Resolved
from cellfab.config.study_spec import StudySpec
from cellfab.errors import ConfigError
from cellfab.scenario import Scenario, bind
from cellfab.study.design import Level, Point, level, points
from cellfab.study.file import StudyFile, read_study
from cellfab.study.moved import NOTHING_MOVED, Infeasible, Selection, select, written
from cellfab.study.uncertain import value_in


class Task(NamedTuple):
    """One replicate of one scenario: what a worker does, and the name of its result in the store."""

    scenario: str
    seed: int
    replicate: int


class Footing(NamedTuple):
    """What two scenarios must have in common for their figures to be compared.

    Attributes
    ----------
    lots : mapping of str to tuple
        By source, how much makes a lot (amount, unit, parts per lot, material): replicates can be paired only where
        the lots are the same things.
    currency_year : int or None
        Of all dollars; None of a bare line.
    """

    lots: Mapping[str, tuple[object, ...]]
    currency_year: int | None


@dataclass(frozen=True)
class Case:
    """One scenario of a study.

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
        Variants in the order written, the points of the design within each.
    payloads : mapping of str to bytes
        By digest: the scenario for the workers (`unpacked`).
    footings : mapping of str to Footing
        By digest.
    resolved : Resolved
        The file, for the places of everything in it.
    selection : Selection
        Uncertain inputs that it moves.
    points : tuple of Point
        Of the design.
    infeasible : tuple of Infeasible
        Points that are no scenario.
    """

    spec: StudySpec
    file: Path
    text: str
    cases: tuple[Case, ...]
    payloads: Mapping[str, bytes]
    footings: Mapping[str, Footing]
    resolved: Resolved
    selection: Selection = NOTHING_MOVED
    points: tuple[Point, ...] = ()
    infeasible: tuple[Infeasible, ...] = ()

    @property
    def name(self) -> str:
        """Name given in the file."""
        return self.spec.name

    @property
    def digest(self) -> str:
        """SHA-256 of what the table depends on: cases, seed and numbers of replicates."""
        content = self.spec.model_dump_json(include={"seed", "replicates", "metrics", "confidence_share", "comparison"})
        cases = repr([(case.variant, case.point, sorted(case.factors.items()), case.scenario) for case in self.cases])
        analysed = ""
        if self.spec.analysed:
            firsts = [case.first for case in self.cases]
            analysed = f"\0{self.spec.design.model_dump_json()}{self.infeasible!r}{self.selection.names!r}{firsts!r}"
        return sha256(f"{content}\0{cases}{analysed}".encode()).hexdigest()

    def task(self, case: Case, replicate: int) -> Task:
        """The task of a replicate of a case."""
        return Task(case.scenario, self.spec.seed, case.first + replicate)


def label(variant: str, factors: Mapping[str, Any]) -> str:
    """A case in words."""
    return ", ".join([variant, *(f"{name} = {value}" for name, value in factors.items())])


def packed(scenario: Scenario) -> bytes:
    """A scenario as bytes, without the places in files where its values were written."""
    bare = Resolved(scenario.name, {}, {}, {}, (), ())
    return zlib.compress(pickle.dumps(replace(scenario, resolved=bare, warnings=(), assumptions=()), 5), 1)


def unpacked(payload: bytes) -> Scenario:
    """The scenario of a payload that this program has packed."""
    scenario = pickle.loads(zlib.decompress(payload))
    assert isinstance(scenario, Scenario)
    return scenario


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
    spec = file.spec
    problems: list[Problem] = []
    cases: list[Case] = []
    scenarios: dict[str, Scenario] = {}
    payloads: dict[str, bytes] = {}
    footings: dict[str, Footing] = {}
    first: dict[str, Footing] = {}
    known: dict[str, Base | None] = {}
    faulty: list[tuple[str, ConfigError]] = []
    infeasible: list[Infeasible] = []
    bases = {variant: _base(file, variant, known, problems) for variant in file.variants}
    selection = _selection(file, bases, faulty, problems)
    design = list(points(spec.factors, spec.design, spec.seed, len(selection.names)))
    for variant, base in bases.items() if not faulty else ():
        if base is None:
            continue
        refused: list[tuple[Infeasible, ConfigError]] = []
        at_factors: tuple[Mapping[str, Level], Scenario] | None = None
        for number, point in enumerate(design):
            factors: dict[str, Any] = {name: level.value for name, level in point.factors.items()}
            inputs = selection.values(variant, point, evenly=spec.design.screens and spec.design.kind != "saltelli")
            try:
                if at_factors is None or at_factors[0] != point.factors:
                    at_factors = point.factors, _scenario(file, base, variant, point.factors)
                scenario = at_factors[1]
                if inputs:
                    there = {one: value for one, value in inputs.items() if one in scenario.resolved.notes}
                    scenario = bind(scenario.resolved.with_numbers(there))
                factors |= _settled(file, scenario)
            except ConfigError as error:
                refused.append((Infeasible(variant, number, factors, written(inputs), _first(error)), error))
                continue
            digest = scenario.digest
            if digest not in payloads:
                payloads[digest] = packed(scenario)
                footings[digest] = footing(scenario)
            scenarios.setdefault(_skeleton(scenario), scenario)
            first.setdefault(variant, footings[digest])
            begin = number * spec.most if spec.analysed and spec.design.sampled else 0
            cases.append(Case(len(cases), variant, number, factors, digest, written(inputs), begin))
        for one, refusal in refused:
            typed = spec.design.kind == "one_at_a_time" and bool(design[one.point].factors)
            if spec.analysed and not typed and len(refused) < len(design):
                infeasible.append(one)
            else:
                faulty.append((label(variant, one.factors), refusal))
    problems += _of_cases(faulty, len(cases) + len(faulty))
    if not problems:
        problems += _never_steady(file, scenarios.values())
        problems += _incomparable(file, first)
        if metrics:
            problems += _unknown_metrics(file, scenarios.values())
    if problems:
        raise config_error(problems)
    text = file.resolved.sources_of_file().text
    return Study(
        file.spec, file.path, text, tuple(cases), payloads, footings, file.resolved, selection, tuple(design),
        tuple(infeasible),
    )  # fmt: skip


def _selection(
    file: StudyFile,
    bases: Mapping[str, Base | None],
    faulty: list[tuple[str, ConfigError]],
    problems: list[Problem],
) -> Selection:
    """Uncertain inputs of every variant, with the factors in the middle of their ranges."""
    if file.spec.uncertain is None:
        return NOTHING_MOVED
    middle = {name: level(factor, 0.5) for name, factor in file.spec.factors.items()}
    found: dict[str, Scenario] = {}
    for variant, base in bases.items():
        if base is not None:
            try:
                found[variant] = _scenario(file, base, variant, middle)
            except ConfigError as error:
                faulty.append((label(variant, {}), error))
    if len(found) < len(bases):
        return NOTHING_MOVED
    selection, unmatched = select(found, file.spec.uncertain, file.resolved)
    problems += unmatched
    return selection


def _first(error: ConfigError) -> str:
    """What a scenario says against a point, in one line."""
    problem = next(iter(error.problems), None)
    return f"{problem.path}: {problem.message}" if isinstance(problem, Problem) else str(error)


def _base(file: StudyFile, variant: str, known: dict[str, Base | None], problems: list[Problem]) -> Base | None:
    """The scenario that a variant changes, read once; a problem where it cannot be."""
    name, where = file.scenario_of(variant)
    if name in known:
        return known[name]
    known[name] = None
    near = file.path.parent / name
    found = next((one for one in (near, near.with_name(near.name + ".yaml")) if one.is_file()), library.lookup(name))
    if found is None:
        hint = library.suggestion(near, Path(name))
        if where != ("base",):
            hint = did_you_mean(name, file.variants) or hint
        what = "no scenario file" if where == ("base",) else "no variant and no scenario file"
        problems.append(
            file.resolved.problem(where, f"there is {what} '{name}', and no shipped one of that name", hint)
        )
        return None
    try:
        known[name] = read_base(found)
    except ConfigError as error:
        problems += [problem for problem in error.problems if isinstance(problem, Problem)]
    return known[name]


def _scenario(file: StudyFile, base: Base, variant: str, point: Mapping[str, Level]) -> Scenario:
    moved = [place.assignment(*point[place.factor]) for place in file.places if place.factor in point]
    return bind(base.with_values([*file.assignments(variant), *moved]))


def _settled(file: StudyFile, scenario: Scenario) -> dict[str, Any]:
    """Values of the factors in the unit of the field, where they stand under its own name."""
    found = {
        place.factor: scenario.resolved.get(place.path, value_in(scenario, place.path) if file.spec.analysed else None)
        for place in reversed(file.places)
    }
    return {name: value for name, value in found.items() if isinstance(value, (int, float, str))}


def _of_cases(faulty: Iterable[tuple[str, ConfigError]], cases: int) -> Iterator[Problem]:
    """Problems of scenarios, each once; of one that not every case has it is said where it was found first."""
    found: dict[Problem, list[str]] = {}
    for label, error in faulty:
        for problem in error.problems:
            assert isinstance(problem, Problem)
            found.setdefault(problem, []).append(label)
    for problem, labels in found.items():
        yield problem if len(labels) == cases else replace(problem, message=f"{problem.message} (in {labels[0]})")


def _skeleton(scenario: Scenario) -> str:
    """What the names of a scenario's key figures depend on."""
    spec, line = scenario.spec, scenario.spec.line
    parts = (line.sources, line.stations, line.buffers, line.sinks, line.crews, spec.products)
    return repr(([list(part) for part in parts], spec.conversion is None))


def footing(scenario: Scenario) -> Footing:
    """On what a scenario's figures stand."""
    spec = scenario.spec
    lots = {
        name: (source.amount, source.unit, source.parts_per_lot, source.material)
        for name, source in spec.line.sources.items()
    }
    return Footing(lots, None if spec.economics is None else spec.economics.currency_year)


def other_lots(one: Mapping[str, object], other: Mapping[str, object]) -> str | None:
    """The first source that does not make the same lots in both; None where all do."""
    return next((name for name in (*one, *other) if one.get(name) != other.get(name)), None)


def _never_steady(file: StudyFile, scenarios: Iterable[Scenario]) -> Iterator[Problem]:
    """A warm-up is looked for where nothing ever settles."""
    if file.spec.warmup is None or file.spec.warmup.rule is None:
        return
    for scenario in scenarios:
        spec = scenario.spec
        moving = {"ramp": spec.ramp, "conversion": spec.conversion, "shocks": spec.shocks}
        named = next((name for name, one in moving.items() if one), None)
        if named is not None:
            message = f"looks for the steady state of '{scenario.name}', which has a `{named}` and never comes to one"
            yield file.resolved.problem("warmup.rule", message, f"write fixed_h, or set {named}: !delete")
            return


def _incomparable(file: StudyFile, footings: Mapping[str, Footing]) -> Iterator[Problem]:
    """Variants that cannot be paired with the reference, and why."""
    comparison = file.spec.comparison
    if comparison is None or not comparison.paired:
        return
    reference = footings[comparison.reference]
    for name, one in footings.items():
        source = other_lots(reference.lots, one.lots)
        if source is None:
            continue
        yield file.resolved.problem(
            "comparison.paired" if file.resolved.get("comparison.paired") is not None else "comparison",
            f"'{name}' and '{comparison.reference}' cut their material into different lots (line.sources.{source}), so"
            " the same random numbers do not mean the same things in both",
            "write comparison: {reference: ..., paired: false}",
        )


def _unknown_metrics(file: StudyFile, scenarios: Iterable[Scenario]) -> Iterator[Problem]:
    """Metrics that no scenario of the study has, and names where a number is needed."""
    if not file.spec.metrics:
        return
    from cellfab.study.metrics import known_metrics

    numeric: dict[str, bool] = {}
    for scenario in scenarios:
        for name, is_number in known_metrics(scenario).items():
            numeric[name] = numeric.get(name, True) and is_number
    for name, metric in file.spec.metrics.items():
        if name not in numeric:
            hint = did_you_mean(name, numeric)
            yield file.resolved.problem(("metrics", name), f"nobody computes a figure '{name}'", hint, key=True)
        elif metric.half_width_share is not None and not numeric[name]:
            where = ("metrics", name, "half_width_share")
            yield file.resolved.problem(where, f"'{name}' is a name, and only numbers have a half-width")
