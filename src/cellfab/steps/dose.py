"""Dosing: powders are weighed into charges, enough for one mother roll.

What it models
    How much powder a roll needs, and how far the recipe of each charge is off: weighing errors of active powder,
    binder and carbon, the specific capacity of the powder lot that the charge comes from, and now and then a wrong
    recipe, found when the batch record is checked.
Equations
    kg = lanes x positions x coating per electrode x (1 + allowance); positions = floor(roll length / longer
    electrode), so that both polarities' rolls hold electrodes for the same number of cells. Each component's mass is
    its recipe's times 1 + cv z; fractions follow. Specific capacity = design x (1 + cv z), one z per powder lot of
    `powder_lot_kg`.
Range
    Charges of 30 to 500 kg; dry powder; errors small against the recipe.
Rows
    In: one empty lot from the source. Out: n charges; kg; columns charge_kg (kg), active_fraction, binder_fraction
    (mass fraction of the coating), specific_capacity_mah_per_g.
Left out
    Particle size, powder moisture, metallic contamination, loss-in-weight feeders, segregation in silos.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import ElectrodeStep, Work

mixing = AtFirstUse("mixing")

CHARGE_KG = column("charge_kg", "float32", "kg", "powder in the charge")
ACTIVE = column("active_fraction", "float32", "1", "true mass fraction of active material in the coating")
BINDER = column("binder_fraction", "float32", "1", "true mass fraction of binder in the coating")
SPECIFIC = column("specific_capacity_mah_per_g", "float32", "mAh/g", "true usable capacity of the active powder")
WRONG_RECIPE = cause("dose", "wrong_recipe", "wrong powder or recipe, found in the batch record")

_DECISIONS = ("active", "binder", "carbon", "recipe", "powder_lot")


class Dose(ElectrodeStep):
    """Weigh the powder of one mother roll into charges; see the module's text for the model."""

    name = "dose"
    writes = (CHARGE_KG, ACTIVE, BINDER, SPECIFIC)

    class Params(ElectrodeStep.Params):
        """Roll format, charge size and weighing errors."""

        lanes: Annotated[int, Field(ge=1, le=60)] = 14
        """Daughter rolls across the web: assumption (about 1.2 m of coated width for a 46xx cell)."""
        roll_length_m: Annotated[float, Field(gt=0.0, le=20_000.0)] = 3000.0
        """Web on a mother roll of 0.8 m outer and 0.15 m core diameter at 165 um: pi (D^2 - d^2) / (4 t)."""
        charge_kg: Annotated[float, Field(ge=1.0, le=5000.0)] = 150.0
        """Largest charge of the kneader: assumption, 30-500."""
        powder_allowance_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.09
        """Powder beyond what the roll holds, for film trim and edge strips: assumption, goes with `dry_film`."""
        active_dosing_cv: Annotated[Capability, within(0.0, 0.2)] = Ramped(start=0.003, mature=0.0015)
        """Weighing error of the active powder, 1 sigma: assumption, 0.05-0.3 %."""
        minor_dosing_cv: Annotated[Capability, within(0.0, 0.3)] = Ramped(start=0.01, mature=0.005)
        """Weighing error of binder and of carbon, 1 sigma: assumption, 0.2-1 %."""
        powder_capacity_cv: Annotated[Capability, within(0.0, 0.1)] = 0.005
        """Specific capacity from powder lot to powder lot, 1 sigma: assumption."""
        powder_lot_kg: Annotated[float, Field(gt=0.0, le=1e6)] = 10_000.0
        """Delivered lot of active powder, used up before the next is opened: assumption, 5-20 t."""
        wrong_recipe_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=1e-3, mature=1e-4)
        """Of a charge: assumption."""
        binder_material: str = "ptfe"
        """Name of the binder in `materials`."""
        carbon_material: str = "carbon"
        """Name of the conductive carbon in `materials`."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        super().__init__(params, design)
        electrode = self.electrode
        longer_m = max(design.cathode.length_m, design.anode.length_m)
        self._positions = math.floor(params.roll_length_m / longer_m)
        roll_kg = params.lanes * self._positions * electrode.piece_coating_kg
        self._total_kg = roll_kg * (1.0 + params.powder_allowance_fraction)
        self._charges = max(math.ceil(self._total_kg / params.charge_kg), 1)
        self._recipe = (electrode.active_fraction, electrode.binder_fraction, electrode.carbon_fraction)

    def review(self) -> Iterator[Remark]:
        """A roll must hold an electrode; charges are of a size that kneaders take."""
        params = self.params
        if self._positions < 1:
            yield Remark(
                "roll_length_m",
                f"a roll of {params.roll_length_m:g} m is shorter than one electrode"
                f" ({max(self.design.cathode.length_m, self.design.anode.length_m):g} m)",
                impossible=True,
            )
        if params.powder_allowance_fraction > 0.3:
            yield Remark(
                "powder_allowance_fraction",
                f"{100.0 * params.powder_allowance_fraction:.0f} % more powder than the roll holds is dosed: the rest"
                " of it comes back as powder",
            )
        if params.powder_lot_kg < self._total_kg:
            yield Remark(
                "powder_lot_kg",
                f"a delivery of {params.powder_lot_kg:g} kg does not fill one roll ({self._total_kg:.0f} kg), but each"
                " roll is taken to be of one delivery",
                hint="deliveries are 5-20 t",
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Fill an empty lot with charges."""
        self.expect(lot)
        now, electrode, n, total_kg = self.capabilities(maturity), self.electrode, self._charges, self._total_kg
        child = lot.child(draws.owner, n=n, unit="kg", amount=total_kg)
        columns, wrong = np.empty((4, n), np.float32), np.empty(n, np.bool_)
        powder_lot = int(lot.ordinal * total_kg // now["powder_lot_kg"])  # the one that is open by then
        dosed_kg = child.amount = mixing.weigh_charges(
            draws.keys(_DECISIONS), child.identity, powder_lot, now["active_dosing_cv"], now["minor_dosing_cv"],
            now["powder_capacity_cv"], now["wrong_recipe_probability"], *self._recipe, electrode.capacity_mah_per_g,
            total_kg / n, columns, wrong,
        )  # fmt: skip
        child.columns = dict(zip((CHARGE_KG, ACTIVE, BINDER, SPECIFIC), columns, strict=True))
        child.attributes |= {
            "lanes": float(now["lanes"]), "planned_positions": float(self._positions),
            "pieces_per_cell": float(electrode.pieces),
            "planned_m": self._positions * electrode.length_m,
            "kg_in": dosed_kg, "kg_good": dosed_kg, "kg_scrap": 0.0, "kg_returned": 0.0,
        }  # fmt: skip
        if child.scrap(wrong, WRONG_RECIPE):
            web.settle_charges(child)
        return child

    def work(self, lot: Lot, maturity: float) -> Work:
        """Powders weighed in."""
        columns, params = lot.columns, self.params
        kg = columns[CHARGE_KG].astype(np.float64)
        active = float((kg * columns[ACTIVE]).sum())
        binder = float((kg * columns[BINDER]).sum())
        carbon = float(kg.sum()) - active - binder
        if self.electrode.carbon_fraction == 0.0 or carbon < 0.0:
            active, carbon = active + carbon, 0.0  # shares have 32 bits: what rounding leaves over is no carbon
        return Work(
            materials={
                self.electrode.active_material: active,
                params.binder_material: binder,
                params.carbon_material: carbon,
            }
        )
