"""What keeps the money side of a scenario from meaning anything although each part of it is well formed."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from cellfab.config.cell_spec import CellDesign
from cellfab.config.economics_spec import Economics
from cellfab.config.line_spec import Crew
from cellfab.config.materials_spec import Material
from cellfab.config.policy_spec import MaterialAssistance
from cellfab.config.problems import Problem, did_you_mean
from cellfab.config.resolved import Resolved
from cellfab.config.scenario_spec import ScenarioSpec
from cellfab.config.schedule import DAYS_PER_WEEK, Schedule
from cellfab.config.tree_path import TreePath
from cellfab.units import HOURS_PER_WEEK


def money_problems(resolved: Resolved, spec: ScenarioSpec) -> Iterator[Problem]:
    """Prices without a currency year, gaps in schedules, capital without a life, duties on nothing, cells too small,
    and people or supplies that overhead holds already.

    Parameters
    ----------
    resolved : Resolved
        The configuration, checked.
    spec : ScenarioSpec
        What it says.
    """
    economics = spec.economics
    if economics is None:
        for name in spec.materials:
            message = "a price needs a year whose dollars it is in, and the scenario has no `economics`"
            yield resolved.problem(("materials", name, "price_usd"), message, "write economics.currency_year")
        return
    yield from _gaps(resolved, spec)
    yield from _lives(resolved)
    yield from _counted_twice(resolved, spec, economics)
    yield from _consumables(resolved, spec, economics)
    for name, tariff in economics.tariffs.items():
        for index, material in enumerate(tariff.materials or ()):
            if material not in spec.materials:
                path: TreePath = ("economics", "tariffs", name, "materials", index)
                hint = did_you_mean(material, spec.materials)
                yield resolved.problem(path, f"there is no material '{material}'", hint)
    for name, credit in economics.credits.items():
        for product, one in spec.products.items():
            for field, message in credit.undersized(one.design.energy_wh, one.design.energy_wh_per_l):
                hint = "such a cell earns no credit: remove the credit, or make a larger cell"
                yield resolved.problem(("economics", "credits", name, field), f"{message} (product '{product}')", hint)


def money_warnings(resolved: Resolved, spec: ScenarioSpec) -> Iterator[Problem]:
    """Duties that hit nothing, overhead that nobody pays, products whose credit the material rule seems to take."""
    economics = spec.economics
    if economics is None:
        return
    origins = {origin for material in spec.materials.values() for origin in material.origins}
    for name, tariff in economics.tariffs.items():
        if spec.materials and tariff.origin not in origins:
            path: TreePath = ("economics", "tariffs", name, "origin")
            yield resolved.problem(
                path, f"no material comes from '{tariff.origin}'", did_you_mean(tariff.origin, origins)
            )
    yield from _paid_by_nobody(resolved, spec, economics)
    yield from _credits_in_doubt(resolved, spec, economics)


def scheduled(value: Any, path: TreePath = ()) -> Iterator[tuple[TreePath, Schedule]]:
    """Every schedule in a spec, with its path."""
    if isinstance(value, Schedule):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from scheduled(getattr(value, name), (*path, info.alias or name))
    elif isinstance(value, Mapping):
        for name, child in value.items():
            yield from scheduled(child, (*path, name))


def _gaps(resolved: Resolved, spec: ScenarioSpec) -> Iterator[Problem]:
    first = spec.run.start_date
    weeks = math.ceil(spec.run.horizon_h / HOURS_PER_WEEK)
    last = first + datetime.timedelta(days=DAYS_PER_WEEK * weeks - 1)
    for part, value in (("economics", spec.economics), ("materials", spec.materials), ("products", spec.products)):
        for path, schedule in scheduled(value, (part,)):
            day = schedule.uncovered(first, last)
            if day is not None:
                message = f"says nothing about {day}, and the run lasts from {first} to {last}"
                hint = f"it covers {', '.join(schedule.covered())}; add a period, or leave an end open: '{day.year}..'"
                yield resolved.problem(path, message, hint, key=True)


_LIVES = (("capex_musd", "equipment_life_years"), ("floor_m2", "building_life_years"))


def _lives(resolved: Resolved) -> Iterator[Problem]:
    """Capital whose life nobody has written down: the yearly charge would rest on a default."""
    stations = resolved.get("line.stations")
    places: list[TreePath] = [("line", "stations", name, "economics") for name in stations or ()]
    for field, life in _LIVES:
        if resolved.get(("economics", "capital", life)) is not None:
            continue
        for path in (*places, ("economics", "plant")):
            amount = resolved.get((*path, field))
            if isinstance(amount, (int, float)) and amount > 0.0:
                message = "is capital without a life, so nobody knows what a year of it costs"
                yield resolved.problem((*path, field), message, f"write economics.capital.{life}")
                break


_OVERHEAD: TreePath = ("economics", "overhead")


def _counted_twice(resolved: Resolved, spec: ScenarioSpec, economics: Economics) -> Iterator[Problem]:
    """Crews with a wage and consumables, where the variable overhead on labour still holds them."""
    overhead = economics.overhead
    whole, out = overhead.variable_on_labour_share, overhead.posted_on_labour_share
    if out > whole + 1e-9:
        name = "consumables_on_labour_share" if overhead.crews_on_labour_share is None else "crews_on_labour_share"
        message = f"crews and consumables are {out:g} of labour, and the overhead that holds them is {whole:g}"
        yield resolved.problem((*_OVERHEAD, name), message, "no more can be taken out of it than it holds")
    if whole == 0.0:
        return
    hint = "write economics.overhead.{}: the share of direct labour to take out of it (0 if it never held them)"
    if overhead.crews_on_labour_share is None:
        for name, crew in spec.line.crews.items():
            if _paid(crew, economics):
                path: TreePath = ("line", "crews", name, "wage_usd_per_h")
                if resolved.get(path) is None:
                    path = ("economics", "labour", "crew_wage_usd_per_h")
                message = f"the variable overhead ({whole:g} of labour) holds maintenance people: they count twice"
                yield resolved.problem(path, message, hint.format("crews_on_labour_share"))
                break
    if overhead.consumables_on_labour_share is None:
        for path in _places_of_consumables(spec, economics):
            message = f"the variable overhead ({whole:g} of labour) holds what is used up: it counts twice"
            yield resolved.problem(path, message, hint.format("consumables_on_labour_share"), key=True)
            break


def _paid_by_nobody(resolved: Resolved, spec: ScenarioSpec, economics: Economics) -> Iterator[Problem]:
    """Shares taken out of the overhead although nothing is posted instead."""
    crews, consumables = economics.overhead.crews_on_labour_share, economics.overhead.consumables_on_labour_share
    paid = any(_paid(crew, economics) for crew in spec.line.crews.values())
    if crews and not paid:
        message = f"{crews:g} of labour are taken out of overhead, and no crew has a wage"
        yield resolved.problem((*_OVERHEAD, "crews_on_labour_share"), message, "nobody pays the maintenance people")
    if consumables and not any(True for _ in _places_of_consumables(spec, economics)):
        message = f"{consumables:g} of labour are taken out of overhead, and nothing is used up"
        hint = "write line.stations.NAME.economics.consumables"
        yield resolved.problem((*_OVERHEAD, "consumables_on_labour_share"), message, hint)


def _paid(crew: Crew, economics: Economics) -> bool:
    wage = crew.wage_usd_per_h
    return bool(economics.labour.crew_wage_usd_per_h if wage is None else wage)


def _places_of_consumables(spec: ScenarioSpec, economics: Economics) -> Iterator[TreePath]:
    for station, one in spec.line.stations.items():
        for name in one.economics.consumables:
            yield ("line", "stations", station, "economics", "consumables", name)
    for name in economics.plant.consumables:
        yield ("economics", "plant", "consumables", name)


def _consumables(resolved: Resolved, spec: ScenarioSpec, economics: Economics) -> Iterator[Problem]:
    """What is used up and has no price."""
    for path in _places_of_consumables(spec, economics):
        if path[-1] not in economics.consumables:
            message = f"`economics.consumables` has no price for '{path[-1]}'"
            yield resolved.problem(path, message, did_you_mean(str(path[-1]), economics.consumables), key=True)


def _credits_in_doubt(resolved: Resolved, spec: ScenarioSpec, economics: Economics) -> Iterator[Problem]:
    """Credits whose rule on materials a product seems to break, judged by active materials and foils alone."""
    first = spec.run.start_date
    for name, credit in economics.credits.items():
        rule = credit.material_assistance
        if rule is None or credit.sales_share == 0.0:
            continue
        least = rule.least_share.at(first)
        for product, one in spec.products.items():
            ratio = assisted_share(one.design, spec.materials, rule, first)
            if ratio is not None and ratio < least:
                message = (
                    f"on {first} at least {least:.0%} of direct material cost must come from elsewhere than"
                    f" {', '.join(rule.prohibited_origins)}, and of the active materials and foils of '{product}'"
                    f" {ratio:.0%} do: it may earn nothing"
                )
                yield resolved.problem(("economics", "credits", name, "material_assistance"), message, key=True)


def assisted_share(
    design: CellDesign, materials: Mapping[str, Material], rule: MaterialAssistance, day: datetime.date
) -> float | None:
    """Material assistance cost ratio of a cell's active materials and foils as designed; None without their prices."""
    whole = banned = 0.0
    for electrode in (design.cathode, design.anode):
        used = {
            electrode.active_material: electrode.coating_kg * electrode.active_fraction,
            f"{electrode.foil}_foil": electrode.foil_area_m2,
        }
        for name, amount in used.items():
            if name in materials:
                usd = materials[name].cost_usd(amount, day)
                whole += usd
                banned += usd * materials[name].share_from(rule.prohibited_origins)
    return 1.0 - banned / whole if whole > 0.0 else None
