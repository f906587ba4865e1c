"""Pouch: the welded stack goes into its pouch, is tested for shorts while dry, sealed on three sides and leak-tested.

What it models
    Damage at insertion, all noticed. What ended up between the electrodes, and the high-voltage test of the dry cell
    that looks for it. Three of the four sides are sealed: too cold, coldest over the tabs that draw heat away, too hot,
    or with channels through dirt and wrinkles, more of them at the tabs. A leak test.
Equations
    Temperature between the sheets T_i = T_bar - (T_bar - T_0) (4 / pi) exp(-pi^2 alpha t / (4 d^2)) less the tabs'
    share; strength = plateau / (1 + exp(-(T - T_melt) / w)) / (1 + exp((T - T_squeeze) / w')); weak outside the window
    in which it is above the least, log10 leak per kelvin outside. Channels ~ Poisson(per metre x length + per tab),
    the worst of them P(<= x) = exp(-m exp(-x / mu)). Tests as in `cellfab.steps.leak_test` and
    `cellfab.steps.dry_cell`: detection f + (1 - f) c / (1 + exp(-(x - x_0) / w)).
Range
    Pouches of aluminium laminate with polypropylene sealant, 100-160 um; bars 150-230 degC. The fourth side is sealed
    for good by `degas`; until then it stays open into the gas bag, whose own seal is cut off and not modelled.
Rows
    In and out: cells. Adds particle_um (0: none) and leak; drops what nobody reads afterwards.
Left out
    Drawing of the laminate (pinholes, thinned corners), insulation of the laminate's cut edge, tab film, creep of seals
    with age, strength where the seal holds.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.causes import cause
from cellfab.core.cell_columns import JOINTS, LEAK
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.steps.base import Work
from cellfab.steps.dry_cell import DryCell
from cellfab.steps.heat_sealing import HeatSealing

INSERTION = cause("pouch", "insertion", "stack or pouch damaged at insertion")
LEAK_READ = cause("pouch", "dry_leak", "leak test of the dry pouch reads a leak")
HIGH_VOLTAGE = cause("pouch", "high_voltage", "current in the high-voltage test of the dry cell")
_SPENT = ("particles_in_roll", *(joint.particles for joint in JOINTS.values()))


class Pouch(DryCell, HeatSealing):
    """Insert, test, seal three sides and test again; see the module's text for the model."""

    name = "pouch"
    on_faces = tuple(joint.particles for joint in JOINTS.values())
    reads = (*DryCell.reads, *on_faces)
    writes = (*DryCell.writes, LEAK)

    class Params(DryCell.Params, HeatSealing.Params):
        """Insertion, seals, leak test, particles and the high-voltage test."""

        insertion_damage_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=5e-3, mature=5e-4)
        """Of a cell: assumption."""
        tab_draws_k: Annotated[float, Field(ge=0.0, le=200.0)] = 8.0
        """How much colder a seal stays over the tabs: assumption."""
        channels_per_tab_number: Annotated[Capability, within(0.0, 10.0)] = Ramped(start=1e-3, mature=1e-4)
        """Channels along the step that a tab makes in the seal: assumption."""
        leak_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.7
        """Ceiling for a gross leak of an open, dry pouch (pressure decay of the sealed sides, seal thickness):
        assumption."""
        gas_bag_mm: Annotated[float, Field(ge=0.0, le=1000.0)] = 60.0
        """Width of laminate that takes the gas and is cut off by `degas`: assumption."""
        seal_width_mm: Annotated[float, Field(gt=0.0, le=100.0)] = 8.0
        """Of laminate around the room, 5-10: assumption."""
        laminate_material: str = "pouch_laminate"
        """Name of the laminate in `materials` (m2)."""

    def colder_k(self) -> float:
        """The tabs draw heat from the seal."""
        return float(self.params.tab_draws_k)

    @property
    def seal_m(self) -> float:
        """Length of the three sides: both across and one along."""
        return 1e-3 * (self.pouch.length_mm + 2.0 * self.pouch.width_mm)

    def channels(self, maturity: float) -> float:
        """Mean number of channels of a cell, those at its two tabs included."""
        return float(super().channels(maturity) + 2.0 * self.at("channels_per_tab_number", maturity))

    @property
    def laminate_m2(self) -> float:
        """Both sheets of one cell, with seals and gas bag."""
        params, pouch = self.params, self.pouch
        along_mm = pouch.length_mm + 2.0 * params.seal_width_mm
        across_mm = pouch.width_mm + pouch.thickness_mm + 2.0 * params.seal_width_mm + params.gas_bag_mm
        return float(2e-6 * along_mm * across_mm)

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Insert, test, seal and test every cell."""
        lot.attributes["pouched_cells"] = float(lot.n_alive)
        self.test_dry(
            lot, draws, maturity, HIGH_VOLTAGE, fault_cause=INSERTION,
            fault_probability=self.at("insertion_damage_probability", maturity),
        )  # fmt: skip
        self.seal_edges(lot, draws, maturity)
        self.test_leaks(lot, draws, maturity, LEAK_READ)
        for name in _SPENT:
            lot.columns.pop(name, None)
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """Laminate of every cell that came."""
        return Work(materials={self.params.laminate_material: self.laminate_m2 * lot.attributes["pouched_cells"]})
