"""Reading a fleet: its file, the scenarios of its plants, and what is wrong with any of them, located."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from cellfab.config import library
from cellfab.config.fleet_spec import FleetFile, FleetPlant
from cellfab.config.loader import check, load
from cellfab.config.money_checks import scheduled
from cellfab.config.problems import Problem, config_error, did_you_mean
from cellfab.config.resolved import Assumption, Resolved
from cellfab.config.scenario_spec import ScenarioSpec
from cellfab.config.show import render
from cellfab.config.tree_path import TreePath, dotted
from cellfab.errors import ConfigError
from cellfab.fleet.contracts import oversold
from cellfab.pilot import pilot_product
from cellfab.scenario import Scenario, load_scenario
from cellfab.units import HOURS_PER_WEEK

_OF_A_RUN = ("horizon_h", "start_date", "replicates", "seed")


@dataclass(frozen=True, slots=True)
class LoadedFleet:
    """A fleet, checked.

    Attributes
    ----------
    spec : FleetFile
    scenarios : mapping of str to Scenario
        By plant; plants of the same file have the same one.
    digest : str
        SHA-256 of all that a run depends on except the seed.
    resolved : Resolved
    files : tuple of str
        The fleet's own first.
    assumptions : tuple of Assumption
        Of the fleet's own file.
    """

    spec: FleetFile
    scenarios: Mapping[str, Scenario]
    digest: str
    resolved: Resolved
    files: tuple[str, ...]
    assumptions: tuple[Assumption, ...]

    @property
    def name(self) -> str:
        """Name given in the file."""
        return self.spec.name

    @property
    def weeks(self) -> int:
        """Whole weeks of the run."""
        return round(self.spec.run.horizon_h / HOURS_PER_WEEK)

    @property
    def start(self) -> datetime.date:
        """First day of week 0."""
        return self.spec.run.start_date

    def begins(self, plant: str) -> datetime.date:
        """Day on which week 0 of a plant's scenario lies for its first line."""
        return self.spec.fleet.plants[plant].begins or self.scenarios[plant].spec.run.start_date

    def resolved_yaml(self) -> str:
        """The fleet's own configuration after extends and overrides."""
        return render(self.resolved)


def is_fleet(resolved: Resolved) -> bool:
    """Whether a configuration is a fleet, and not one scenario."""
    return "fleet" in resolved.tree


def load_fleet(path_or_name: str | Path, overrides: Sequence[str] = ()) -> LoadedFleet:
    """Read and check a fleet with the scenarios of all its plants.

    Raises
    ------
    ConfigError
        With every problem of every file, located.
    """
    return bind_fleet(load(path_or_name, overrides))


def bind_fleet(resolved: Resolved, known: dict[str, Scenario] | None = None) -> LoadedFleet:
    """Check a fleet that has been read, and read the scenarios of its plants.

    Parameters
    ----------
    resolved : Resolved
    known : dict of str to Scenario, optional
        By file, scenarios that have been read before; those read now are added.

    Raises
    ------
    ConfigError
        With every problem of every file, located.
    """
    spec, problems = check(resolved, FleetFile)
    if spec is None:
        resolved.fail(_told_of_scenarios(problems))
    problems += _market_problems(resolved, spec)
    scenarios, faulty = _scenarios(resolved, spec, {} if known is None else known)
    problems += faulty
    if not problems:
        problems += oversold(resolved, spec, round(spec.run.horizon_h / HOURS_PER_WEEK))
    for name, scenario in scenarios.items():
        problems += _plant_problems(resolved, spec, name, scenario)
    if problems:
        raise config_error(problems)
    content = spec.model_dump(mode="json", exclude={"name": True, "description": True})
    content["run"] = spec.run.model_dump(mode="json", include={"horizon_h", "start_date"})
    for name, scenario in scenarios.items():
        content["fleet"]["plants"][name]["scenario"] = scenario.digest
    return LoadedFleet(
        spec=spec,
        scenarios=scenarios,
        digest=sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest(),
        resolved=resolved,
        files=tuple(dict.fromkeys([*map(str, resolved.files), *(f for one in scenarios.values() for f in one.files)])),
        assumptions=tuple(resolved.assumptions()),
    )


def _told_of_scenarios(problems: Sequence[Problem]) -> Iterator[Problem]:
    """Keys that a fleet does not have because the scenarios of its plants do."""
    for one in problems:
        ours = one.path not in ScenarioSpec.model_fields or one.path in FleetFile.model_fields
        hint = "the scenario of a plant has it: fleet.plants.PLANT.scenario names a file, which may be one of yours"
        yield one if ours else replace(one, hint=hint)


def _scenarios(
    resolved: Resolved, spec: FleetFile, known: dict[str, Scenario]
) -> tuple[dict[str, Scenario], list[Problem]]:
    """Scenarios by plant, each file read once; problems in them are told where they are."""
    faulty: set[str] = set()
    found: dict[str, Scenario] = {}
    problems: list[Problem] = []
    for name, plant in spec.fleet.plants.items():
        path: TreePath = ("fleet", "plants", name, "scenario")
        file = _file(resolved, path, plant)
        if file is None:
            hint = did_you_mean(plant.scenario, library.names()) or "write a file beside this one, or a shipped name"
            problems.append(resolved.problem(path, f"there is no scenario '{plant.scenario}'", hint))
            continue
        if file not in known and file not in faulty:
            try:
                known[file] = load_scenario(file)
            except ConfigError as error:
                faulty.add(file)
                problems += [one for one in error.problems if isinstance(one, Problem) and one not in problems]
                problems.append(resolved.problem(path, f"'{plant.scenario}' is not a valid scenario: see there"))
        if file in known:
            found[name] = known[file]
    return found, problems


def _file(resolved: Resolved, path: TreePath, plant: FleetPlant) -> str | None:
    """Where a plant's scenario lies: beside the file that names it, below the working directory, or shipped."""
    written = Path(resolved.location(path, key=False).source.name).parent
    for candidate in (written / plant.scenario, Path(plant.scenario)):
        for file in (candidate, candidate.with_name(f"{candidate.name}.yaml")):
            if file.is_file():
                return str(file)
    return str(shipped) if (shipped := library.lookup(plant.scenario)) is not None else None


def _market_problems(resolved: Resolved, spec: FleetFile) -> Iterator[Problem]:
    """Names that are no names, or name two things; schedules with gaps; markets in which nobody sells."""
    fleet, policy = spec.fleet, spec.economics
    for name in fleet.suppliers:
        if name in fleet.plants:
            message = f"'{name}' is the name of a plant and of a supplier: tables could not tell them apart"
            yield resolved.problem(("fleet", "suppliers", name), message, "give one of them another name", key=True)
        for index, tariff in enumerate(fleet.suppliers[name].tariffs):
            if tariff not in policy.tariffs:
                where = ("fleet", "suppliers", name, "tariffs", index)
                message = f"there is no tariff '{tariff}' in `economics.tariffs`"
                yield resolved.problem(where, message, did_you_mean(tariff, policy.tariffs))
    if fleet.parity is not None and fleet.parity not in fleet.suppliers:
        message = f"there is no supplier '{fleet.parity}'"
        yield resolved.problem("fleet.parity", message, did_you_mean(fleet.parity, fleet.suppliers))
    for key in resolved.get("run", {}):
        if key not in _OF_A_RUN:
            hint = f"of `run` it takes {', '.join(_OF_A_RUN)}"
            yield resolved.problem(("run", key), "does nothing in a fleet", hint, key=True)
    if spec.run.horizon_h % HOURS_PER_WEEK:
        message = f"{spec.run.horizon_h:g} h are no whole number of weeks (of {HOURS_PER_WEEK:g} h)"
        yield resolved.problem("run.horizon_h", message)
    first = spec.run.start_date
    last = first + datetime.timedelta(hours=spec.run.horizon_h - 24.0)
    for part, value in (("fleet", fleet), ("economics", policy)):
        for path, schedule in scheduled(value, (part,)):
            day = schedule.uncovered(first, last)
            if day is not None:
                message = f"says nothing about {day}, and the run lasts from {first} to {last}"
                hint = f"it covers {', '.join(schedule.covered())}; add a period, or leave an end open: '{day.year}..'"
                yield resolved.problem(path, message, hint, key=True)


def _plant_problems(resolved: Resolved, spec: FleetFile, name: str, scenario: Scenario) -> Iterator[Problem]:
    plant, policy = spec.fleet.plants[name], spec.economics
    path: TreePath = ("fleet", "plants", name)
    if not scenario.is_plant or scenario.spec.economics is None:
        message = f"'{plant.scenario}' makes no cells that cost anything: a plant needs products and `economics`"
        yield resolved.problem((*path, "scenario"), message)
        return
    if scenario.spec.ramp is not None and scenario.spec.ramp.failure_modes is not None:
        message = f"'{plant.scenario}' learns by causes; a fleet knows only the fast mode"
        yield resolved.problem((*path, "scenario"), message, "take a scenario without `ramp.failure_modes`")
    several = scenario.spec.conversion is not None and len(scenario.spec.conversion.lines)
    if several and plant.lines > 1:
        message = f"'{plant.scenario}' converts {several} lines by itself: they are the plant's lines"
        yield resolved.problem((*path, "lines"), message, "remove `lines`")
    first, last = spec.run.start_date, spec.run.start_date + datetime.timedelta(hours=spec.run.horizon_h - 24.0)
    economics = scenario.spec.economics.model_copy(
        update={"tariffs": {}, "credits": {}, "sale_price_usd_per_kwh": None}
    )
    for part, value in (("economics", economics), ("materials", scenario.spec.materials)):
        for inner, schedule in scheduled(value, (part,)):
            day = schedule.uncovered(first, last)
            if day is not None:
                message = f"'{plant.scenario}' says nothing of {dotted(inner)} on {day}; the fleet runs until {last}"
                yield resolved.problem((*path, "scenario"), message, "add a period there, or leave an end open")
    design = scenario.spec.products[pilot_product(scenario)].design
    for index, credit in enumerate(plant.credits or ()):
        if credit not in policy.credits:
            message = f"there is no credit '{credit}' in `economics.credits`"
            yield resolved.problem((*path, "credits", index), message, did_you_mean(credit, policy.credits))
    for credit in policy.credits if plant.credits is None else plant.credits:
        if credit in policy.credits:
            for _, message in policy.credits[credit].undersized(design.energy_wh, design.energy_wh_per_l):
                yield resolved.problem(
                    path, f"{message}, so it does not earn '{credit}'", "write credits: []", key=True
                )
