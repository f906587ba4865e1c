"""What one good cell of a scenario is made of, from its design and steps: quantities for a static cost.

No lot is sent anywhere: coatings, foils and separator follow from the design, parts from which steps there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cellfab.config.batpac_spec import BillItem, CellQuantities, Loss, Price, Prices
from cellfab.config.cell_spec import CellDesign, ElectrodeDesign
from cellfab.scenario import Scenario
from cellfab.steps.base import ElectrodeStep, Step


class Used(NamedTuple):
    """A material in one cell: in the unit of its price."""

    material: str
    amount: float
    through: Loss


class Solvent(NamedTuple):
    """Of one electrode: evaporated per cell, kg, and whether it is recovered."""

    kg: float
    recovered: bool
    material: str


def cell_quantities(scenario: Scenario, product: str) -> CellQuantities:
    """Quantities and bill of materials of one cell of a product.

    Parameters
    ----------
    scenario : Scenario
        A plant.
    product : str
        One of its products.
    """
    design = scenario.spec.products[product].design
    steps = [step for (_, made), step in scenario.steps.items() if made == product]
    cathode, anode = (solvent_of(steps, name, electrode) for name, electrode in _electrodes(design))
    used = list(_used(design, steps))
    for solvent in (cathode, anode):
        if solvent.kg > 0.0:
            used.append(Used(solvent.material, solvent.kg, "solvent" if solvent.recovered else "powder"))
    bill: dict[str, BillItem] = {}
    for material, amount, through in used:
        # The same material may be used twice (binder of both electrodes), never with different losses.
        before = bill[material].amount if material in bill else 0.0
        bill[material] = BillItem(material=material, amount=before + amount, through=through)
    return CellQuantities(
        capacity_ah=design.capacity_ah,
        energy_wh=design.energy_wh,
        cathode_area_m2=design.cathode.area_m2,
        anode_area_m2=design.anode.area_m2,
        cathode_active_g=1e3 * design.cathode.coating_kg * design.cathode.active_fraction,
        anode_active_g=1e3 * design.anode.coating_kg * design.anode.active_fraction,
        cathode_solvent_g=1e3 * cathode.kg,
        anode_solvent_g=1e3 * anode.kg,
        recovered_solvent=cathode.recovered,
        bill=bill,
    )


def scenario_prices(scenario: Scenario, bill: dict[str, BillItem]) -> Prices:
    """Prices of the materials of a bill on the day the scenario starts.

    Raises
    ------
    ConfigError
        If a material has none.
    """
    spec = scenario.spec
    if spec.economics is None:
        scenario.resolved.fail(
            [scenario.resolved.problem("", "has no `economics`, so its prices have no currency year")]
        )
    missing = [name for name in bill if name not in spec.materials]
    if missing:
        scenario.resolved.fail(
            [scenario.resolved.problem("materials", f"'{name}' is in the cell and has no price") for name in missing]
        )
    start = spec.run.start_date
    materials = {
        name: Price(unit=spec.materials[name].unit, price_usd=spec.materials[name].price_usd.at(start)) for name in bill
    }
    return Prices(currency_year=spec.economics.currency_year, materials=materials)


def solvent_of(steps: list[Step], name: str, electrode: ElectrodeDesign) -> Solvent:
    """Solvent of an electrode: (1 - s) / s of its dry coating at solids fraction s; none without a coating step."""
    for step in steps:
        params: Any = step.params
        if isinstance(step, ElectrodeStep) and params.electrode == name and hasattr(params, "recovered_share"):
            solids = params.solids_fraction
            kg = electrode.coating_kg * (1.0 - solids) / solids
            return Solvent(kg, params.recovered_share > 0.0, params.solvent_material)
    return Solvent(0.0, False, "")


def _electrodes(design: CellDesign) -> tuple[tuple[str, ElectrodeDesign], ...]:
    return ("cathode", design.cathode), ("anode", design.anode)


def _used(design: CellDesign, steps: list[Step]) -> Iterator[Used]:
    """Everything but solvents."""
    for _, electrode in _electrodes(design):
        yield Used(electrode.active_material, electrode.coating_kg * electrode.active_fraction, "powder")
        yield Used(f"{electrode.foil}_foil", electrode.foil_area_m2, "foil")
    filled = False
    for step in steps:
        for field, amount in PARTS.items():
            if not hasattr(step.params, field):
                continue
            if field == "electrolyte_material":
                if filled:
                    continue
                filled = True
            material = getattr(step.params, field) or _default_name(step, field)
            quantity = amount(step, design)
            if quantity > 0.0:
                yield Used(material, quantity, _LOSSES.get(field, "cell"))


def _default_name(step: Any, field: str) -> str:
    return f"{_DEFAULTS[field]}_{step.foil}"


PARTS: dict[str, Callable[[Any, CellDesign], float]] = {
    "binder_material": lambda step, _: step.electrode.coating_kg * step.electrode.binder_fraction,
    "carbon_material": lambda step, _: step.electrode.coating_kg * step.electrode.carbon_fraction,
    "separator_material": lambda _, design: design.separator_area_m2,
    "tape_material": lambda step, _: float(step.params.tapes * step.bodies),
    "electrolyte_material": lambda _, design: design.electrolyte_kg,
    "can_material": lambda *_: 1.0,
    "lid_material": lambda *_: 1.0,
    "pin_material": lambda *_: 1.0,
    "tab_material": lambda *_: 1.0,
    "disc_material": lambda *_: 1.0,
    "laminate_material": lambda step, _: float(step.laminate_m2),
}
"""How much of what a step's `..._material` names goes into one cell; solvents are counted apart."""
_LOSSES: dict[str, Loss] = {
    "binder_material": "powder",
    "carbon_material": "powder",
    "separator_material": "separator",
    "electrolyte_material": "electrolyte",
}
_DEFAULTS = {"tab_material": "tab", "disc_material": "collector_disc"}
"""Names where the parameter is empty, before the foil's name."""
