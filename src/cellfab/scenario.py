"""A scenario: specs bound to steps, checked as a whole, frozen, with a digest. A run is a pure function of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cellfab.config.line_checks import line_problems
from cellfab.config.line_spec import Line, SerialStation
from cellfab.config.loader import check, load
from cellfab.config.problems import Problem, did_you_mean
from cellfab.config.resolved import Assumption, Resolved
from cellfab.config.scenario_spec import ScenarioSpec
from cellfab.config.schema import json_schema
from cellfab.config.show import render
from cellfab.config.tree_path import TreePath
from cellfab.errors import ConfigError
from cellfab.steps.base import Step
from cellfab.steps.registry import registry


class Place(NamedTuple):
    """Where a step is done: a station, or a machine in a serial station's chain."""

    key: str
    """ "station" or "station.machine": names the place's parameters and its random numbers."""
    station: str
    machine: int | None
    step: str
    path: str
    """Of the place in the configuration."""


def places(line: Line) -> Iterator[Place]:
    """Every place of a line that has a step, in the order written."""
    for name, station in line.stations.items():
        if station.step is not None:
            yield Place(name, name, None, station.step, f"line.stations.{name}")
        if isinstance(station, SerialStation):
            for index, (machine_name, machine) in enumerate(station.machines.items()):
                if machine.step is not None:
                    path = f"line.stations.{name}.machines.{machine_name}"
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
    """

    spec: ScenarioSpec
    digest: str
    steps: Mapping[tuple[str, str], Step]
    files: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    resolved: Resolved

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
    resolved = load(path_or_name, overrides)
    spec, problems = check(resolved, ScenarioSpec)
    if spec is None:
        # The line may be sound in itself: then its wiring is reported in the same go.
        line, _ = check(resolved, Line, ["line"])
        if line is not None:
            problems += [resolved.problem(path, message, hint) for path, message, hint in line_problems(line)]
        resolved.fail(problems)
    problems = [resolved.problem(path, message, hint) for path, message, hint in line_problems(spec.line)]
    problems += _reference_problems(resolved, spec)
    steps, step_problems = _bind_steps(resolved, spec)
    problems += step_problems
    if problems:
        resolved.fail(problems)
    return Scenario(
        spec=spec,
        digest=_digest(spec),
        steps=steps,
        files=tuple(str(file) for file in resolved.files),
        assumptions=tuple(resolved.assumptions()),
        resolved=resolved,
    )


def scenario_schema(*, overlay: bool = False) -> dict[str, object]:
    """JSON Schema of scenario files, with the parameters of every step."""
    return json_schema(ScenarioSpec, overlay=overlay, params={name: step.Params for name, step in registry().items()})


def _reference_problems(resolved: Resolved, spec: ScenarioSpec) -> list[Problem]:
    """Names that point at nothing: products, materials, stations of the ramp, the conversion and the recipes."""
    problems: list[Problem] = []

    def must_exist(path: str | TreePath, name: str, known: Iterable[str], what: str) -> None:
        names = list(known)
        if name not in names:
            problems.append(resolved.problem(path, f"there is no {what} '{name}'", did_you_mean(name, names)))

    stations, products = spec.line.stations, spec.products
    for product, recipe in products.items():
        for electrode in ("cathode", "anode"):
            material = getattr(recipe.design, electrode).active_material
            must_exist(f"products.{product}.design.{electrode}.active_material", material, spec.materials, "material")
        keys = [place.key for place in places(spec.line)]
        for key in recipe.params:
            must_exist(("products", product, "params", key), key, keys, "station with a step called")
    if products:
        for name, source in spec.line.sources.items():
            for product in source.products:
                must_exist(f"line.sources.{name}.products", product, products, "product")
    if spec.ramp is not None:
        for name in spec.ramp.stations:
            must_exist(f"ramp.stations.{name}", name, stations, "station")
    conversion = spec.conversion
    if conversion is not None:
        for key in ("product_from", "product_to"):
            must_exist(f"conversion.{key}", getattr(conversion, key), products, "product")
        for name in conversion.stations:
            must_exist(f"conversion.stations.{name}", name, stations, "station")
        if conversion.stop_week * 168.0 >= spec.run.horizon_h:
            problems.append(
                resolved.problem(
                    "conversion.stop_week",
                    f"week {conversion.stop_week:g} is after the end of the run ({spec.run.horizon_h / 168.0:g} weeks)",
                    "stop earlier, or lengthen run.horizon_h",
                )
            )
    return problems


def _digest(spec: ScenarioSpec) -> str:
    content = spec.model_dump(mode="json", exclude={"name": True, "description": True})
    content["run"] = {"horizon_h": spec.run.horizon_h, "warmup_h": spec.run.warmup_h}
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _bind_steps(resolved: Resolved, spec: ScenarioSpec) -> tuple[dict[tuple[str, str], Step], list[Problem]]:
    known = registry()
    steps: dict[tuple[str, str], Step] = {}
    problems: list[Problem] = []
    for place in places(spec.line):
        if not spec.products:
            problems.append(
                resolved.problem(f"{place.path}.step", "a step needs cells, but the scenario has no `products`", "")
            )
            continue
        step_class = known.get(place.step)
        if step_class is None:
            problems.append(
                resolved.problem(f"{place.path}.step", f"unknown step '{place.step}'", did_you_mean(place.step, known))
            )
            continue
        for name, product in spec.products.items():
            paths: list[str | TreePath] = [f"{place.path}.params"]
            if place.key in product.params:
                paths.append(("products", name, "params", place.key))
            params, found = check(resolved, step_class.Params, paths)
            problems += [problem for problem in found if problem not in problems]
            if params is None:
                continue
            try:
                steps[place.key, name] = step_class(params, product.design)
            except ConfigError as unfit:
                problems.append(resolved.problem(place.path, str(unfit)))
    return steps, problems
