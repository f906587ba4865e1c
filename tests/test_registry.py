"""What holds for every registered step and station kind, tried on plants: a new one is tested as it comes.

Pilot lots of each product go down the line place by place, as the parameters of its scenario make them: every shipped
plant, and those in tests/data/plants for steps that no shipped plant uses.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from cellfab.config import library
from cellfab.config.line_spec import Line, SerialStation
from cellfab.config.line_spec import Station as StationSpec
from cellfab.config.run_spec import Run
from cellfab.core.causes import describe
from cellfab.core.columns import COLUMNS
from cellfab.core.draws import Draws
from cellfab.core.lot import ALIVE, Lot, lineage
from cellfab.errors import ConfigError
from cellfab.line.flow import simulate_line
from cellfab.line.kinds import KINDS
from cellfab.pilot import route
from cellfab.scenario import Place, Scenario, load_scenario, places
from cellfab.steps.base import Merge, Step, Work
from cellfab.steps.registry import registry

MATURITY = 0.5


def small(scenario: str) -> Scenario:
    """A scenario with short rolls: 300 m, of which the start is a part only, or more for a thousand pieces."""
    whole = load_scenario(scenario)
    rolls: dict[str, float] = {}
    for (station, _), step in whole.steps.items():
        if step.name == "dose":
            pieces_m = max(step.design.cathode.length_m, step.design.anode.length_m)
            needed_m = max(math.ceil(1000 / step.params.lanes) * pieces_m, 300.0)
            rolls[station] = min(max(rolls.get(station, 0.0), needed_m), step.params.roll_length_m)
    return load_scenario(scenario, [f"line.stations.{name}.params.roll_length_m={m}" for name, m in rolls.items()])


def plants() -> dict[str, Scenario]:
    """Scenarios to be tried: all plants but those whose places and products are all in another one."""
    extra = sorted((Path(__file__).parent / "data" / "plants").glob("*.yaml"))
    found = {}
    for file in (*library.names(), *map(str, extra)):
        scenario = load_scenario_if_plant(file)
        if scenario is not None:
            found[file] = scenario
    tried = {file: set(scenario.steps) | used(scenario) for file, scenario in found.items()}
    kept = [file for file in found if not any(tried[file] < tried[other] for other in found)]
    return {Path(file).stem: small(file) for file in kept}


def used(scenario: Scenario) -> set[tuple[str, str]]:
    """Places and their steps."""
    return {(place.key, place.step) for place in places(scenario.spec.line)}


def load_scenario_if_plant(file: str) -> Scenario | None:
    try:
        scenario = load_scenario(file)
    except ConfigError:
        return None  # a part of other scenarios
    return scenario if scenario.is_plant else None


PLANTS = plants()
"""Read once, for the test ids too."""


class Visit(NamedTuple):
    """One pilot lot at one place: what it was before, and (copied, for lots change on their way) after."""

    place: Place
    product: str
    step: Step
    before: dict[str, np.ndarray[Any, Any]]
    codes_before: np.ndarray[Any, Any]
    after: dict[str, np.ndarray[Any, Any]]
    codes: np.ndarray[Any, Any]
    work: Work
    attributes: dict[str, float]
    came: Lot
    made: Lot


def source_lot(product: str, material: str, unit: str, ordinal: int) -> Lot:
    return Lot(lineage(material, ordinal), ordinal=ordinal, product=product, material=material, unit=unit)


def act(step: Step, lots: dict[str, Lot], place: Place, seed: int = 1) -> Lot:
    draws = Draws(seed, 0, place.key)
    if isinstance(step, Merge):
        return step.merge({name: lots[name] for name in step.takes}, draws, MATURITY)
    (lot,) = lots.values()
    return step.apply(lot, draws, MATURITY)


def electrode(place: Place, step: Step) -> str | None:
    """The electrode that a place works on; None for places that make or work on cells."""
    return getattr(step.params, "electrode", None)


def codes_of(lot: Lot) -> np.ndarray[Any, Any]:
    return np.zeros(lot.n, np.int16) if lot.exit_code is None else lot.exit_code.copy()


def on_the_way(scenario: Scenario) -> list[Place]:
    """Places, each after those that give to it."""
    stations = [stop.node for stop in route(scenario.spec.line) if stop.is_station]
    return sorted(places(scenario.spec.line), key=lambda place: stations.index(place.station))


def walk(scenario: Scenario, product: str, ordinal: int, seed: int = 1) -> Iterator[Visit]:
    """One lot of each electrode down its branch, the cells wound from them to the end."""
    units = {"cathode": "lots", "anode": "lots", "separator": "rolls"}
    lots = {name: source_lot(product, name, unit, ordinal) for name, unit in units.items()}
    cells: Lot | None = None
    for place in on_the_way(scenario):
        step = scenario.steps[place.key, product]
        material = electrode(place, step)
        if isinstance(step, Merge):
            given = lots
        elif material is not None:
            given = {material: lots[material]}
        else:
            assert cells is not None, "a step on cells stands before the one that makes them"
            given = {"cell": cells}
        before = {name: values.copy() for lot in given.values() for name, values in lot.columns.items()}
        came = next(iter(given.values()))
        codes = codes_of(came)
        made = act(step, given, place, seed)
        after = {name: values.copy() for name, values in made.columns.items()}
        work = step.work(made, MATURITY)
        yield Visit(place, product, step, before, codes, after, codes_of(made), work, dict(made.attributes), came, made)
        if material is not None and not isinstance(step, Merge):
            lots[material] = made
        else:
            cells = made


@cache
def visits(plant: str) -> dict[tuple[str, str], Visit]:
    """By place and product. Not to be changed by tests."""
    scenario = PLANTS[plant]
    return {
        (visit.place.key, product): visit for product in scenario.spec.products for visit in walk(scenario, product, 3)
    }


every_place = pytest.mark.parametrize(
    ("plant", "at"),
    [
        pytest.param(plant, (place.key, product), id=f"{plant}-{place.key}-{product}")
        for plant, scenario in PLANTS.items()
        for place in places(scenario.spec.line)
        for product in scenario.spec.products
    ],
)
every_product = pytest.mark.parametrize(
    ("plant", "product"),
    [(plant, product) for plant, scenario in PLANTS.items() for product in scenario.spec.products],
)


def test_the_plants_use_every_registered_step():
    tried = {step for scenario in PLANTS.values() for _, step in used(scenario)}
    assert set(registry()) - tried == set(), "steps that no plant uses: add a scenario to tests/data/plants"


@pytest.mark.parametrize("name", registry())
def test_a_step_declares_what_it_is(name):
    step = registry()[name]
    assert step.name == name
    assert step.__doc__ and step.Params.__doc__
    assert set(step.writes) <= set(COLUMNS), "every column that a step writes is registered"
    assert set(step.reads) <= set(COLUMNS)
    assert len(set(step.writes)) == len(step.writes)


@every_place
def test_columns_as_declared(plant, at):
    visit = visits(plant)[at]
    missing = set(visit.step.reads) - set(visit.before)
    assert not missing, "reads what nothing before has written"
    for name, values in visit.after.items():
        column = COLUMNS[name]
        assert values.shape == (visit.made.n,), name
        assert values.dtype == column.dtype, name
        if np.issubdtype(values.dtype, np.floating):
            assert np.isfinite(values[visit.codes == ALIVE]).all(), f"{name} of a living row is not a number"
        if name in visit.step.writes:
            continue
        assert name in visit.before, f"writes {name}, which it does not declare"
        if visit.made is visit.came:
            np.testing.assert_array_equal(values, visit.before[name], err_msg=f"changes {name}, which is not declared")


@every_place
def test_rows_are_conserved_and_the_dead_stay_dead(plant, at):
    visit = visits(plant)[at]
    codes = visit.codes
    if visit.made is visit.came:
        assert codes.shape == visit.codes_before.shape
        dead = visit.codes_before != ALIVE
        np.testing.assert_array_equal(codes[dead], visit.codes_before[dead])
    else:
        assert visit.came.identity in visit.made.parents
        assert visit.made.ordinal == visit.came.ordinal
        assert visit.made.product == visit.product
    for code in np.unique(codes[codes != ALIVE]):
        assert describe(int(code)).code == code
        assert describe(int(code)).text
    assert (codes == ALIVE).any(), "nothing is left of a pilot lot half way up the ramp"


@every_place
def test_work_is_priced_and_sane(plant, at):
    visit = visits(plant)[at]
    work = visit.work
    assert work.seconds is None or (math.isfinite(work.seconds) and work.seconds > 0.0)
    assert math.isfinite(work.energy_kwh) and work.energy_kwh >= 0.0
    for material, used in work.materials.items():
        assert material in PLANTS[plant].spec.materials
        assert math.isfinite(used) and used > 0.0


def frozen(visit: Visit) -> tuple[Any, ...]:
    """All that a step decided about a lot."""
    columns = {name: values.tobytes() for name, values in sorted(visit.after.items())}
    return visit.codes.tobytes(), columns, sorted(visit.attributes.items()), visit.work, visit.made.identity


@every_product
def test_draws_do_not_depend_on_the_order_of_calls(plant, product):
    """Two lots, the second after the first and then the other way round, step objects shared between them."""
    scenario = PLANTS[plant]

    def both(first: int, second: int) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {first: [], second: []}
        walks = {ordinal: walk(scenario, product, ordinal) for ordinal in (first, second)}
        for pair in zip(*walks.values(), strict=True):
            for ordinal, visit in zip(walks, pair, strict=True):
                found[ordinal].append((visit.place.key, frozen(visit)))
        return found

    forth, back = both(3, 4), both(4, 3)
    assert forth == back
    alone = [(visit.place.key, frozen(visit)) for visit in walk(scenario, product, 4)]
    assert forth[4] == alone


@every_product
def test_another_seed_deals_anew_and_renames_nothing(plant, product):
    """Every place that draws at all gives other values to a lot of the same name."""
    unchanged = set()
    for other in walk(PLANTS[plant], product, 3, seed=2):
        one = visits(plant)[other.place.key, product]
        assert one.made.identity == other.made.identity
        new = [name for name in one.step.writes if name in one.after and name in other.after]
        shapes_differ = one.codes.shape != other.codes.shape
        if new and not shapes_differ and all(np.array_equal(one.after[name], other.after[name]) for name in new):
            unchanged.add(one.place.step)
    assert unchanged == set()


# ---- station kinds ----------------------------------------------------------------------------------------------

ONE_HOUR = {"law": "deterministic", "value_s": 3600.0}
KIND_SPECS: dict[str, dict[str, Any]] = {
    "serial": {"cycle": ONE_HOUR},
    "batch": {"cycle": ONE_HOUR},
    "web": {"speed_m_per_min": 1.0},
    "channels": {"positions": 1, "occupied": ONE_HOUR},
    "dwell": {"capacity": 60.0, "minimum": ONE_HOUR},
}
"""The least that each kind needs to take an hour for a lot of 60 m, one lot at a time."""


def test_every_kind_can_be_configured_and_run():
    union = typing.get_args(typing.get_args(StationSpec)[0])
    configured = {typing.get_args(spec.model_fields["kind"].annotation)[0] for spec in union}
    assert configured == set(KINDS) == set(KIND_SPECS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_takes_its_time_and_loses_nothing(kind):
    """Seven lots at hand, an hour each: the seventh is out after seven hours, whatever the kind."""
    station = {"kind": kind, "from": "rolls", **KIND_SPECS[kind]}
    line = Line.model_validate(
        {
            "sources": {"rolls": {"unit": "m", "amount": 60.0, "lots": 7}},
            "stations": {"place": station},
            "sinks": {"out": {"from": "place"}},
        }
    )
    for hours, out in ((6.9, 6), (7.1, 7)):
        flow = simulate_line(line, Run(horizon_h=hours), seed=1)
        assert flow.lots_finished == out
        place = flow.stations["place"]
        assert int(place.state_ticks.sum()) == place.units * flow.horizon
        assert place.lots_in == 7 and place.lots_out == out


def test_serial_chains_are_of_that_kind_too():
    assembly = PLANTS["ess_from_4680"].spec.line.stations["assembly"]
    assert isinstance(assembly, SerialStation)
    assert assembly.machines
