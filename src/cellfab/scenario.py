"""A scenario: specs bound to steps, checked as a whole, frozen, with a digest. A run is a pure function of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from cellfab.config.bare_checks import bare_problems, bare_warnings
from cellfab.config.cell_spec import CellDesign
from cellfab.config.copying import Layout
from cellfab.config.line_checks import line_problems
from cellfab.config.line_spec import Line, SerialStation
from cellfab.config.loader import check, load
from cellfab.config.mode_checks import mode_problems
from cellfab.config.money_checks import money_problems, money_warnings
from cellfab.config.plant_of_lines import PlantOfLines, differences_path, plant_of_lines
from cellfab.config.problems import Problem, did_you_mean
from cellfab.config.product_checks import product_problems
from cellfab.config.ramp_checks import ramp_problems
from cellfab.config.references import reference_problems
from cellfab.config.remark import Remark
from cellfab.config.resolved import Assumption, Resolved
from cellfab.config.salvage import wiring_problems_of_faulty
from cellfab.config.scenario_spec import ScenarioSpec
from cellfab.config.schema import json_schema
from cellfab.config.shock_spec import shock_problems
from cellfab.config.show import render
from cellfab.config.sizing_spec import sizing_problems
from cellfab.config.tree_path import TreePath, as_path
from cellfab.errors import ConfigError
from cellfab.ramp.project_checks import project_problems, project_warnings
from cellfab.steps.base import ElectrodeStep, Step
from cellfab.steps.grade import SELF_DISCHARGE
from cellfab.steps.registry import registry


class Place(NamedTuple):
    """Where a step is done: a station, or a machine in a serial station's chain."""

    key: str
    """ "station" or "station.machine": names the place's parameters and its random numbers."""
    station: str
    machine: int | None
    step: str
    path: TreePath
    """Of the place in the configuration."""


def places(line: Line) -> Iterator[Place]:
    """Every place of a line that has a step, in the order written."""
    for name, station in line.stations.items():
        if station.step is not None:
            yield Place(name, name, None, station.step, ("line", "stations", name))
        if isinstance(station, SerialStation):
            for index, (machine_name, machine) in enumerate(station.machines.items()):
                if machine.step is not None:
                    path = ("line", "stations", name, "machines", machine_name)
                    yield Place(f"{name}.{machine_name}", name, index, machine.step, path)


@dataclass(frozen=True, eq=False)
class Scenario:
    """Everything a run depends on except the seed.

    Attributes
    ----------
    spec : ScenarioSpec
        The resolved, validated configuration.
    digest : str
        SHA-256 of the resolved configuration without names, descriptions, seed, replicates and engine.
    steps : mapping of (place key, product) to Step
        Empty on a bare line.
    files : tuple of str
        Configuration files read, the scenario's own first.
    assumptions : tuple of Assumption
        Values whose source says `assumption`, widest relative range first.
    resolved : Resolved
        The configuration after extends and overrides, with the origin of every value.
    warnings : tuple of Problem
        What is possible but implausible, or a test that cannot see what it is there for.
    layout : Layout
        Which node is on which line, where there are several.
    alone : mapping of str to Scenario
        By line, where there are several: the scenario with that line only, under the names as written.
    """

    spec: ScenarioSpec
    digest: str
    steps: Mapping[tuple[str, str], Step]
    files: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    resolved: Resolved
    warnings: tuple[Problem, ...] = ()
    layout: Layout = field(default_factory=Layout)
    alone: Mapping[str, Scenario] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and other.digest == self.digest

    @property
    def name(self) -> str:
        """Name given in the file."""
        return self.spec.name

    def resolved_yaml(self) -> str:
        """The configuration after extends and overrides, as YAML that loads to the same scenario."""
        return render(self.resolved)

    @property
    def is_plant(self) -> bool:
        """False for a bare line."""
        return bool(self.spec.products)

    @property
    def one_line(self) -> Scenario:
        """The first of several lines by itself; the scenario where there is only one."""
        return next(iter(self.alone.values()), self)


def load_scenario(path_or_name: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """Read, resolve and check a scenario.

    Parameters
    ----------
    path_or_name : str or Path
        A YAML file, or the name of a shipped scenario.
    overrides : sequence of str
        "path.to.key=value" each, as given to `--set`.

    Raises
    ------
    ConfigError
        Carrying every problem of every file, with positions.
    """
    return bind(load(path_or_name, overrides))


def bind(resolved: Resolved) -> Scenario:
    """Check a configuration that has been read as a whole, and bind its steps.

    Raises
    ------
    ConfigError
        Carrying every problem, with positions.
    """
    if "fleet" in resolved.tree and "line" not in resolved.tree:
        resolved.fail([_fleet_in_place_of_one(resolved)])
    spec, problems = check(resolved, ScenarioSpec)
    plant: PlantOfLines | None = None
    if spec is not None:
        problems = [resolved.problem(*problem) for problem in line_problems(spec.line)]
        if not problems:
            plant, problems = plant_of_lines(resolved, spec)
            if not problems:
                problems += product_problems(resolved, plant)
        sizing = None if spec.economics is None else spec.economics.sizing
        problems += [resolved.problem(*problem) for problem in sizing_problems(sizing, spec.line.stations)]
        problems += money_problems(resolved, spec)
        problems += ramp_problems(resolved, spec.ramp, ("ramp",))
        problems += bare_problems(resolved, spec)
        problems += shock_problems(resolved, spec.shocks, spec.run.start_date, spec.run.horizon_h)
        if spec.lines is not None:
            problems += ramp_problems(resolved, spec.lines.ramp, ("lines", "ramp"))
        if spec.conversion is not None:
            problems += ramp_problems(resolved, spec.conversion.ramp, ("conversion", "ramp"))
            lines = spec.lines.names() if spec.lines is not None else ()
            common = [] if plant is None else plant.shared_stations()
            problems += project_problems(
                resolved, spec.conversion, spec.line.stations, spec.run.horizon_h, lines, common, spec.line.sources
            )
    else:
        problems += [resolved.problem(*problem) for problem in wiring_problems_of_faulty(resolved)]
    found = list(_written_places(resolved))
    problems += reference_problems(resolved, [place.key for place in found])
    steps, step_problems, warnings = _bind_steps(resolved, found)
    problems += step_problems
    if spec is not None:
        problems += _unrecordable(resolved, spec, steps)
        problems += _unmeasured(resolved, steps)
        if not step_problems:
            problems += _faulty_modes(resolved, spec, steps)
    alone: dict[str, dict[tuple[str, str], Step]] = {}
    if plant is not None and not problems:
        alone, problems, more = _steps_by_line(resolved, plant, steps)
        warnings += [warning for warning in more if warning not in warnings]
    if spec is None or plant is None or problems:
        resolved.fail(problems)
    scenario = Scenario(
        spec=spec,
        digest=_digest(spec),
        steps=steps,
        files=tuple(str(file) for file in resolved.files),
        assumptions=tuple(resolved.assumptions()),
        resolved=resolved,
        warnings=(
            *warnings,
            *money_warnings(resolved, spec),
            *bare_warnings(resolved, spec),
            *_plan_warnings(resolved, spec),
        ),
    )
    return _with_lines(scenario, plant, alone) if alone else scenario


def _fleet_in_place_of_one(resolved: Resolved) -> Problem:
    """A fleet, where one scenario is needed; with the scenarios that its plants name."""
    plants = resolved.get("fleet.plants", {})
    written = [one.get("scenario") for one in plants.values() if isinstance(one, dict)]
    named = ", ".join(dict.fromkeys(one for one in written if isinstance(one, str)))
    message = "this is a fleet of plants, and one scenario is asked for"
    return resolved.problem("fleet", message, f"its plants are scenarios: {named}" if named else "", key=True)


def _with_lines(scenario: Scenario, plant: PlantOfLines, alone: Mapping[str, dict[tuple[str, str], Step]]) -> Scenario:
    """The scenario of all lines; each station has the steps of its own line."""
    steps: dict[tuple[str, str], Step] = {}
    single: dict[str, Scenario] = {}
    for line, own in alone.items():
        spec = scenario.spec.model_copy(update={"line": plant.each[line], "lines": None})
        digest = sha256(f"{scenario.digest} {line}".encode()).hexdigest()
        single[line] = replace(scenario, spec=spec, digest=digest, steps=own)
        for (key, product), step in own.items():
            steps.setdefault((plant.layout.name_on(line, key), product), step)
    return replace(scenario, spec=plant.spec, steps=steps, layout=plant.layout, alone=single)


def _plan_warnings(resolved: Resolved, spec: ScenarioSpec) -> Iterator[Problem]:
    if spec.conversion is not None:
        yield from project_warnings(resolved, spec.conversion, spec.line.stations)


def scenario_schema(*, overlay: bool = False) -> dict[str, object]:
    """JSON Schema of scenario files, with the parameters of every step."""
    return json_schema(ScenarioSpec, overlay=overlay, params={name: step.Params for name, step in registry().items()})


def _digest(spec: ScenarioSpec) -> str:
    content = spec.model_dump(mode="json", exclude={"name": True, "description": True})
    if spec.lines is None:
        del content["lines"]
    if spec.conversion is not None:
        content["conversion"] = spec.conversion.written()
    content["run"] = spec.run.model_dump(mode="json", include={"horizon_h", "warmup_h", "start_date"})
    if spec.run.warmup_rule != "fixed":
        content["run"]["warmup_rule"] = spec.run.warmup_rule
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _written_places(resolved: Resolved) -> Iterator[Place]:
    """As `places`, for a line that need not be valid."""
    stations = resolved.get("line.stations")
    for name, station in _mappings(stations):
        path: TreePath = ("line", "stations", name)
        if isinstance(station.get("step"), str):
            yield Place(name, name, None, station["step"], path)
        for index, (machine_name, machine) in enumerate(_mappings(station.get("machines"))):
            if isinstance(machine.get("step"), str):
                yield Place(f"{name}.{machine_name}", name, index, machine["step"], (*path, "machines", machine_name))


def _mappings(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(tree, dict):
        yield from ((name, child) for name, child in tree.items() if isinstance(child, dict))


def _steps_by_line(
    resolved: Resolved, plant: PlantOfLines, steps: dict[tuple[str, str], Step]
) -> tuple[dict[str, dict[tuple[str, str], Step]], list[Problem], list[Problem]]:
    """Steps by line, problems and warnings; `steps` are those of a line on which nothing is different."""
    by_line: dict[str, dict[tuple[str, str], Step]] = {}
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for line in plant.layout.lines:
        by_line[line] = steps
        if plant.differs(line):
            by_line[line], wrong, odd = _bind_steps(resolved, places(plant.each[line]), differences_path(line))
            problems += [problem for problem in wrong if problem not in problems]
            warnings += odd
    return by_line, problems, warnings


def _bind_steps(
    resolved: Resolved, found: Iterable[Place], differences: TreePath = ()
) -> tuple[dict[tuple[str, str], Step], list[Problem], list[Problem]]:
    """Steps by place and product, problems and warnings.

    A design that is not valid (which has been reported) leaves its product without. `differences`: where it is written
    what is different on one of several lines.
    """
    known = registry()
    products = [name for name, _ in _mappings(resolved.get("products"))]
    designs = {name: check(resolved, CellDesign, [("products", name, "design")])[0] for name in products}
    steps: dict[tuple[str, str], Step] = {}
    problems: list[Problem] = []
    warnings = [
        _remarked(resolved, remark, [], name)
        for name, design in designs.items()
        if design is not None
        for remark in design.review()
    ]
    for place in found:
        step_class = known.get(place.step)
        if step_class is None:
            hint = did_you_mean(place.step, known)
            problems.append(resolved.problem((*place.path, "step"), f"unknown step '{place.step}'", hint))
            continue
        if not products:
            message = "a step needs cells, but the scenario has no `products`"
            problems.append(resolved.problem((*place.path, "step"), message))
        for name in products:
            paths: list[str | TreePath] = [(*place.path, "params")]
            different = (*differences, *place.path[1:], "params")
            if differences and resolved.get(different) is not None:
                paths.append(different)
            recipe = ("products", name, "params", place.key)
            if resolved.get(recipe) is not None:
                paths.append(recipe)
            params, unfit = check(resolved, step_class.Params, paths)
            problems += [problem for problem in unfit if problem not in problems]
            design = designs[name]
            if params is None or design is None:
                continue
            problems += _unpriced(resolved, params, paths)
            try:
                step = steps[place.key, name] = step_class(params, design)
            except ConfigError as error:
                problems.append(resolved.problem(place.path, f"{error} (product '{name}')"))
                continue
            for remark in step.review():
                found_here = _remarked(resolved, remark, paths, name)
                heard = problems if remark.impossible else warnings
                if found_here not in heard:
                    heard.append(found_here)
    return steps, problems, warnings


def _remarked(resolved: Resolved, remark: Remark, paths: Sequence[str | TreePath], product: str) -> Problem:
    """A remark at the value that it is about: of the recipe where that is written, else of the place, else the step."""
    about = as_path(remark.about) if remark.about else ()
    if about[:1] == ("design",):
        candidates = [("products", product, *about)]
    else:
        candidates = [(*as_path(path), *about) for path in reversed(paths)]
    where = next((path for path in candidates if resolved.get(path) is not None), candidates[-1])
    return resolved.problem(where, f"{remark.message} (product '{product}')", remark.hint)


def cell_columns(steps: Mapping[tuple[str, str], Step]) -> set[str]:
    """Columns of cells that the steps write."""
    return {name for step in steps.values() if not isinstance(step, ElectrodeStep) for name in step.writes}


def _unrecordable(resolved: Resolved, spec: ScenarioSpec, steps: Mapping[tuple[str, str], Step]) -> Iterator[Problem]:
    """What `run` asks to be recorded although there is no such thing."""
    if spec.run.record != "summary" and not spec.products:
        yield resolved.problem("run.record", "a bare line has no cells to record")
        return
    written = cell_columns(steps)
    for index, name in enumerate(spec.run.record_columns):
        if written and name not in written:
            message = f"no step of this line writes a column '{name}' of cells"
            yield resolved.problem(("run", "record_columns", index), message, did_you_mean(name, written))


def _unmeasured(resolved: Resolved, steps: Mapping[tuple[str, str], Step]) -> Iterator[Problem]:
    """Buyers who ask for what no step of the line measures."""
    written = cell_columns(steps)
    for (place, product), step in steps.items():
        for name, buyer in getattr(step, "buyers", ()):
            if buyer.most_self_discharge_mv_per_d is not None and SELF_DISCHARGE not in written:
                key = ("buyers", name, "most_self_discharge_mv_per_d")
                station, _, machine = place.partition(".")
                at = ("line", "stations", station, *(("machines", machine) if machine else ()), "params", *key)
                recipe = ("products", product, "params", place, *key)
                where = recipe if resolved.get(recipe) is not None else at
                yield resolved.problem(where, "no step of this line measures self-discharge", "add a station of ageing")


def _faulty_modes(resolved: Resolved, spec: ScenarioSpec, steps: Mapping[tuple[str, str], Step]) -> Iterator[Problem]:
    """Failure modes that name what is not there, or does not ramp."""
    ramping: dict[str, dict[str, tuple[str, ...]]] = {}
    others: dict[str, list[str]] = {}
    for (place, product), step in steps.items():
        ramping.setdefault(place, {})[product] = step.ramping
        others.setdefault(place, []).extend(name for name in type(step.params).model_fields if name not in step.ramping)
    yield from mode_problems(resolved, spec.ramp, ramping, others, spec.run.horizon_h)


def _unpriced(resolved: Resolved, params: BaseModel, paths: Sequence[str | TreePath]) -> Iterator[Problem]:
    """Materials that a step is told to use, and that have no price."""
    materials = [name for name, _ in _mappings(resolved.get("materials"))]
    for key in type(params).model_fields:
        name = getattr(params, key)
        if key.endswith("_material") and name and name not in materials:
            path = next((as_path(path) for path in reversed(paths) if key in (resolved.get(path) or ())), None)
            where = (*path, key) if path is not None else as_path(paths[0])
            message = f"uses the material '{name}', which is not in `materials`"
            yield resolved.problem(where, message, did_you_mean(name, materials))
