"""Pilot lots of every plant, taken down the line place by place: what is tested of a step is tested of all of them.

Plants are every shipped scenario with places and products, and those in tests/data/plants for steps that no shipped
plant uses. A test that asks for `plant` and `product`, or for `plant` and `at` (a place and a product), is run for
all that there are.

Run as a script, it writes the columns of a short pilot lot after each place of all plants.
"""

from __future__ import annotations

import copy
import math
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from pydantic import ValidationError

from cellfab.config import library
from cellfab.config.spec import Ramped
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot, lineage
from cellfab.errors import ConfigError
from cellfab.pilot import route
from cellfab.scenario import Place, Scenario, load_scenario, places
from cellfab.steps.base import Merge, Step, Work

MATURITY = 0.5
ORDINAL = 3
UNITS = {"cathode": "lots", "anode": "lots", "separator": "rolls"}


def load_scenario_if_plant(file: str) -> Scenario | None:
    try:
        scenario = load_scenario(file)
    except ConfigError:
        return None  # a part of other scenarios
    return scenario.one_line if scenario.is_plant else None  # copies of a line have the steps of the first


def used(scenario: Scenario) -> set[tuple[str, str]]:
    """Places and their steps."""
    return {(place.key, place.step) for place in places(scenario.spec.line)}


def small(file: str) -> Scenario:
    """A scenario with short rolls: 300 m, of which the start is a part only, or more for a thousand pieces."""
    whole = load_scenario(file)
    rolls: dict[str, float] = {}
    for (station, _), step in whole.one_line.steps.items():
        if step.name == "dose":
            pieces_m = max(step.design.cathode.length_m, step.design.anode.length_m)
            needed_m = max(math.ceil(1000 / step.params.lanes) * pieces_m, 300.0)
            rolls[station] = min(max(rolls.get(station, 0.0), needed_m), step.params.roll_length_m)
    overrides = [f"line.stations.{name}.params.roll_length_m={m}" for name, m in rolls.items()]
    return load_scenario(file, overrides).one_line


@cache
def plants() -> dict[str, Scenario]:
    """Scenarios to be tried, with short rolls: all but those whose places and products are all in another one.

    Of scenarios with the same places and products (a plant and the same plant larger) the one made of fewest files.
    """
    extra = sorted((Path(__file__).parent.parent / "data" / "plants").glob("*.yaml"))
    found = {}
    for file in (*library.names(), *map(str, extra)):
        scenario = load_scenario_if_plant(file)
        if scenario is not None:
            found[file] = scenario
    tried = {file: set(scenario.steps) | used(scenario) for file, scenario in found.items()}
    rank = {file: (len(scenario.files), file) for file, scenario in found.items()}

    def covered(file: str, other: str) -> bool:
        return tried[file] < tried[other] or (tried[file] == tried[other] and rank[other] < rank[file])

    kept = [file for file in found if not any(covered(file, other) for other in found)]
    return {Path(file).stem: small(file) for file in kept}


def source_lot(product: str, material: str, ordinal: int) -> Lot:
    return Lot(
        lineage(material, ordinal), ordinal=ordinal, product=product, material=material, unit=UNITS[material]
    )  # fmt: skip


def codes_of(lot: Lot) -> np.ndarray[Any, Any]:
    """Exit codes, copied; 0 while every row is alive."""
    return np.zeros(lot.n, np.int16) if lot.exit_code is None else lot.exit_code.copy()


class Visit(NamedTuple):
    """One pilot lot at one place: the lots that came, as they were, and what became of them."""

    place: Place
    product: str
    step: Step
    given: dict[str, Lot]
    """By material, copied before the step."""
    left: dict[str, Lot]
    """The same lots after it: one of them is `made`, unless the step makes another."""
    made: Lot
    work: Work
    maturity: float
    seed: int

    @property
    def makes_another(self) -> bool:
        """Whether the lot that left is none of those that came."""
        return all(lot is not self.made for lot in self.left.values())

    def again(self, step: Step | None = None, given: dict[str, Lot] | None = None) -> tuple[dict[str, Lot], Lot]:
        """The same place once more on copies of what came (or of `given`): what is left of it, and the lot made."""
        lots = copy.deepcopy(self.given if given is None else given)
        return lots, act(self.step if step is None else step, lots, self.place, self.maturity, self.seed)


def act(step: Step, lots: dict[str, Lot], place: Place, maturity: float, seed: int) -> Lot:
    """Do a step, as a run would."""
    draws = Draws(seed, 0, place.key)
    if isinstance(step, Merge):
        return step.merge(lots, draws, maturity)
    (lot,) = lots.values()
    return step.apply(lot, draws, maturity)


def with_params(step: Step, **changed: Any) -> Step:
    """The step with other parameters, checked as those of a scenario are."""
    given = {name: getattr(step.params, name) for name in type(step.params).model_fields}
    return type(step)(type(step.params).model_validate({**given, **changed}), step.design)


DEFECTS = re.compile(
    r"(_probability|_cv|_sd(_\w+)?|_spread_ln|_gsd)$"
    r"|(^|_)(gauge|noise|error|reading|runout)_"
    r"|^(?!cells)(\w+s|metal|spatter)_per_(km|m|m2|mm|cell|\w+_number)$"
)
"""Names of parameters that make defects, scatter or misreadings: perfect at 0, geometric deviations at 1."""
NO_DEFECTS = re.compile(r"detection|success|_share$")
"""Names that are no sources of defects although they look alike: what is seen, mended or shared out."""
OTHER_SOURCES: dict[tuple[str, str], float] = {
    ("calender", "roll_thickness_um"): 0.0,  # scatter of rolls and lanes, named for what scatters
    ("calender", "lane_thickness_um"): 0.0,
    ("coat", "edge_fraction"): 0.0,  # heavy or thin edges are a defect in every cell
    ("coat", "ripple_fraction"): 0.0,
    ("coat", "crack_width_fraction"): 1e-6,  # cracks follow a law of probability, however far from its limit
    ("dry_film", "edge_thinning_fraction"): 0.0,
    ("grade", "tray_temperature_k"): 0.0,
    ("lid_seam", "gap_um"): 0.0,
    ("tab_weld", "wear_loss_fraction"): 0.0,
    ("tabless_weld", "gap_median_um"): 0.0,  # bridging follows a law of probability, too
    ("tabless_weld", "spike_scale_fraction"): 0.001,  # of the deepest keyhole spikes; the least there is
    ("tabless_weld", "lot_focus_um"): 0.0,
    ("tabless_weld", "glass_loss_fraction"): 0.0,  # drifts between two changes of a part
    ("tabless_weld", "glass_focus_shift_um"): 0.0,
    ("tabless_weld", "lens_loss_fraction"): 0.0,
}
"""Sources of defects whose names do not say so, by step and parameter, and the value that is perfect."""


def defect_sources(step: Step) -> dict[str, float]:
    """Parameters of a step that make defects, and what they are in a perfect process.

    Where the range ends short of that (a geometric deviation above 1), the parameter shapes a law instead and is none.
    """
    found = {}
    for name in type(step.params).model_fields:
        value = getattr(step.params, name)
        perfect = OTHER_SOURCES.get((step.name, name))
        if perfect is None and DEFECTS.search(name) and not NO_DEFECTS.search(name):
            perfect = 1.0 if name.endswith("_gsd") else 0.0
        if perfect is None or isinstance(value, bool) or not isinstance(value, int | float | Ramped):
            continue
        try:
            with_params(step, **{name: perfect})
        except ValidationError:
            continue
        found[name] = perfect
    return found


def perfected(step: Step) -> Step:
    """The step without a source of defects, inspections as they are."""
    return with_params(step, **defect_sources(step))


def worsened(step: Step, name: str) -> Step | None:
    """The step with one source of defects three times as far from perfect, or as far as its range allows."""
    value, perfect = getattr(step.params, name), defect_sources(step)[name]
    for factor in (3.0, 2.0, 1.2):
        if isinstance(value, Ramped):
            worse: Any = {end: perfect + factor * (at - perfect) for end, at in value.model_dump().items()}
        else:
            worse = perfect + factor * (value - perfect)
        try:
            return with_params(step, **{name: worse})
        except ValidationError:
            continue
    return None


class Pilots:
    """Plants, and pilot lots on their way through them."""

    MATURITY = MATURITY
    codes_of = staticmethod(codes_of)
    with_params = staticmethod(with_params)
    defect_sources = staticmethod(defect_sources)
    perfected = staticmethod(perfected)
    worsened = staticmethod(worsened)

    @property
    def plants(self) -> dict[str, Scenario]:
        """By name, with short rolls."""
        return plants()

    @staticmethod
    def on_the_way(scenario: Scenario) -> list[Place]:
        """Places, each after those that give to it."""
        stations = [stop.node for stop in route(scenario.spec.line) if stop.is_station]
        return sorted(places(scenario.spec.line), key=lambda place: stations.index(place.station))

    def walk(
        self, scenario: Scenario, product: str, ordinal: int = ORDINAL, *, seed: int = 1, maturity: float = MATURITY,
        steps: dict[tuple[str, str], Step] | None = None, keep: bool = True,
    ) -> Iterator[Visit]:  # fmt: skip
        """One lot of each electrode down its branch, the cells made of them to the end.

        With `keep` all lots of a visit stay as they were then; without, they change on their way and `given` is empty.
        """
        lots = {name: source_lot(product, name, ordinal) for name in UNITS}
        cells: dict[str, Lot] = {}
        for place in self.on_the_way(scenario):
            step = (steps or scenario.steps)[place.key, product]
            material = getattr(step.params, "electrode", None)
            if isinstance(step, Merge):
                came = {name: lots[name] for name in step.takes}
            elif material is not None:
                came = {material: lots[material]}
            else:
                assert cells, "a step on cells stands before the one that makes them"
                came = cells
            given = copy.deepcopy(came) if keep else {}
            made = act(step, came, place, maturity, seed)
            work = step.work(made, maturity)
            if material is not None and not isinstance(step, Merge):
                lots[material] = made
            else:
                cells = {"cell": made}
            after = copy.deepcopy((came, made)) if keep else (came, made)  # in one, so that one lot stays one
            yield Visit(place, product, step, given, *after, work, maturity, seed)

    @cache  # noqa: B019 - there is one object
    def visits(self, plant: str) -> dict[tuple[str, str], Visit]:
        """Pilot lot 3 of a plant, by place and product. Not to be changed by tests."""
        scenario = plants()[plant]
        return {
            (visit.place.key, product): visit
            for product in scenario.spec.products
            for visit in self.walk(scenario, product)
        }

    def visits_by_step(self) -> dict[str, list[Visit]]:
        """All visits of all plants by the step's name."""
        found: dict[str, list[Visit]] = {}
        for plant in plants():
            for visit in self.visits(plant).values():
                found.setdefault(visit.step.name, []).append(visit)
        return found


@pytest.fixture(scope="session")
def pilots() -> Pilots:
    """Of the whole suite: walks are kept."""
    return Pilots()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    asked = set(metafunc.fixturenames)
    if {"plant", "at"} <= asked:
        metafunc.parametrize(("plant", "at"), list(every_place()))
    elif {"plant", "product"} <= asked:
        every = [(plant, product) for plant, scenario in plants().items() for product in scenario.spec.products]
        metafunc.parametrize(("plant", "product"), every)


def every_place() -> Iterable[Any]:
    for plant, scenario in plants().items():
        for place in places(scenario.spec.line):
            for product in scenario.spec.products:
                yield pytest.param(plant, (place.key, product), id=f"{plant}-{place.key}-{product}")


PER_ROLL_M = ("roll_loss_m", "threading_m", "start_up_m", "splice_m")


def shortened(step: Step) -> Step:
    """The step for rolls of two lanes and 60 m (or 14 pieces), which lose little at their ends."""
    if step.name == "dose":
        longer_m = max(step.design.cathode.length_m, step.design.anode.length_m)
        return with_params(step, lanes=2, roll_length_m=max(60.0, 14.0 * longer_m), charge_kg=5.0)
    return with_params(step, **{name: 1.0 for name in PER_ROLL_M if name in type(step.params).model_fields})


def all_columns() -> dict[str, np.ndarray[Any, Any]]:
    """Columns and exit codes of one short lot of each product after each place of all plants."""
    found = {}
    for plant, scenario in plants().items():
        for product in scenario.spec.products:
            steps = {key: shortened(step) for key, step in scenario.steps.items() if key[1] == product}
            for visit in Pilots().walk(scenario, product, steps=steps):
                for number, lot in enumerate((*visit.left.values(), visit.made)):
                    name = f"{plant}/{product}/{visit.place.key}/{number}"
                    found[f"{name}/exit_code"] = codes_of(lot)
                    found |= {f"{name}/{column}": values for column, values in lot.columns.items()}
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **all_columns())
