"""Lid seam: roll or stack goes into its prismatic can, a laser welds the lid on, and the dry cell is tested.

What it models
    Damage at insertion, all noticed. The seam around the lid: open pores, more where lid and can gape; places where
    power and focus leave the weld too shallow or drive it through the lid. The vent foil in the lid, which a stray
    touch or beam damages and a camera mostly sees. A helium leak test, a second weld of a leaking seam up to a limit,
    then scrap. Particles on top, what of all particles got between the electrodes, and the high-voltage test.
Equations
    Depth d = A P / (K (T_boil - T_0) G(Pe)) as in `cellfab.kernels.laser_weld_theory`, relative noise per piece of
    seam; share of pieces q = Phi((least - d) / sd) + Phi((d - lid) / sd). Leak sites of a seam ~ Poisson(m), m = length
    x (pores per m x (1 + (gap / g_0)^2) + q / piece), gap lognormal from cell to cell; P(leak) = 1 - exp(-m), worst of
    them P(<= x) = exp(-m exp(-x / mu)). After an alarm of probability a(x) = f + (1 - f) c / (1 + exp(-(x - x_0) /
    w)) a second weld closes the seam with probability s: with one second weld P(scrap | leak) = a (1 - s) a + a s f.
    The high-voltage test is that of `cellfab.steps.dry_cell`.
Range
    Aluminium cans of 0.5-1 mm; lids of 1-3 mm; Peclet number 0.1-3; fewer than one leak a seam on average.
Rows
    In and out: cells. Adds particle_um (0: none) and leak; drops what nobody reads afterwards. Attribute `reworked`:
    cells welded again that passed; `false_rejects_*`: sound ones rejected.
Left out
    Tack welds, corners of the seam and heat that piles up there, weld of terminals and of the filling hole (see
    `second_fill`), bulging of the can, insulation between can and roll.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.package_spec import PrismaticPackage
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import notes
from cellfab.core.causes import cause
from cellfab.core.cell_columns import JOINTS, LEAK
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.kernels import AtFirstUse
from cellfab.kernels import laser_weld_theory as theory
from cellfab.steps.base import Work, once_per_maturity
from cellfab.steps.dry_cell import DryCell
from cellfab.steps.leak_test import LeakSites, LeakTest, leak_sites

if TYPE_CHECKING:
    from cellfab.kernels.lid_seam import LidLaw

lid_seam = AtFirstUse("lid_seam")

_METAL = "al"
"""Prismatic cans and lids are aluminium."""
INSERTION = cause("lid_seam", "insertion", "roll, stack or can damaged at insertion")
VENT = cause("lid_seam", "vent_foil", "camera sees a damaged vent foil")
LEAK_READ = cause("lid_seam", "dry_leak", "helium test reads a leak after the last second weld")
HIGH_VOLTAGE = cause("lid_seam", "high_voltage", "current in the high-voltage test of the dry cell")
_SPENT = ("particles_in_roll", *(joint.particles for joint in JOINTS.values()))


class LidSeam(DryCell, LeakTest):
    """Insert, weld the lid on and test; see the module's text for the model."""

    name = "lid_seam"
    on_faces = tuple(joint.particles for joint in JOINTS.values())
    reads = (*DryCell.reads, *on_faces)
    writes = (*DryCell.writes, LEAK)

    class Params(DryCell.Params, LeakTest.Params):
        """Insertion, laser, seam, vent foil, leak test with second welds, particles and the high-voltage test."""

        insertion_damage_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=5e-3, mature=5e-4)
        """Of a cell: assumption."""
        power_w: Annotated[float, Field(gt=0.0, le=20_000.0)] = 2500.0
        """Ring-mode laser: assumption."""
        speed_mm_per_s: Annotated[float, Field(gt=0.0, le=5000.0)] = 150.0
        """Travel speed, 80-250: assumption."""
        spot_diameter_um: Annotated[float, Field(gt=5.0, le=3000.0)] = 300.0
        """Of the ring: assumption."""
        keyhole_absorptivity_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.60
        """In the keyhole, 0.45-0.8: assumption."""
        surface_absorptivity_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.20
        """Decides on the keyhole: liquid aluminium near 1 um, 15-20 %."""
        least_depth_fraction: Annotated[float, Field(gt=0.0, le=5.0)] = 0.75
        """Of the can's wall, below which a place leaks: assumption."""
        lid_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 2.0
        """Thickness of the lid at the seam; deeper welds go through it: assumption, 1-3."""
        depth_cv: Annotated[Capability, within(1e-6, 0.5)] = Ramped(start=0.08, mature=0.05)
        """Of one piece of seam, power, absorptivity and focus together: assumption."""
        piece_mm: Annotated[float, Field(gt=0.0, le=1000.0)] = 5.0
        """Length along which depth is alike: assumption."""
        pores_per_m: Annotated[Capability, within(0.0, 1000.0)] = Ramped(start=0.035, mature=0.005)
        """That go through a seam without a gap: assumption, for 0.3 % of seams leaking before rework on a mature line
        and 2 % on a new one."""
        gap_um: Annotated[Capability, within(0.0, 1000.0)] = Ramped(start=40.0, mature=25.0)
        """Between lid and can, median: assumption."""
        gap_gsd: Annotated[Capability, within(1.0, 5.0)] = Ramped(start=1.6, mature=1.4)
        """Cell to cell, geometric standard deviation: assumption."""
        doubling_gap_um: Annotated[float, Field(gt=0.0, le=5000.0)] = 80.0
        """Gap that doubles the pores: a tenth of a 0.8 mm wall, where gap guides end the safe range (EWI)."""
        vent_damage_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=5e-4, mature=5e-5)
        """Vent foils are 0.08-0.10 mm aluminium (chanelink.com/news/114) and easily burnt through; value an
        assumption."""
        vent_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.8
        """That the camera sees it: assumption."""
        particles_per_lid_number: Annotated[Capability, within(0.0, 50.0)] = Ramped(start=0.1, mature=0.02)
        """Spatter and chips that end on top of roll or stack: assumption."""
        second_welds_at_most: Annotated[int, Field(ge=0, le=5)] = 1
        """Of a seam that leaks: assumption."""
        second_weld_success_probability: Annotated[Capability, within(0.0, 1.0)] = 0.7
        """That one closes the leak: assumption."""
        can_material: str = "prismatic_can"
        """Name of the can in `materials` (pieces)."""
        lid_material: str = "prismatic_lid"
        """Name of the lid, with terminals and vent, in `materials` (pieces)."""

    def __init__(self, params: Params, design: CellDesign) -> None:
        super().__init__(params, design)
        if not isinstance(design.package, PrismaticPackage):
            raise ConfigError(f"step 'lid_seam' closes a prismatic can, but the package is {design.package.format}")
        self.can: PrismaticPackage = design.package

    @property
    def seam_m(self) -> float:
        """Around the lid, which lies within the can's walls."""
        return 2e-3 * (self.can.width_mm + self.can.thickness_mm - 4.0 * self.can.wall_mm)

    @property
    def least_mm(self) -> float:
        """Depth below which a place leaks."""
        return float(self.params.least_depth_fraction * self.can.wall_mm)

    @property
    def depth_mm(self) -> float:
        """Depth at set power, in keyhole mode or, below its threshold, by conduction."""
        params, metal = self.params, theory.METALS[_METAL]
        speed, radius = params.speed_mm_per_s * 1e-3, 0.5e-6 * params.spot_diameter_um
        if self._enthalpy_share() < 1.0:
            return float(1e3 * theory.CONDUCTION_DEPTH * radius)
        peclet = theory.peclet_number(speed, radius, metal)
        return 1e3 * theory.keyhole_depth_m(params.keyhole_absorptivity_fraction * params.power_w, peclet, metal)

    def _enthalpy_share(self) -> float:
        """Normalised enthalpy over the threshold of the keyhole."""
        params, metal = self.params, theory.METALS[_METAL]
        enthalpy = theory.normalised_enthalpy(
            params.surface_absorptivity_fraction * params.power_w, params.speed_mm_per_s * 1e-3,
            0.5e-6 * params.spot_diameter_um, metal,
        )  # fmt: skip
        return enthalpy / theory.keyhole_threshold(metal)

    def off_depth_sites(self, maturity: float) -> float:
        """Mean number of pieces of a seam that are too shallow or go through the lid."""
        depth, normal = self.depth_mm, NormalDist()
        sd = self.at("depth_cv", maturity) * depth
        share = normal.cdf((self.least_mm - depth) / sd) + normal.cdf((depth - self.params.lid_mm) / sd)
        return float(share * 1e3 * self.seam_m / self.params.piece_mm)

    def review(self) -> Iterator[Remark]:
        """Power against melting the wall and cutting through the lid; gaps."""
        params, depth = self.params, self.depth_mm
        needs = f"a seam in a {self.can.wall_mm:g} mm wall needs {self.least_mm:.2f} mm"
        if self._enthalpy_share() < 1.0:
            yield Remark(
                "power_w", f"{params.power_w:g} W at {params.speed_mm_per_s:g} mm/s opens no keyhole"
                f" ({self._enthalpy_share():.2f} of its threshold) and melts {depth:.2f} mm; {needs}",
                impossible=depth < self.least_mm, hint="more power, a smaller spot or less speed",
            )  # fmt: skip
        elif depth < self.least_mm:
            yield Remark(
                "power_w", f"{params.power_w:g} W melts {depth:.2f} mm; {needs}", True, "more power or less speed"
            )
        elif depth > params.lid_mm:
            yield Remark(
                "power_w", f"{params.power_w:g} W melts {depth:.2f} mm and cuts through the lid of"
                f" {params.lid_mm:g} mm", True, "less power or more speed",
            )  # fmt: skip
        else:
            leaking = -math.expm1(-self.off_depth_sites(1.0))
            if leaking > 0.05:
                yield Remark(
                    "power_w", f"at {depth:.2f} mm depth, {leaking:.0%} of the seams of a mature line are too shallow"
                    f" somewhere (below {self.least_mm:.2f} mm) or go through the lid ({params.lid_mm:g} mm)",
                    hint="change power or speed, or hold depth more closely (depth_cv)",
                )  # fmt: skip
        if self.at("gap_um", 1.0) > 300.0 * self.can.wall_mm:
            yield Remark(
                "gap_um", f"a median gap of {self.at('gap_um', 1.0):g} um is above 0.3 of the wall of"
                f" {self.can.wall_mm:g} mm, where most melt no longer bridges",
            )  # fmt: skip

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Insert, weld and test every cell."""
        columns, n = lot.columns, lot.n
        lot.attributes["lidded_cells"] = float(lot.n_alive)
        vent, particles, verdict = np.empty((3, n), np.uint8)
        streams = ("seam", "gap", "insertion_and_vent", "vent_camera", "lid_particles")
        lid_seam.close_cans(
            self.law(maturity), np.array([draws.key(stream) for stream in streams], np.uint64), lot.identity,
            self.leaks_so_far(lot), vent, particles, verdict,
        )  # fmt: skip
        lot.scrap_each(verdict, (INSERTION, VENT))
        again = self.test_leaks(
            lot, draws, maturity, LEAK_READ, mends_at_most=self.params.second_welds_at_most,
            mend_success=self.at("second_weld_success_probability", maturity), beyond_repair=vent,
        )  # fmt: skip
        above = columns[self.on_faces[0]]  # what falls onto the top lies with what welding left there
        above += np.minimum(particles, 255 - above)
        self.test_dry(lot, draws, maturity, HIGH_VOLTAGE)
        lot.attributes[notes.REWORKED] = float(np.count_nonzero(lot.alive()[again]))
        for name in _SPENT:
            columns.pop(name, None)
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """Can and lid of every cell that came."""
        cells = lot.attributes["lidded_cells"]
        return Work(materials={self.params.can_material: cells, self.params.lid_material: cells})

    def sites(self, lot: Lot, draws: Draws, maturity: float) -> LeakSites:
        """Leak sites of every seam of a lot, as `apply` draws them."""
        law = self.law(maturity)
        gape = np.exp(2.0 * law.gap_log_sd * draws.normal("gap", lot).astype(np.float64))
        return leak_sites(law.off_depth + law.pores * (1.0 + law.wide * gape), draws.uniform("seam", lot))

    @once_per_maturity
    def law(self, maturity: float) -> LidLaw:
        """Constants at `maturity`, as the kernel wants them."""
        params = self.params
        law: LidLaw = lid_seam.LidLaw(
            pores=float(self.at("pores_per_m", maturity) * self.seam_m),
            wide=float((self.at("gap_um", maturity) / params.doubling_gap_um) ** 2),
            gap_log_sd=math.log(self.at("gap_gsd", maturity)),
            off_depth=self.off_depth_sites(maturity),
            decades=float(params.leak_decades_mean_number),
            insertion=float(self.at("insertion_damage_probability", maturity)),
            vent=float(self.at("vent_damage_probability", maturity)),
            vent_seen=float(self.at("vent_detection_probability", maturity)),
            particles=float(self.at("particles_per_lid_number", maturity)),
        )
        return law
