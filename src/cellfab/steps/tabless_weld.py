"""Tabless weld: a laser welds the collector disc onto one kneaded face of the roll, in several seams.

What it models
    Seam by seam: penetration from absorbed power, speed and focus, with a keyhole threshold; the gap under the disc
    and whether melt bridges it; seams without fusion (open, or touching and resistive: false welds); keyhole spikes
    that burn through; spatter that falls onto the face. State of the head: lens ageing, the protective glass since
    its last change, and an offset per lot. Heat at the separator's edge. Inspection in the process; after an alarm
    the disc is welded again (once by default) and inspected again, and an alarm after the last round scraps the cell.
Equations
    depth = A P / (K (T_boil - T_0) G(Pe)), Pe = v a / (2 kappa), G = 2.1995 + 6.2962 Pe - 0.4994 Pe^2 + 0.0461 Pe^3,
    a = a_0 sqrt(1 + (dz / z_R)^2); keyhole if A_0 P / (rho c T_m sqrt(pi kappa v a^3)) > pi T_boil / T_m, else depth
    = 0.6 a. A P is the product of three normal factors (power, absorptivity, local), drawn as one number with its
    variance and skewness. Gap g lognormal, times the cell's gap_factor; bridged with probability 1 / (1 + exp((g / t -
    0.35) / 0.03)), t the disc. No fusion if p = depth - t - g < least, or not bridged; burnt through if depth (1 +
    Gumbel) - t - g > most. Seam resistance R_0 / ((1 - pores) min(1, max(0.3, (p - least) / full))), seams in
    parallel, plus spreading. Spatter ~ Poisson, thinned to what reaches the face, x 3 above four times the keyhole
    threshold or over a gap of t / 4. Severity of a seam without fusion x = 1 - p / least (1 if not bridged), seen with
    c / (1 + exp(-(x - x_0) / w)); burnt seams with a constant probability; a disc alarms with 1 - (1 - f) prod(1 -
    seen). A second weld closes all open seams with one probability. Separator damaged where the weld plane is nearer
    than sqrt(2 A P / v / (pi e rho c s dT)), s the solid share of the face.
Range
    Peclet number 0.1-3 (G within 12 % of the exact moving cylinder; 25-50 % high below 0.05); 1-64 seams; gaps below
    the disc's thickness. Published sets, power_w, speed_mm_per_s, spot_diameter_um, rayleigh_mm, absorptivity in
    keyhole and on the surface, least and most penetration: copper, green laser: 1250, 300, 150, 1.5, 0.65, 0.35, 30,
    250, the defaults; copper, infrared: 1300, 300, 70, 0.8, 0.55, 0.12, 30, 250, with absorptivity_cv 0.06 -> 0.04,
    local_cv 0.07 -> 0.05, spike_scale_fraction 0.08 -> 0.06, spatter_per_mm 0.15; aluminium, infrared: 1350, 500, 100,
    1.0, 0.60, 0.20, 40, 350. Head state: lot o on one of `heads` heads, welds since the last change = (o // heads) x
    cells per lot + row, so a lot's welds are a function of its names only.
Rows
    In: cells with gap_factor (1) and separator_distance_mm of the side, separator_fault. Out: the same rows, with
    weld_mohm, weld_depth_um (mean of the seams), weld_unfused and weld_burnt (seams, after rework), weld_particles
    (on the face) and weld_rewelded (1 after a second weld) of the side; separator_fault where it was scorched. Facts in
    `attributes`: discs used; reworked, cells welded again that live on; false_rejects, scrapped without a bad seam.
Left out
    Porosity of the single seam (its mean enters; its scatter moves the cell's resistance by less than 0.02 %),
    humping, heat from seam to seam and of second welds, burn-through by second welds, disc-to-can and terminal welds,
    drift of absorptivity with the disc's surface. Spikes and open gaps of one seam exclude each other.
Sources
    Depth: Lankalapalli, Tu and Gartner, J. Phys. D 29 (1996) 1831; Fabbro, J. Phys. D 43 (2010) 445501. Threshold:
    Hann, Iammi and Folkes, J. Phys. D 44 (2011) 445401; King et al., J. Mater. Process. Technol. 214 (2014) 2915.
    Heat: Carslaw and Jaeger, Conduction of Heat in Solids (1959), chapter 10. Windows: Yoo et al., J. Weld. Join. 42
    (2024). Gaps: EWI, gap tolerance during high-speed fibre laser welding. Spikes, spatter, rates: assumptions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import notes
from cellfab.core.causes import cause
from cellfab.core.cell_columns import JOINTS
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.core.web import exit_codes, note_false_rejects, scrapped
from cellfab.errors import ConfigError
from cellfab.kernels import AtFirstUse
from cellfab.kernels import laser_weld_theory as theory
from cellfab.steps.base import Step, Work, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.laser_weld import Head, SeamLaw

laser_weld = AtFirstUse("laser_weld")

_SIDES = ("cathode", "anode")
_COLUMNS = {
    side: (
        joint.mohm, column(f"{side}_weld_depth_um", "float32", "um", f"mean penetration of the {side} disc's seams"),
        joint.unfused, joint.burnt, joint.particles, joint.rewelded,
    )
    for side, joint in JOINTS.items()
}  # fmt: skip
_CAUSES = {
    side: (
        cause("tabless_weld", f"{side}_no_fusion", f"{side} disc: alarm for missing fusion after a second weld"),
        cause("tabless_weld", f"{side}_burn_through", f"{side} disc: burnt through"),
    )
    for side in _SIDES
}
_CODES = {side: np.array(causes, np.int16) for side, causes in _CAUSES.items()}
_READ = ("gap_factor", "separator_distance_mm")

_SAFE_GAP = 0.1
"""Gap over disc thickness that always bridges (EWI, gap tolerance during high-speed fibre laser welding)."""
_WELD_TO_SEPARATOR_MM = 2.0
"""From the weld plane to the separator, as `fold` leaves it by default: assumption, 1.2-3."""
_PUBLISHED = {
    "cu": {"power_w": (600.0, 2500.0), "speed_mm_per_s": (100.0, 800.0)},
    "al": {"power_w": (600.0, 2000.0), "speed_mm_per_s": (200.0, 1000.0)},
}
"""Copper: Yoo et al. (2024) and infrared single-mode practice; aluminium: practice (assumption)."""


class TablessWeld(Step):
    """Weld one disc per cell; see the module's text for the model. Defaults weld copper with a green laser."""

    name = "tabless_weld"
    reads = ("separator_fault", *(f"{side}_{name}" for side in _SIDES for name in _READ))
    writes = ("separator_fault", *(name for side in _SIDES for name in _COLUMNS[side]))
    """Of both sides; one weld reads and writes those of its own side."""

    class Params(Step.Params):
        """Laser, seams, joint and inspection of one side."""

        side: Literal["cathode", "anode"]
        """Which face is welded; the disc is of that electrode's foil metal."""
        power_w: Annotated[float, Field(gt=0.0, le=20_000.0)] = 1250.0
        """Laser power: green 1.6 kW at 300 mm/s was best on plated copper (Yoo et al., J. Weld. Join. 42 (2024));
        chosen for 0.12 mm penetration beyond a 0.2 mm disc."""
        speed_mm_per_s: Annotated[float, Field(gt=0.0, le=5000.0)] = 300.0
        """Travel speed: Yoo et al. (2024), range 100-800."""
        spot_diameter_um: Annotated[float, Field(gt=5.0, le=2000.0)] = 150.0
        """At focus; 150 green, 70-100 single-mode infrared: typical vendor data."""
        rayleigh_mm: Annotated[float, Field(gt=0.0, le=50.0)] = 1.5
        """Rayleigh length: assumption (1.5 green, 0.8-1.0 infrared)."""
        keyhole_absorptivity_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.65
        """In the keyhole, 0.45-0.8; multiple reflections (Gouffe, Rev. Opt. 24 (1945) 1); value an assumption."""
        surface_absorptivity_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.35
        """Cold surface, decides on the keyhole: copper 0.35-0.40 at 515 nm, 0.03-0.05 near 1 um; aluminium 0.20."""
        power_cv: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.015, mature=0.010)
        """Weld to weld: assumption."""
        absorptivity_cv: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.04, mature=0.025)
        """Weld to weld; infrared on copper 0.06 and 0.04: assumption."""
        local_cv: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.05, mature=0.03)
        """Local heat flow and surface; infrared on copper 0.07 and 0.05: assumption."""
        focus_sd_um: Annotated[Capability, within(0.0, 5000.0)] = Ramped(start=150.0, mature=60.0)
        """Focus position, 1 sigma: assumption."""
        gap_median_um: Annotated[Capability, within(0.0, 500.0)] = Ramped(start=22.0, mature=15.0)
        """Between disc and kneaded face: assumption (flatness of kneading and clamping)."""
        gap_gsd: Annotated[Capability, within(1.0, 5.0)] = Ramped(start=1.51, mature=1.46)
        """Seam to seam within a cell: assumption; with `fold`'s cell-to-cell 1.25 and 1.15, 1.6 and 1.5 in all."""
        seams: Annotated[int, Field(ge=1, le=64)] = 8
        """Per disc: assumption from patents on radial and arc seams, 4-16."""
        seam_mm: Annotated[float, Field(gt=0.0, le=200.0)] = 12.0
        """Length of a seam: assumption, 6-15."""
        least_penetration_um: Annotated[float, Field(gt=0.0, le=1000.0)] = 30.0
        """Below the interface, under which a seam does not hold: assumption (30 Cu, 40 Al)."""
        most_penetration_um: Annotated[float, Field(gt=0.0, le=5000.0)] = 250.0
        """Below the interface, above which it burns through: half the lower part (Yoo et al. 2024); 350 for Al."""
        spike_location_fraction: Annotated[float, Field(ge=-0.5, le=1.0)] = 0.05
        """Location of the Gumbel law of the deepest spike over the mean depth: assumption."""
        spike_scale_fraction: Annotated[Capability, within(0.001, 0.5)] = 0.03
        """Scale of that law: assumption; infrared on copper 0.08 ramping to 0.06."""
        bridge_midpoint_fraction: Annotated[float, Field(gt=0.0, le=2.0)] = 0.35
        """Gap over disc thickness that half the seams bridge: gap guides give 0.1 as safe and 0.3-0.4 as mostly
        failing (EWI, gap tolerance during high-speed fibre laser welding)."""
        bridge_width_fraction: Annotated[float, Field(gt=0.0, le=0.5)] = 0.03
        """Width of the logistic law: assumption."""
        seam_mohm: Annotated[float, Field(gt=0.0, le=100.0)] = 0.4
        """Sound seam of 12 mm (scaled with length): assumption, 0.1-1; brass lap joints have 0.13-0.17 mOhm (Brand et
        al., J. Energy Storage 1 (2015) 7)."""
        spreading_mohm: Annotated[float, Field(ge=0.0, le=100.0)] = 0.01
        """Spreading resistance of disc and flags: assumption."""
        pore_fraction: Annotated[float, Field(ge=0.0, lt=0.9)] = 0.04
        """Mean pore area of a seam; 0.12 infrared on copper: assumption."""
        full_penetration_um: Annotated[float, Field(gt=0.0, le=1000.0)] = 60.0
        """Beyond the least, for the full cross-section: assumption."""
        touching_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.7
        """Of the seams without fusion, those that conduct through contact spots: assumption."""
        touching_low_ratio: Annotated[float, Field(ge=1.0, le=1e4)] = 5.0
        """Least resistance of such a contact over a sound seam's: assumption."""
        touching_high_ratio: Annotated[float, Field(ge=1.0, le=1e6)] = 50.0
        """Largest: assumption."""
        spatter_per_mm: Annotated[Capability, within(0.0, 100.0)] = 0.02
        """Particles thrown: assumption; infrared makes 5-10 times as many (0.15)."""
        spatter_on_face_fraction: Annotated[Capability, within(0.0, 1.0)] = 0.02
        """Share that lands on the face of the roll: assumption, 0.005-0.1."""
        separator_limit_c: Annotated[float, Field(gt=25.0, le=500.0)] = 130.0
        """Shutdown of polyethylene; ceramic-coated polypropylene 165: separator data sheets."""
        pack_solid_fraction: Annotated[float, Field(gt=0.05, le=1.0)] = 0.75
        """Of the kneaded face: assumption, 0.55-0.9."""
        heads: Annotated[int, Field(ge=1, le=200)] = 2
        """Weld heads that share the lots: assumption."""
        lot_power_cv: Annotated[Capability, within(0.0, 0.2)] = Ramped(start=0.01, mature=0.003)
        """Offset of the head's power from lot to lot: assumption."""
        lot_focus_um: Annotated[Capability, within(0.0, 2000.0)] = Ramped(start=60.0, mature=20.0)
        """Offset of the head's focus from lot to lot, 1 sigma: assumption."""
        glass_interval_cells: Annotated[float, Field(gt=0.0)] = 70_000.0
        """Discs welded between changes of the protective glass: assumption, 24 h at one a second and 80 %."""
        glass_loss_fraction: Annotated[Capability, within(0.0, 0.9)] = Ramped(start=0.02, mature=0.01)
        """Power lost in a glass at the end of that interval: assumption."""
        glass_focus_shift_um: Annotated[Capability, within(0.0, 5000.0)] = Ramped(start=100.0, mature=40.0)
        """Thermal focus shift of a glass at the end of that interval: assumption."""
        lens_interval_cells: Annotated[float, Field(gt=0.0)] = 2_900_000.0
        """Discs between recalibrations of the head: assumption, 1000 h."""
        lens_loss_fraction: Annotated[Capability, within(0.0, 0.9)] = 0.02
        """Power lost in that time: assumption, 0-5 % per 1000 h."""
        false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.02, mature=0.01)
        """Per disc; photodiode with a threshold 2 %, with a trained classifier 1 %: assumption."""
        fusion_detection_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.90, mature=0.95)
        """Ceiling for a seam without fusion; a trained classifier reached 0.97 in the laboratory (J. Laser Appl. 34
        (2022) 042040)."""
        fusion_midpoint_fraction: Annotated[float, Field(ge=-5.0, le=5.0)] = 0.0
        """Severity (missing penetration over the least; 1 where the gap is not bridged) seen half as often:
        assumption."""
        fusion_width_fraction: Annotated[float, Field(gt=0.0, le=5.0)] = 0.1
        """Width of that logistic law: assumption."""
        burn_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.80
        """Of a burnt-through seam, by its scattered light (ASME J. Manuf. Sci. Eng. 144 (2022) 071004); value an
        assumption."""
        rework_success_probability: Annotated[Capability, within(0.0, 1.0)] = 0.8
        """That a second weld closes the open seams of a disc: assumption."""
        rework_rounds: Annotated[int, Field(ge=0, le=8)] = 1
        """How often a disc with an alarm is welded again before the cell is scrapped; 0: it is scrapped at once."""
        rework_spatter_ratio: Annotated[float, Field(ge=0.0, le=100.0)] = 2.0
        """Spatter of a second weld over that of the first: assumption."""
        disc_material: str = ""
        """Name of the disc in `materials` (pieces); default: collector_disc_cu or collector_disc_al."""

    def __init__(self, params: Params, design: CellDesign) -> None:
        super().__init__(params, design)
        self.side = params.side
        self.reads = ("separator_fault", *(f"{self.side}_{name}" for name in _READ))  # type: ignore[misc]
        self.foil = design.anode.foil if params.side == "anode" else design.cathode.foil
        self.disc_um = 1e3 * design.collector_disc_mm(self.foil)
        if self.disc_um <= 0.0:
            raise ConfigError(f"step 'tabless_weld' ({self.side} side): the design has no {self.foil} disc to weld")
        self.nominal = theory.nominal_weld(
            theory.METALS[self.foil],
            power_w=params.power_w,
            speed_m_per_s=1e-3 * params.speed_mm_per_s,
            radius_m=0.5e-6 * params.spot_diameter_um,
            keyhole_absorptivity=params.keyhole_absorptivity_fraction,
            surface_absorptivity=params.surface_absorptivity_fraction,
        )
        rise_k = params.separator_limit_c - (theory.AMBIENT_K - 273.15)
        self.scorch_mm = 1e3 * theory.overheated_distance_m(
            self.nominal.line_energy_j_per_m, rise_k, params.pack_solid_fraction, theory.METALS[self.foil]
        )
        """Distance from the weld plane within which the separator is damaged."""

    def review(self) -> Iterator[Remark]:
        """Whether a seam at nominal values melts, holds and does not burn through; what is unusual about it."""
        params, weld = self.params, self.nominal
        conduction_um = theory.CONDUCTION_DEPTH * 0.5 * params.spot_diameter_um
        keyhole = weld.enthalpy > weld.enthalpy_threshold
        inside_um = (weld.depth_um if keyhole else conduction_um) - self.disc_um
        if inside_um < params.least_penetration_um:
            why = (
                f"{params.power_w:g} W at {params.speed_mm_per_s:g} mm/s melt {weld.depth_um:.0f} um deep"
                if keyhole
                else f"{params.power_w:g} W at {params.speed_mm_per_s:g} mm/s have a normalised enthalpy"
                f" of {weld.enthalpy:.1f}, below the {weld.enthalpy_threshold:.1f} that opens a keyhole in {self.foil}:"
                f" the weld is a pool {conduction_um:.0f} um deep"
            )
            yield Remark(
                "power_w",
                f"{why}, but the disc of {self.disc_um:.0f} um and the least penetration need"
                f" {self.disc_um + params.least_penetration_um:.0f} um: no seam holds",
                impossible=True,
                hint="more power_w, a slower or narrower beam, or a thinner disc",
            )
        elif inside_um > params.most_penetration_um:
            yield Remark(
                "power_w",
                f"{params.power_w:g} W at {params.speed_mm_per_s:g} mm/s melt {weld.depth_um:.0f} um deep,"
                f" {inside_um:.0f} um below the disc, but seams burn through beyond {params.most_penetration_um:g} um:"
                " every seam does",
                impossible=True,
                hint="less power_w, a faster or wider beam, or a thicker disc",
            )
        gap_um = self.at("gap_median_um", 1.0)
        if gap_um > _SAFE_GAP * self.disc_um:
            yield Remark(
                "gap_median_um",
                f"a median gap of {gap_um:g} um is more than a tenth of the disc's {self.disc_um:.0f} um, up to which"
                " gaps are safe",
            )
        slowest, fastest = theory.PECLET_RANGE
        if not slowest <= weld.peclet <= fastest:
            yield Remark(
                "speed_mm_per_s",
                f"Peclet number {weld.peclet:.3f} (speed x beam radius / 2 diffusivity) is outside the {slowest:g} to"
                f" {fastest:g} for which the depth is within 12 % of the exact solution",
            )
        if self.scorch_mm > _WELD_TO_SEPARATOR_MM:
            yield Remark(
                "separator_limit_c",
                f"the separator passes {params.separator_limit_c:g} degC up to {self.scorch_mm:.2f} mm from the weld"
                f" plane, and usually lies {_WELD_TO_SEPARATOR_MM:g} mm from it",
                hint="less power_w per speed_mm_per_s, or a separator that bears more",
            )
        for name, (low, high) in _PUBLISHED[self.foil].items():
            value = getattr(params, name)
            if not low <= value <= high:
                yield Remark(name, f"{value:g} is outside the {low:g} to {high:g} published for {self.foil} foils")

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Weld and inspect the side's disc on every cell."""
        side, columns, n, facts = self.side, lot.columns, lot.n, lot.attributes
        facts[f"{side}_discs"] = float(lot.n_alive)
        resistance, depth = np.empty(n, np.float32), np.empty(n, np.float32)
        unfused, burnt, particles, rewelded = np.empty((4, n), np.uint8)
        streams = laser_weld.Streams(*map(draws.key, laser_weld.Streams._fields))
        found = laser_weld.weld_side(
            self.seam_law(maturity), self.head(lot, draws, maturity), streams, lot.identity, self.params.seams,
            columns[f"{side}_gap_factor"], columns[f"{side}_separator_distance_mm"], self.scorch_mm,
            columns["separator_fault"], resistance, depth, unfused, burnt, particles, rewelded, _CODES[side],
            exit_codes(lot),
        )  # fmt: skip
        columns.update(zip(_COLUMNS[side], (resistance, depth, unfused, burnt, particles, rewelded), strict=True))
        no_fusion, burn_through = _CAUSES[side]
        scrapped(lot, (no_fusion, found.no_fusion), (burn_through, found.burn_through))
        note_false_rejects(lot, no_fusion, found.sound)
        facts[notes.REWORKED] = float(found.reworked)
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """One disc for every cell that came."""
        name = self.params.disc_material or f"collector_disc_{self.foil}"
        return Work(materials={name: lot.attributes[f"{self.side}_discs"]})

    def head(self, lot: Lot, draws: Draws, maturity: float) -> Head:
        """State of the head that welds the lot; a function of the lot's ordinal and name only."""
        params, at = self.params, self.capabilities(maturity)
        offset_power, offset_focus = map(float, draws.normal("head", lot, 2))
        before = (lot.ordinal // params.heads) * lot.n
        lens = before % params.lens_interval_cells / params.lens_interval_cells
        head: Head = laser_weld.Head(
            power=1.0 - at["lens_loss_fraction"] * lens + at["lot_power_cv"] * offset_power,
            focus_um=at["lot_focus_um"] * offset_focus,
            glass=before % params.glass_interval_cells / params.glass_interval_cells,
            glass_step=1.0 / params.glass_interval_cells,
            glass_loss=float(at["glass_loss_fraction"]),
            glass_shift_um=float(at["glass_focus_shift_um"]),
        )
        return head

    @once_per_maturity
    def seam_law(self, maturity: float) -> SeamLaw:
        """The side's constants at `maturity`, as the kernel wants them."""
        params, at, nominal = self.params, self.capabilities(maturity), self.nominal
        power_sd, power_skew = theory.absorbed_power_spread(at["power_cv"], at["absorptivity_cv"], at["local_cv"])
        constants = {
            "depth_scale_um": nominal.depth_um * theory.depth_divisor(nominal.peclet),
            "peclet": nominal.peclet,
            "radius_um": 0.5 * params.spot_diameter_um,
            "rayleigh_um": 1e3 * params.rayleigh_mm,
            "enthalpy": nominal.enthalpy,
            "enthalpy_threshold": nominal.enthalpy_threshold,
            "power_sd": power_sd,
            "power_skew": power_skew,
            "focus_sd_um": at["focus_sd_um"],
            "gap_median_um": at["gap_median_um"],
            "gap_log_sd": math.log(at["gap_gsd"]),
            "disc_um": self.disc_um,
            "least_um": params.least_penetration_um,
            "most_um": params.most_penetration_um,
            "bridge_midpoint": params.bridge_midpoint_fraction,
            "bridge_width": params.bridge_width_fraction,
            "spike_location": params.spike_location_fraction,
            "spike_scale": at["spike_scale_fraction"],
            "seam_mohm": params.seam_mohm * 12.0 / params.seam_mm / (1.0 - params.pore_fraction),
            "full_um": params.full_penetration_um,
            "spread_mohm": params.spreading_mohm,
            "touching_share": params.touching_share,
            "touching_low": params.touching_low_ratio,
            "touching_high": params.touching_high_ratio,
            "spatter_per_seam": at["spatter_per_mm"] * params.seam_mm * at["spatter_on_face_fraction"],
            "rework_spatter": params.rework_spatter_ratio,
            "rework_rounds": params.rework_rounds,
            "rework_success": at["rework_success_probability"],
            "false_alarm": at["false_alarm_probability"],
            "fusion_ceiling": at["fusion_detection_probability"],
            "fusion_midpoint": params.fusion_midpoint_fraction,
            "fusion_width": params.fusion_width_fraction,
            "burn_ceiling": at["burn_detection_probability"],
        }
        law: SeamLaw = laser_weld.SeamLaw(**{name: float(value) for name, value in constants.items()})
        return law
