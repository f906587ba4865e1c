"""Formation: the first charge and discharge. The cell gets its capacity here, and its shorts.

What it models
    Capacity from what upstream really made: the cathode's charge less the lithium that the first cycle consumes (by
    cell, by lot, by moisture, by PTFE at the anode), limited by the anode, less the dry part of the electrode. Direct
    resistance from roll, moisture and the foil joints. Gas of the first charge. Cells that will plate metal on charge
    because the anode is locally too small, cold, dense or dry. Soft shorts of two populations: mechanical ones, by
    particles that pierce the separator, burrs and separator faults, at once; and chemical ones, by metals on the
    cathode's face that dissolve at its potential and grow back as a bridge days later. A cell that cannot hold its
    voltage, or gives back too little of its first charge, is rejected.
Equations
    Q = min(Q_c (eta + batch + cell - k_w (w - w_0)+) - q_PTFE m_PTFE, anode capacity) (1 - u) (1 + cv z), Q_c = cathode
    areal capacity x area / efficiency by design; first charge Q_1 = Q_c (1 - u): what is dry takes none. DCIR = R_roll
    (1 - s + s / 2 sum (e / e_design)^-1.5) (1 + cv z) (1 + k (w - w_0)+) + joints / (1 - torn) + R_terminal, e the
    electrodes' porosities. Gas = Q_c (g (1 + cv z) + g_w (w - w_0)+). Plating where N/P min(1, (1 - d_anode) / (1 -
    d_cathode)) < 1.00 + 0.02 C + 0.003 (15 degC - T)+ + 0.5 (0.25 - anode porosity)+ + margin, N/P the lowest of the
    cell's pieces and d the loading missing at the edges, and with probability 1 - exp(-20 u), or at a hole of
    `plating_hole_mm` in the anode with one of its own; its tail in closed form
    `cellfab.kernels.formation_theory.share_below`. Shorts: `cellfab.kernels.particles`; a metal dissolves with
    probability 1 / (1 + exp(-(E_cathode - E_metal - 0.10 V) / 0.05 V)), its bridge takes lognormal days at the
    temperature of warm storage. Efficiency read = (Q - V t / R) / Q_1, rejected below the expected efficiency less a
    margin. Electricity of the cells really there = charged / 0.90 - 0.60 discharged: the first charge Q_1, further
    cycles of Q each, and the charge with which cells go into ageing.
Range
    One charge and discharge between the cell's voltage limits; cells of 1-400 Ah; moisture up to 2000 ppm; C-rate of
    the end of a charge 0.05-1, 0-60 degC. Any chemistry: it is parameters and the design's first-cycle efficiency.
    Published sets, efficiency (its spread from cell to cell / lot to lot), cathode potential, channel time, gas: NMC
    811 and graphite 0.875 (0.0025 / 0.004), 3.8 V, 18 h, 0.8 mL/Ah, the defaults; LFP and graphite 0.90 (0.0025 /
    0.004), 3.45 V, 14 h, 0.6; NFPP and hard carbon 0.82 (0.006 / 0.010), 3.3 V, 16 h, 1.0, plating_margin_ratio 0.02.
    Without PTFE in the anode anode_binder_loss_mah_per_g is 0.
Rows
    In and out: cells in trays. Adds capacity_ah, first_cycle_efficiency, dcir_mohm, gas_ml (at 25 degC and 1 bar),
    short_siemens (all shorts; 0: none), short_delay_d (days at 45 degC from first charge to the first of them),
    rewelded (1 where a joint was made twice), defects (bits of `cellfab.core.defects`); all that only matters to how
    the cell was made is dropped. Reads cathode_edge_thinning_fraction, anode_edge_thinning_fraction, anode_hole_mm and
    SIDE_weld_rewelded where they are. Facts in `attributes`: rated_capacity_ah and rated_dcir_mohm of a cell exactly as
    designed; formation_charged_kwh and formation_discharged_kwh of all cells that came; shorts_mechanical and
    shorts_chemical, cells with either. Dictates the time a tray holds its channel.
Left out
    The voltage curve (the charge voltage is checked, not followed), heat and pressure in the rack, contact faults of
    the needles, polarisation (1-2 % of the energy), what plating costs in capacity, capacity lost in the dry part for
    good. What is rejected is really bad: voltage and charge are read without error, so there are no false rejects here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.defects import DEFECTS
from cellfab.core.draws import Draws
from cellfab.core.joining import HOLE
from cellfab.core.lot import Lot
from cellfab.core.web import exit_codes, scrapped
from cellfab.kernels import AtFirstUse
from cellfab.kernels.formation_theory import binder_loss_ah, grid_energy_kwh, plating_np_ratio
from cellfab.steps.base import Step, Work, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.formation import FirstCycleLaw
    from cellfab.kernels.forming import HiddenLaw
    from cellfab.kernels.particles import ShortLaw

formation = AtFirstUse("formation")
forming = AtFirstUse("forming")
particles = AtFirstUse("particles")

CAPACITY = column("capacity_ah", "float32", "Ah", "true capacity after formation")
EFFICIENCY = column("first_cycle_efficiency", "float32", "1", "true formation discharge over formation charge")
DCIR = column("dcir_mohm", "float32", "mohm", "true direct-current resistance")
SHORT = column("short_siemens", "float32", "S", "true conductance of the cell's internal shorts; 0: none")
DELAY = column("short_delay_d", "float32", "d", "days at 45 degC from first charge until the first short conducts")
GAS = column("gas_ml", "float32", "mL", "true gas of the first charge, at 25 degC and 1 bar")
REWELDED = column("rewelded", "uint8", "1", "1 where a foil joint of the cell was welded twice")
HARD_SHORT = cause("formation", "hard_short", "cell does not hold its voltage")
LOW_EFFICIENCY = cause("formation", "low_efficiency", "first discharge gives back too little of the first charge")
_CODES = np.array([HARD_SHORT, LOW_EFFICIENCY], np.int16)
_STREAMS = ("cells", "shorts", "dry_plating", "hole_plating")
_ELECTRODES = (
    "cathode_areal_mah_per_cm2", "anode_areal_mah_per_cm2", "anode_loading_mg_per_cm2", "anode_binder_fraction",
    "cathode_moisture_ppm", "anode_moisture_ppm", "cathode_porosity", "anode_porosity", "least_np_ratio",
)  # fmt: skip
_WHERE_KNOWN = ("cathode_edge_thinning_fraction", "anode_edge_thinning_fraction", HOLE)
_ASSEMBLY = (
    "unwetted_fraction", "overhang_mm", "leak", "particle_um", "cathode_burr_um", "anode_burr_um", "separator_fault",
    "cathode_weld_mohm", "anode_weld_mohm", "cathode_torn_fraction", "anode_torn_fraction", "cathode_weld_unfused",
    "anode_weld_unfused", "cathode_weld_burnt", "anode_weld_burnt",
)  # fmt: skip
"""Columns of a cell in the order in which the kernel takes them."""

_PUBLISHED_EFFICIENCY = {"graphite": (0.82, 0.93), "hard_carbon": (0.76, 0.88)}
"""First-cycle efficiencies of full cells seen in the literature, by what takes up the lithium or sodium: NMC against
graphite with a few percent of silicon to LFP; NFPP and layered oxides."""
_ANY_EFFICIENCY = (0.76, 0.93)
_PUBLISHED_C_RATE = (0.02, 0.5)
"""Of pre-charge and first charge: kiprobatt.de after PEM RWTH and VDMA 2018; machine-builders' guides."""
_METALS_V = {"cu": 3.38, "fe": 2.60, "zn": 2.28}
"""Dissolution potentials against lithium: standard electrode potentials plus 3.04 V. Aluminium passivates."""


class Formation(Step):
    """Charge and discharge for the first time; see the module's text for the model."""

    name = "formation"
    reads = (*_ELECTRODES, *_ASSEMBLY)
    writes = (CAPACITY, EFFICIENCY, DCIR, GAS, SHORT, DELAY, REWELDED, DEFECTS)
    kept = frozenset((*writes, "tray_position", "cathode_row", "anode_row", "leak", "electrolyte_g", "downgraded"))
    """A formed cell is what it is: the columns of how it was made are dropped, but for where it came from."""

    class Params(Step.Params):
        """Recipe, first-cycle loss, resistance and shorts."""

        channel_h: Annotated[float, Field(gt=0.0, le=500.0)] = 18.0
        """On the channel: NMC 16-28, LFP 14, sodium-ion 16 (PEM RWTH and VDMA 2018: up to 24)."""
        handling_h: Annotated[float, Field(ge=0.0, le=48.0)] = 0.5
        """Loading, contacting and unloading a tray: assumption."""
        charge_voltage_v: Annotated[float | None, Field(gt=0.0, le=10.0)] = None
        """Up to which the cell is charged; none: to the upper limit of the design."""
        charge_c_rate: Annotated[float, Field(gt=0.0, le=20.0)] = 0.1
        """Of the first charge, 0.1-0.5 (kiprobatt.de after PEM RWTH and VDMA 2018)."""
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
        gas_ml_per_ah: Annotated[float, Field(ge=0.0, le=20.0)] = 0.8
        """Of the first charge: NMC 0.8, LFP 0.6, hard carbon 1.0; typical 0.3-2."""
        gas_cv: Annotated[float, Field(ge=0.0, le=0.25)] = 0.15
        """From cell to cell: assumption."""
        gas_ml_per_ah_ppm: Annotated[float, Field(ge=0.0, le=0.1)] = 2e-4
        """More gas per ppm of water beyond `moisture_free_ppm`: assumption."""
        plating_c_rate: Annotated[float, Field(ge=0.0, le=5.0)] = 0.4
        """At the end of a charge in use, where the voltage limit is reached: assumption, 0.3-0.5."""
        plating_temperature_c: Annotated[float, Field(ge=-40.0, le=80.0)] = 25.0
        """Of that charge: assumption."""
        plating_margin_ratio: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
        """More N/P for anodes near the metal's potential: hard carbon 0.02, assumption."""
        plating_hole_mm: Annotated[float, Field(ge=0.0, le=100.0)] = 1.0
        """Smallest hole in the anode's coating that the coating around it cannot serve: assumption, ten times its
        thickness, 0.5-2."""
        hole_plating_probability: Annotated[Capability, within(0.0, 1.0)] = 0.1
        """That metal plates at such a hole: assumption."""
        capacity_cv: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.004, mature=0.002)
        """What the modelled causes leave unexplained: assumption."""
        roll_mohm: Annotated[float, Field(gt=0.0, le=1000.0)] = 4.5
        """Resistance of the roll with its electrolyte (10 s pulse): assumption, 5 mOhm for a 46xx cell in all."""
        roll_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.047, mature=0.017)
        """From cell to cell, besides porosity: typical spreads are 2 % mature, 3-8 % on a new line, in all."""
        pore_resistance_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.3
        """Of the roll's resistance, that of the electrolyte in the pores: assumption, 0.1-0.5."""
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
        efficiency_margin_fraction: Annotated[float, Field(gt=0.0, le=1.0), Threshold()] = 0.02
        """Rejected when the efficiency read is this far below that expected of the lot: assumption, 4 sigma of cells
        and lots."""
        charge_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.90
        """Of a channel on charge: assumption."""
        recovered_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.60
        """Of the discharged energy, fed to other channels: assumption; 0.4-0.6 documented, 0.8-0.9 claimed."""
        further_cycles: Annotated[int, Field(ge=0, le=20)] = 0
        """Charges and discharges after the first: energy only, `channel_h` has their time. Recipes of one cycle are
        usual, of two or three not rare: assumption."""
        storage_charge_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.3
        """Of its capacity, with which a cell goes into ageing: assumption; 0.3 is also what may be flown (IATA)."""
        dry_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.02
        """Dry share from which a cell counts as under-wetted: assumption."""

    def review(self) -> Iterator[Remark]:
        """Voltage limits, rate against time, published efficiencies, and the anode's reserve against plating."""
        params, design = self.params, self.design
        volt = design.upper_voltage_v if params.charge_voltage_v is None else params.charge_voltage_v
        if not design.lower_voltage_v < volt <= design.upper_voltage_v:
            yield Remark(
                "charge_voltage_v",
                f"formation charges to {volt:g} V, outside the cell's limits of {design.lower_voltage_v:g} to"
                f" {design.upper_voltage_v:g} V",
                impossible=True,
                hint=f"charge to at most {design.upper_voltage_v:g} V, or leave the parameter out",
            )
        slowest, fastest = _PUBLISHED_C_RATE
        if not slowest <= params.charge_c_rate <= fastest:
            yield Remark(
                "charge_c_rate",
                f"a first charge at {params.charge_c_rate:g} C is outside the published {slowest:g} to {fastest:g} C",
            )
        charge_h = 1.0 / params.charge_c_rate
        if charge_h > params.channel_h:
            yield Remark(
                "channel_h",
                f"a full charge at {params.charge_c_rate:g} C takes {charge_h:.1f} h, but a tray holds its channel for"
                f" {params.channel_h:g} h",
                hint="a higher charge_c_rate or a longer channel_h",
            )
        low, high = _PUBLISHED_EFFICIENCY.get(design.anode.active_material, _ANY_EFFICIENCY)
        if not low <= design.first_cycle_efficiency <= high:
            yield Remark(
                "design.first_cycle_efficiency",
                f"a first-cycle efficiency of {design.first_cycle_efficiency:g} is outside the {low:g} to {high:g}"
                f" published for cells with an anode of {design.anode.active_material}",
            )
        critical = plating_np_ratio(
            params.plating_c_rate, params.plating_temperature_c, design.anode.porosity, params.plating_margin_ratio
        )
        if design.np_ratio < critical:
            yield Remark(
                "plating_c_rate",
                f"N/P {design.np_ratio:.3f} by design is below {critical:.3f}, under which the anode plates at"
                f" {params.plating_c_rate:g} C and {params.plating_temperature_c:g} degC with a porosity of"
                f" {design.anode.porosity:.2f}",
                hint="a larger or more porous anode, or a slower end of charge",
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Form every cell."""
        columns, n, facts = lot.columns, lot.n, lot.attributes
        batch = self.at("batch_efficiency_sd_fraction", maturity) * float(draws.normal("batch_efficiency", lot, 1)[0])
        made = {name: np.empty(n, np.float32) for name in (CAPACITY, EFFICIENCY, DCIR, GAS, SHORT, DELAY)}
        defects = np.empty(n, np.uint16)
        found = forming.form_cells(
            *self._laws(maturity), batch, *map(draws.key, _STREAMS), lot.identity,
            *map(columns.__getitem__, _ELECTRODES), *self._where_known(lot), *map(columns.__getitem__, _ASSEMBLY),
            _CODES, exit_codes(lot), *made.values(), defects,
        )  # fmt: skip
        rewelded = self._rewelded(lot)
        lot.columns = {name: values for name, values in columns.items() if name in self.kept}
        lot.columns |= made
        lot.columns[REWELDED], lot.columns[DEFECTS] = rewelded, defects
        kwh_per_ah = self.design.nominal_voltage_v * 1e-3
        facts["rated_capacity_ah"] = self.rated_capacity_ah
        facts["rated_dcir_mohm"] = self.params.roll_mohm + self.params.terminal_mohm + 2.0 * self.params.rated_weld_mohm
        facts["formation_charged_kwh"] = found.charged_ah * kwh_per_ah
        facts["formation_discharged_kwh"] = found.discharged_ah * kwh_per_ah
        facts["shorts_mechanical"] = float(found.shorts - found.later)
        facts["shorts_chemical"] = float(found.later)
        scrapped(lot, (HARD_SHORT, found.hard_shorts), (LOW_EFFICIENCY, found.low_efficiency))
        return lot

    @staticmethod
    def _where_known(lot: Lot) -> tuple[npt.NDArray[np.float32], ...]:
        """Thinning of both electrodes' edges, and holes; none where no step noted them."""
        given = tuple(lot.columns.get(name) for name in _WHERE_KNOWN)
        return tuple(np.zeros(lot.n, np.float32) if values is None else values for values in given)

    @property
    def recipe_seconds(self) -> float:
        """On the channels, and to and from them."""
        hours: float = self.params.channel_h + self.params.handling_h
        return 3600.0 * hours

    def work(self, lot: Lot, maturity: float) -> Work:
        """Time of a tray on its channels, and electricity of the cells that were alive when they came."""
        params, facts = self.params, lot.attributes
        stored = facts["formation_discharged_kwh"]
        energy = grid_energy_kwh(
            facts["formation_charged_kwh"] + (params.further_cycles + params.storage_charge_fraction) * stored,
            (1 + params.further_cycles) * stored, params.charge_efficiency, params.recovered_fraction,
        )  # fmt: skip
        return Work(seconds=self.recipe_seconds, energy_kwh=energy)

    @cached_property
    def charge_ah(self) -> float:
        """First charge of a cell exactly as designed."""
        return self.design.capacity_ah / self.design.first_cycle_efficiency

    @cached_property
    def rated_capacity_ah(self) -> float:
        """Capacity of a cell exactly as designed: the cathode's, less what the anode's binder consumes."""
        anode = self.design.anode
        loss_ah = binder_loss_ah(anode.coating_kg, anode.binder_fraction, self.params.anode_binder_loss_mah_per_g)
        return min(self.design.capacity_ah - loss_ah, anode.capacity_ah)

    @cached_property
    def dissolving_share(self) -> float:
        """Share of the particles that dissolve on this cathode."""
        total = 0.0
        for metal, volt in _METALS_V.items():
            share = getattr(self.params, f"{metal}_share")
            total += share * particles.dissolution_probability(self.params.cathode_potential_v, volt)
        return total

    def _law(self, maturity: float) -> FirstCycleLaw:
        """Constants of a lot as designed."""
        now, design = self.capabilities(maturity), self.design
        cathode, anode = design.cathode, design.anode
        rated = self.rated_capacity_ah / self.charge_ah
        law: FirstCycleLaw = formation.FirstCycleLaw(
            charge_per_areal=10.0 * cathode.area_m2 / design.first_cycle_efficiency,
            efficiency=design.first_cycle_efficiency,
            efficiency_sd=float(now["cell_efficiency_sd_fraction"]),
            moisture_free_ppm=float(now["moisture_free_ppm"]),
            moisture_loss=float(now["moisture_loss_fraction_per_ppm"]),
            moisture_resistance=float(now["moisture_resistance_fraction_per_ppm"]),
            binder_loss=0.01 * anode.area_m2 * now["anode_binder_loss_mah_per_g"],
            most_per_areal=10.0 * anode.area_m2,
            capacity_cv=float(now["capacity_cv"]),
            roll_mohm=float(now["roll_mohm"]),
            roll_cv=float(now["roll_cv"]),
            pore_share=float(now["pore_resistance_share"]),
            cathode_porosity=float(cathode.porosity),
            anode_porosity=float(anode.porosity),
            terminal_mohm=float(now["terminal_mohm"]),
            hard_siemens=1.0 / now["hard_short_ohm"],
            leak_ah=design.nominal_voltage_v * now["channel_h"],
            least_efficiency=rated - now["efficiency_margin_fraction"],
            gas_ml_per_ah=float(now["gas_ml_per_ah"]),
            gas_cv=float(now["gas_cv"]),
            gas_ml_per_ah_ppm=float(now["gas_ml_per_ah_ppm"]),
        )
        return law

    @staticmethod
    def _rewelded(lot: Lot) -> npt.NDArray[np.uint8]:
        """Cells with a joint made twice; none where no step noted it."""
        cathode, anode = map(lot.columns.get, ("cathode_weld_rewelded", "anode_weld_rewelded"))
        if cathode is not None and anode is not None:
            either: npt.NDArray[np.uint8] = cathode | anode
            return either
        only = anode if cathode is None else cathode
        return np.zeros(lot.n, np.uint8) if only is None else only

    def _hidden_law(self, maturity: float) -> HiddenLaw:
        params, design = self.params, self.design
        law: HiddenLaw = forming.HiddenLaw(
            plating_np_ratio=plating_np_ratio(
                params.plating_c_rate, params.plating_temperature_c, 1.0, params.plating_margin_ratio
            ),
            plating_hole_mm=float(params.plating_hole_mm),
            plates_at_hole=float(self.at("hole_plating_probability", maturity)),
            dry_fraction=float(params.dry_fraction),
            least_areal_ratio=design.cathode.area_m2 / design.anode.area_m2,
        )
        return law

    @once_per_maturity
    def _laws(self, maturity: float) -> tuple[FirstCycleLaw, ShortLaw, HiddenLaw]:
        """Constants of a lot, as the kernel wants them."""
        return self._law(maturity), self._short_law, self._hidden_law(maturity)

    @cached_property
    def _short_law(self) -> ShortLaw:
        params = self.params
        law: ShortLaw = particles.ShortLaw(
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
        return law
