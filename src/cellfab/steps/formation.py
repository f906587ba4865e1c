"""Formation: the first charge and discharge. The cell gets its capacity here, and its shorts.

What it models
    Capacity from what upstream really made: the cathode's charge less the lithium that the first cycle consumes (by
    cell, by lot, by moisture, by PTFE at the anode), limited by the anode, less the dry part of the electrode. Direct
    resistance from roll, moisture and the two disc welds. Shorts by particles, burrs and separator faults, at once or
    days later. A cell that cannot hold its voltage, or gives back too little of its first charge, is rejected.
Equations
    First charge Q_1 = cathode areal capacity x area / efficiency by design. Q = min(Q_1 (eta + batch + cell - k_w (w
    - w_0)+) - q_PTFE m_PTFE, anode capacity) (1 - u) (1 + cv z). DCIR = R_roll (1 + cv z) (1 + k (w - w_0)+) + welds
    / (1 - torn) + R_terminal. Shorts: `cellfab.kernels.particles`. Efficiency read = (Q - V t / R) / Q_1, rejected
    below the expected efficiency less a margin. Electricity = charged / 0.90 - 0.75 discharged.
Range
    One charge and discharge; cells of 1-400 Ah; moisture up to 2000 ppm.
Rows
    In and out: cells in trays. Adds capacity_ah, first_cycle_efficiency, dcir_mohm, short_siemens (all shorts; 0:
    none), short_delay_d (days from first charge to the first of them), defects (bits of `cellfab.core.defects`); all
    that only matters to how the cell was made is dropped. Facts in `attributes`: rated_capacity_ah and
    rated_dcir_mohm of a cell exactly as designed; formation_charged_kwh and formation_discharged_kwh of all cells
    that came. Dictates the time a tray holds its channel.
Left out
    Gas and its volume, the voltage curve, temperature and pressure in the rack, current limits, contact faults of the
    needles, plating, capacity lost in the dry part for good, N/P balance beyond the smaller electrode.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.defects import DEFECTS
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.steps.base import Step, Work

if TYPE_CHECKING:
    from cellfab.kernels.formation import FirstCycleLaw

CAPACITY = column("capacity_ah", "float32", "Ah", "true capacity after formation")
EFFICIENCY = column("first_cycle_efficiency", "float32", "1", "true formation discharge over formation charge")
DCIR = column("dcir_mohm", "float32", "mohm", "true direct-current resistance")
SHORT = column("short_siemens", "float32", "S", "true conductance of the cell's internal shorts; 0: none")
DELAY = column("short_delay_d", "float32", "d", "days from first charge until the first short conducts")
HARD_SHORT = cause("formation", "hard_short", "cell does not hold its voltage")
LOW_EFFICIENCY = cause("formation", "low_efficiency", "first discharge gives back too little of the first charge")

_METALS_V = {"cu": 3.38, "fe": 2.60, "zn": 2.28}
"""Dissolution potentials against lithium: standard electrode potentials plus 3.04 V. Aluminium passivates."""


class Formation(Step):
    """Charge and discharge for the first time; see the module's text for the model."""

    name = "formation"
    reads = (
        "cathode_areal_mah_per_cm2", "anode_areal_mah_per_cm2", "anode_loading_mg_per_cm2", "anode_binder_fraction",
        "cathode_moisture_ppm", "anode_moisture_ppm", "cathode_burr_um", "anode_burr_um", "separator_fault",
        "particle_um", "unwetted_fraction", "cathode_weld_mohm", "anode_weld_mohm", "cathode_torn_fraction",
        "anode_torn_fraction", "cathode_weld_unfused", "anode_weld_unfused", "cathode_weld_burnt", "anode_weld_burnt",
        "overhang_mm", "leak",
    )  # fmt: skip
    writes = (CAPACITY, EFFICIENCY, DCIR, SHORT, DELAY, DEFECTS)
    kept = (*writes, "tray_position", "cathode_row", "anode_row")
    """A formed cell is what it is: the columns of how it was made are dropped, but for where it came from."""

    class Params(Step.Params):
        """Recipe, first-cycle loss, resistance and shorts."""

        channel_h: Annotated[float, Field(gt=0.0, le=500.0)] = 18.0
        """On the channel: NMC 16-28, LFP 14, sodium-ion 16 (PEM RWTH and VDMA 2018: up to 24)."""
        handling_h: Annotated[float, Field(ge=0.0, le=48.0)] = 0.5
        """Loading, contacting and unloading a tray: assumption."""
        batch_efficiency_sd_fraction: Annotated[Capability, within(0.0, 0.2)] = 0.004
        """First-cycle efficiency from lot to lot: typical of NMC and LFP with graphite; 0.010 with hard carbon."""
        cell_efficiency_sd_fraction: Annotated[Capability, within(0.0, 0.2)] = 0.0025
        """From cell to cell: typical of NMC and LFP with graphite; 0.006 with hard carbon."""
        moisture_free_ppm: Annotated[float, Field(ge=0.0, le=5000.0)] = 250.0
        """Water that the design allows for: NMC 250, LFP 400: vendors' electrode specifications."""
        moisture_loss_fraction_per_ppm: Annotated[float, Field(ge=0.0, le=0.01)] = 3e-5
        """Irreversible loss per ppm beyond (LiPF6 hydrolysis and film growth): assumption."""
        moisture_resistance_fraction_per_ppm: Annotated[float, Field(ge=0.0, le=0.01)] = 2e-4
        """Resistance per ppm beyond: assumption."""
        anode_binder_loss_mah_per_g: Annotated[float, Field(ge=0.0, le=2000.0)] = 300.0
        """Charge that PTFE consumes at the anode, 150-800: fluorine abstraction is documented, the value an
        assumption. 0 for CMC/SBR. It adds to the loss in the design's first-cycle efficiency."""
        capacity_cv: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.004, mature=0.002)
        """What the modelled causes leave unexplained: assumption."""
        roll_mohm: Annotated[float, Field(gt=0.0, le=1000.0)] = 4.5
        """Resistance of the roll with its electrolyte (10 s pulse): assumption, 5 mOhm for a 46xx cell in all."""
        roll_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.05, mature=0.02)
        """From cell to cell: typical spreads of 2 % mature, 3-8 % on a new line."""
        terminal_mohm: Annotated[float, Field(ge=0.0, le=100.0)] = 0.15
        """Can, terminal and rivet: assumption."""
        rated_weld_mohm: Annotated[float, Field(ge=0.0, le=100.0)] = 0.062
        """Of one sound disc, for the rated resistance: eight sound seams of 0.4 mOhm with 4 % pores, and spreading."""
        cathode_potential_v: Annotated[float, Field(ge=1.0, le=6.0)] = 3.8
        """Against lithium at rest after the first charge: NMC 3.8-4.3, LFP 3.45, NFPP 3.3; open-circuit curves."""
        cu_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.35
        """Of the particles, by metal: assumption; the rest is aluminium, which does not dissolve."""
        fe_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.25
        """See `cu_share`."""
        zn_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.05
        """See `cu_share`."""
        on_cathode_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.30
        """Of the particles, on the cathode's face: assumption."""
        on_anode_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.30
        """On the anode's face: assumption; the rest lies at the edges."""
        piercing_ratio: Annotated[float, Field(gt=0.0, le=50.0)] = 1.5
        """Particle over separator at which half of them pierce it: assumption; x 1.3 for a ceramic coating."""
        piercing_width_ratio: Annotated[float, Field(gt=0.0, le=10.0)] = 0.2
        """Width of that logistic law: assumption."""
        bridge_um: Annotated[float, Field(gt=0.0, le=1000.0)] = 20.0
        """Smallest dissolving particle with enough metal to bridge the separator, 15-40: assumption."""
        bridge_delay_d: Annotated[float, Field(gt=0.0, le=1000.0)] = 3.0
        """Median days until the bridge, at 45 degC: assumption."""
        bridge_delay_gsd: Annotated[float, Field(gt=1.0, le=50.0)] = 3.0
        """Its geometric standard deviation: assumption."""
        burr_contact_probability: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
        """That a burr higher than the separator touches the other electrode: assumption."""
        fault_contact_probability: Annotated[float, Field(ge=0.0, le=1.0)] = 0.7
        """That a separator fault conducts: assumption."""
        fault_um: Annotated[float, Field(gt=0.0, le=1000.0)] = 60.0
        """Width of the contact it makes: assumption."""
        short_median_ohm: Annotated[float, Field(gt=0.0, le=1e7)] = 300.0
        """Of a 30 um particle, falling with its area: assumption."""
        short_gsd: Annotated[float, Field(gt=1.0, le=100.0)] = 6.0
        """Geometric standard deviation: assumption."""
        hard_short_ohm: Annotated[float, Field(gt=0.0, le=1e4)] = 1.0
        """Below, the cell does not hold its voltage: assumption."""
        efficiency_margin_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.02
        """Rejected when the efficiency read is this far below that expected of the lot: assumption, 4 sigma of cells
        and lots."""
        charge_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.90
        """Of a channel on charge: assumption."""
        recovered_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.75
        """Of the discharged energy fed to other channels; 0.4-0.6 documented, 0.8-0.9 claimed by vendors."""
        dry_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.02
        """Dry share from which a cell counts as under-wetted: assumption."""

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Form every cell."""
        from cellfab.kernels.formation import first_cycle, resistance

        columns, n = lot.columns, lot.n
        batch = self.at("batch_efficiency_sd_fraction", maturity) * float(draws.normal("batch_efficiency", lot, 1)[0])
        law = self._law(batch, maturity)
        siemens, delay = self._shorts(lot, draws)
        capacity, efficiency, dcir = (np.empty(n, np.float32) for _ in range(3))
        reason = np.empty(n, np.uint8)
        ppm = columns["cathode_moisture_ppm"], columns["anode_moisture_ppm"]
        charged_ah, discharged_ah = first_cycle(
            law, draws.normals(("efficiency", "capacity"), lot), columns["cathode_areal_mah_per_cm2"],
            columns["anode_areal_mah_per_cm2"], columns["anode_loading_mg_per_cm2"], columns["anode_binder_fraction"],
            *ppm, columns["unwetted_fraction"], siemens, delay, lot.alive(), capacity, efficiency, reason,
        )  # fmt: skip
        resistance(
            law, draws.normal("roll", lot), *ppm, columns["cathode_weld_mohm"], columns["anode_weld_mohm"],
            columns["cathode_torn_fraction"], columns["anode_torn_fraction"], dcir,
        )  # fmt: skip
        columns.update(zip((CAPACITY, EFFICIENCY, DCIR), (capacity, efficiency, dcir), strict=True))
        self._mark_defects(lot)

        kwh_per_ah = self.design.nominal_voltage_v * 1e-3
        facts = lot.attributes
        facts["rated_capacity_ah"] = self.rated_capacity_ah
        facts["rated_dcir_mohm"] = self.params.roll_mohm + self.params.terminal_mohm + 2.0 * self.params.rated_weld_mohm
        facts["formation_charged_kwh"] = charged_ah * kwh_per_ah
        facts["formation_discharged_kwh"] = discharged_ah * kwh_per_ah
        lot.scrap_each(reason, (HARD_SHORT, LOW_EFFICIENCY))
        for name in [name for name in columns if name not in self.kept]:
            del columns[name]
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """Time of a tray on its channels, and electricity of all cells that came."""
        from cellfab.kernels.formation import grid_energy_kwh

        params, facts = self.params, lot.attributes
        energy = grid_energy_kwh(
            facts["formation_charged_kwh"], facts["formation_discharged_kwh"],
            params.charge_efficiency, params.recovered_fraction,
        )  # fmt: skip
        return Work(seconds=3600.0 * (params.channel_h + params.handling_h), energy_kwh=energy)

    @cached_property
    def charge_ah(self) -> float:
        """First charge of a cell exactly as designed."""
        return self.design.capacity_ah / self.design.first_cycle_efficiency

    @cached_property
    def rated_capacity_ah(self) -> float:
        """Capacity of a cell exactly as designed: the cathode's, less what the anode's binder consumes."""
        from cellfab.kernels.formation import binder_loss_ah

        anode = self.design.anode
        loss_ah = binder_loss_ah(anode.coating_kg, anode.binder_fraction, self.params.anode_binder_loss_mah_per_g)
        return min(self.design.capacity_ah - loss_ah, anode.capacity_ah)

    @cached_property
    def dissolving_share(self) -> float:
        """Share of the particles that dissolve on this cathode."""
        from cellfab.kernels.particles import dissolution_probability

        total = 0.0
        for metal, volt in _METALS_V.items():
            share = getattr(self.params, f"{metal}_share")
            total += share * dissolution_probability(self.params.cathode_potential_v, volt)
        return total

    def _law(self, batch: float, maturity: float) -> FirstCycleLaw:
        """Constants of a lot whose efficiency is off by `batch`."""
        from cellfab.kernels.formation import FirstCycleLaw

        params, design = self.params, self.design
        cathode, anode = design.cathode, design.anode
        return FirstCycleLaw(
            charge_per_areal=10.0 * cathode.area_m2 / design.first_cycle_efficiency,
            efficiency=design.first_cycle_efficiency + batch,
            efficiency_sd=float(self.at("cell_efficiency_sd_fraction", maturity)),
            moisture_free_ppm=float(params.moisture_free_ppm),
            moisture_loss=float(params.moisture_loss_fraction_per_ppm),
            moisture_resistance=float(params.moisture_resistance_fraction_per_ppm),
            binder_loss=0.01 * anode.area_m2 * params.anode_binder_loss_mah_per_g,
            most_per_areal=10.0 * anode.area_m2,
            capacity_cv=float(self.at("capacity_cv", maturity)),
            roll_mohm=float(params.roll_mohm),
            roll_cv=float(self.at("roll_cv", maturity)),
            terminal_mohm=float(params.terminal_mohm),
            hard_siemens=1.0 / params.hard_short_ohm,
            leak_ah=design.nominal_voltage_v * params.channel_h,
            least_efficiency=self.rated_capacity_ah / self.charge_ah + batch - params.efficiency_margin_fraction,
        )

    def _mark_defects(self, lot: Lot) -> None:
        from cellfab.kernels.formation import hidden_defects

        columns, design = lot.columns, self.design
        defects = np.empty(lot.n, np.uint8)
        hidden_defects(
            columns[SHORT], columns["cathode_weld_unfused"] | columns["anode_weld_unfused"],
            columns["cathode_weld_burnt"] | columns["anode_weld_burnt"], columns["separator_fault"],
            columns["overhang_mm"], columns["unwetted_fraction"], columns["leak"],
            columns["cathode_areal_mah_per_cm2"] * np.float32(design.cathode.area_m2),
            columns["anode_areal_mah_per_cm2"] * np.float32(design.anode.area_m2),
            float(self.params.dry_fraction), defects,
        )  # fmt: skip
        columns[DEFECTS] = defects

    def _shorts(self, lot: Lot, draws: Draws) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        from cellfab.kernels.particles import ShortLaw, soft_shorts

        params, columns = self.params, lot.columns
        law = ShortLaw(
            separator_um=float(self.design.separator_um),
            mechanical_midpoint=float(params.piercing_ratio),
            mechanical_width=float(params.piercing_width_ratio),
            on_cathode=float(params.on_cathode_share),
            on_anode=float(params.on_anode_share),
            dissolving=float(self.dissolving_share),
            bridge_um=float(params.bridge_um),
            delay_median_d=float(params.bridge_delay_d),
            delay_log_sd=math.log(params.bridge_delay_gsd),
            burr_contact=float(params.burr_contact_probability),
            fault_contact=float(params.fault_contact_probability),
            resistance_median_ohm=float(params.short_median_ohm),
            resistance_reference_um=30.0,
            resistance_log_sd=math.log(params.short_gsd),
            fault_um=float(params.fault_um),
        )
        siemens, delay = np.empty(lot.n, np.float32), np.empty(lot.n, np.float32)
        soft_shorts(
            law, columns["particle_um"], columns["cathode_burr_um"], columns["anode_burr_um"],
            columns["separator_fault"], draws.key("shorts"), lot.identity, siemens, delay,
        )  # fmt: skip
        lot.columns[SHORT] = siemens
        lot.columns[DELAY] = delay
        return siemens, delay
