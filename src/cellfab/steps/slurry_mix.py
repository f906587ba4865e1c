"""Slurry mixing: each charge of powder is dispersed in solvent, tested, and kept stirred until it is coated.

What it models
    Per batch (one charge): agglomerates that the dispersing energy leaves, evenness of the binder over 1 cm2 of
    coating, content of solids after an error of the solvent dosed, viscosity, thickening while it waits. Solids,
    viscosity and fineness of grind are measured with error; a batch out of tolerance, or too thick to pump after its
    wait, is disposed of with its solvent.
Equations
    Agglomerates d = d_inf + (d_0 - d_inf) exp(-E / E_d). Random-mix variance of unequal particles (Stange 1954; Poole,
    Taylor and Wall 1964), approached as s^2 = s_r^2 + (s_0^2 - s_r^2) exp(-t / tau) with s_0^2 = p (1 - p) (Lacey
    1954); a continuous mixer adds its feeders' noise, averaged over the residence time T: cv^2 rho^2(T / window).
    Solids s = 1 / (1 + solvent / powder); volume fraction phi from the densities; viscosity over the recipe's =
    Krieger-Dougherty (1 - phi / phi_max)^(-2.5 phi_max) over the same of the recipe, times (binder / recipe)^k,
    times a lognormal residual; growth exp(g t) while waiting. Settling while unstirred: Stokes, hindered by (1 -
    phi)^4.65 (Richardson and Zaki 1954), over the height of the tank.
Range
    Volume fraction of solids below the densest packing (checked); batches up to `batch_l` (checked).
Rows
    In and out: charges, now batches of slurry; kg of dry powder. Adds agglomerate_um, binder_cv (1 cm2),
    solids_fraction, viscosity_ratio. Attributes settled_share, and solvent_in_kg = what batches still alive hold +
    solvent_scrap_kg.
Left out
    Order of addition, temperature, air and degassing, filter and magnet, shear thinning, wear of the tools, re-work of
    rejected batches, more than one roll from one batch.
Recipes
    NMC811, PVDF in NMP: the defaults. LFP, PVDF in NMP: solids_fraction 0.60, active_particle_um 1, mixing_min 200,
    gelation_per_h 0. Graphite, CMC and SBR in water: solvent_material deionised_water, solvent_density_g_per_cm3
    0.998, solids_fraction 0.50, active_particle_um 16, gelation_per_h 0. Hard carbon, CMC and SBR in water: as
    graphite with solids_fraction 0.42, active_particle_um 6 and densest_fraction 0.55. In `dose`: charge_kg of a
    roll or a fraction of it, powder_allowance_fraction 0.04, binder_material pvdf or cmc_sbr.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.kernels import AtFirstUse
from cellfab.kernels.slurry_theory import settled_share, settling_m_per_s, solids_g_per_cm3, volume_fraction
from cellfab.steps.base import ElectrodeStep, Work

if TYPE_CHECKING:
    from cellfab.kernels.slurry import SlurryLaw

mixing = AtFirstUse("mixing")
slurry = AtFirstUse("slurry")
web_field = AtFirstUse("web_field")

AGGLOMERATE = column("agglomerate_um", "float32", "um", "size of the binder agglomerates")
BINDER_CV = column("binder_cv", "float32", "1", "coefficient of variation of the binder content over 1 cm2 of coating")
SOLIDS = column("solids_fraction", "float32", "1", "true mass fraction of solids in the slurry")
VISCOSITY = column("viscosity_ratio", "float32", "1", "viscosity of the slurry at the coater over its recipe's")
OFF_SOLIDS = cause("slurry_mix", "solids", "solids of the batch measured as out of tolerance")
OFF_VISCOSITY = cause("slurry_mix", "viscosity", "viscosity of the batch measured as out of tolerance")
COARSE = cause("slurry_mix", "fineness", "agglomerates of the batch measured as too coarse")
GELLED = cause("slurry_mix", "gelled", "batch too thick to pump when it is to be coated")
_DECISIONS = ("energy", "solvent", "viscosity", "dwell", "solids_gauge", "viscosity_gauge", "fineness_gauge")
_PATCH_G_PER_LOADING = 1e-3  # 1 cm2 at 1 mg/cm2


class SlurryMix(ElectrodeStep):
    """Disperse, test and keep batches of slurry; see the module's text for the model."""

    name = "slurry_mix"
    reads = ("charge_kg", "binder_fraction")
    writes = (AGGLOMERATE, BINDER_CV, SOLIDS, VISCOSITY)

    class Params(ElectrodeStep.Params):
        """Recipe, mixer, store and tests."""

        solvent_material: str = "nmp"
        """Name of the solvent in `materials`: nmp, or deionised_water."""
        solvent_density_g_per_cm3: Annotated[float, Field(gt=0.3, lt=3.0)] = 1.028
        """NMP at 25 degC; water 0.998."""
        solids_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.72
        """Recipe, by mass: assumption (NMC 0.72, LFP 0.60, graphite 0.50; hard carbon is coated at 0.35-0.42)."""
        densest_fraction: Annotated[float, Field(gt=0.1, lt=0.9)] = 0.60
        """Volume fraction at which the slurry stops flowing: assumption, random packing of spheres is 0.64."""
        batch_l: Annotated[float, Field(gt=0.0, le=1e5)] = 1200.0
        """Largest batch: planetary mixers hold 500-2000 (usual in industry)."""
        dispersing_energy_kwh_per_kg: Annotated[Capability, within(0.0, 5.0)] = Ramped(start=0.029, mature=0.054)
        """Specific energy of dispersing: assumption, chosen to leave 80 and 30 um agglomerates."""
        dispersing_energy_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.06, mature=0.03)
        """From batch to batch, 1 sigma: assumption."""
        agglomerate_initial_um: Annotated[float, Field(gt=0.0, le=5000.0)] = 300.0
        """Carbon black as delivered, with the binder it holds: assumption."""
        agglomerate_final_um: Annotated[float, Field(gt=0.0, le=1000.0)] = 10.0
        """Limit of break-up: assumption."""
        agglomerate_decay_kwh_per_kg: Annotated[float, Field(gt=0.0, le=5.0)] = 0.02
        """Energy scale of break-up: assumption."""
        agglomerate_density_g_per_cm3: Annotated[float, Field(gt=0.1, le=5.0)] = 1.2
        """Carbon and binder with the solvent dried off: assumption."""
        active_particle_um: Annotated[float, Field(gt=0.0, le=100.0)] = 10.0
        """Particle of the active material (NMC about 10, graphite 16, LFP 1): typical data sheet."""
        active_particle_mass_cv: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0
        """Spread of active particle masses: assumption."""
        mixing_min: Annotated[float, Field(gt=0.0, le=6000.0)] = 120.0
        """Time under the tools: assumption, about half of a planetary cycle of 0.5-6 h (Heimes et al. 2018)."""
        mixing_constant_min: Annotated[float, Field(gt=0.0, le=600.0)] = 8.0
        """Time constant of mixing, planetary: assumption; a twin screw takes 0.3."""
        feeder_cv: Annotated[Capability, within(0.0, 0.5)] = 0.0
        """Error of a continuous mixer's binder feeder over `feeder_window_s`, 1 sigma; 0 for batches weighed in:
        assumption, 0.0025-0.01."""
        feeder_window_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 60.0
        """Correlation time of that error: assumption."""
        residence_s: Annotated[float, Field(gt=0.0, le=36000.0)] = 120.0
        """Time over which a continuous mixer averages: assumption."""
        solvent_cv: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.016, mature=0.008)
        """Error of solvent over powder (weighing, evaporation, wet powder), 1 sigma: assumption."""
        binder_exponent: Annotated[float, Field(ge=0.0, le=10.0)] = 3.0
        """Growth of viscosity with the binder content: assumption, polymer solutions 2-5."""
        viscosity_cv: Annotated[Capability, within(0.0, 2.0)] = Ramped(start=0.16, mature=0.125)
        """Residual spread of batches' viscosity (molar mass of the binder, temperature), lognormal: assumption, gives
        about 3 % rejected batches on a new line and 0.3 % on a mature one."""
        gelation_per_h: Annotated[Capability, within(0.0, 5.0)] = 0.01
        """Growth rate of the viscosity while waiting: assumption for NMC811, whose residual lithium hydroxide attacks
        PVDF; 0 for LFP and for water."""
        dwell_h: Annotated[float, Field(ge=0.0, le=500.0)] = 8.0
        """Wait in the stirred tank: assumption, 4-24."""
        dwell_cv: Annotated[float, Field(ge=0.0, le=3.0)] = 0.3
        """Of that wait: assumption."""
        gelled_ratio: Annotated[float, Field(gt=1.0, le=1000.0)] = 2.5
        """Viscosity over the recipe's that pump and filter no longer take: assumption."""
        unstirred_min: Annotated[float, Field(ge=0.0, le=1e5)] = 20.0
        """Time at rest before it is coated (lines, a stopped coater): assumption."""
        rest_viscosity_kg_per_m_s: Annotated[float, Field(gt=0.0, le=1e5)] = 5.0
        """Viscosity at rest (1 kg/(m s) is 1 Pa s): assumption."""
        tank_m: Annotated[float, Field(gt=0.0, le=20.0)] = 1.0
        """Height of the slurry in its tank: assumption."""
        solids_gauge_fraction: Annotated[Capability, within(0.0, 0.5)] = 0.0015
        """Error of the drying balance, 1 sigma: assumption."""
        solids_tolerance_fraction: Annotated[float, Field(gt=0.0, le=1.0), Threshold()] = 0.012
        """Batches measured further than this from the recipe are rejected: assumption."""
        viscosity_gauge_cv: Annotated[Capability, within(0.0, 1.0)] = 0.03
        """Error of the viscometer, 1 sigma: assumption."""
        viscosity_limit_ratio: Annotated[float, Field(gt=1.0, le=1000.0), Threshold(sound=1.0)] = 1.5
        """Batches measured as thicker than so many times the recipe, or as thinner by that factor, are rejected:
        assumption."""
        fineness_ratio: Annotated[float, Field(gt=0.0, le=100.0)] = 1.5
        """Reading of the fineness-of-grind gauge over the mean agglomerate: assumption."""
        fineness_gauge_cv: Annotated[Capability, within(0.0, 1.0)] = 0.05
        """Error of that gauge, 1 sigma: assumption."""
        fineness_limit_um: Annotated[float, Field(gt=0.0, le=2000.0), Threshold()] = 150.0
        """Batches measured as coarser are rejected: assumption, below the coating gap."""
        energy_kwh_per_kg: Annotated[float, Field(ge=0.0, le=5.0)] = 0.07
        """Electricity per kg of powder, stirring and pumps included: 0.1 kWh per kWh of cell (Yuan et al. 2017)."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        super().__init__(params, design)
        self._law_at: tuple[float, SlurryLaw] | None = None

    def review(self) -> Iterator[Remark]:
        """Packing, fineness, mixing time, wait and settling."""
        params, name = self.params, self.params.electrode
        share = self._volume_share()
        if share >= params.densest_fraction:
            yield Remark(
                "solids_fraction",
                f"the {name}'s slurry of {params.solids_fraction:g} solids by mass has a volume fraction of"
                f" {share:.3f}, not below the densest packing {params.densest_fraction:g} (densest_fraction):"
                " it does not flow",
                impossible=True,
                hint=f"use a solids_fraction below {self._densest_solids():.2f}",
            )
        elif not 0.2 <= params.solids_fraction <= 0.85:
            yield Remark(
                "solids_fraction",
                f"solids_fraction {params.solids_fraction:g} is outside 0.2-0.85, where electrode slurries are coated",
            )
        reading_um = params.fineness_ratio * self._agglomerate_um()
        if reading_um > params.fineness_limit_um:
            yield Remark(
                "dispersing_energy_kwh_per_kg",
                f"a mature mixer leaves agglomerates that read {reading_um:.0f} um, above fineness_limit_um"
                f" {params.fineness_limit_um:g}: nearly every batch would be rejected",
                hint="disperse with more energy, or raise the limit",
            )
        unmixed_cv = math.sqrt(1.0 / self.electrode.binder_fraction - 1.0)
        mixed_cv = unmixed_cv * math.exp(-0.5 * params.mixing_min / params.mixing_constant_min)
        if mixed_cv > 0.05:
            yield Remark(
                "mixing_min",
                f"after {params.mixing_min:g} min with a time constant of {params.mixing_constant_min:g} min the binder"
                f" content still varies by {100.0 * mixed_cv:.0f} % (more than 5 %)",
                hint=f"mix for {2.0 * params.mixing_constant_min * math.log(unmixed_cv / 0.05):.0f} min",
            )
        thicker = math.exp(self.at("gelation_per_h", 1.0) * params.dwell_h)
        if thicker > params.gelled_ratio:
            yield Remark(
                "dwell_h",
                f"in {params.dwell_h:g} h the slurry thickens {thicker:.2g} times, above gelled_ratio"
                f" {params.gelled_ratio:g}: most batches could not be pumped",
            )
        settled = self._settled_share()
        if settled > 0.01:
            yield Remark(
                "unstirred_min",
                f"{100.0 * settled:.1f} % of the solids settle in {params.unstirred_min:g} min at rest: loading would"
                " drift by that much over a batch",
                hint="stir, thicken the slurry at rest, or take finer particles",
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Mix, test and keep each batch."""
        self.expect(lot)
        columns, n = lot.columns, lot.n
        self._fits(lot)
        for name in self.writes:
            columns[name] = np.empty(n, np.float32)
        rejected = np.empty(n, np.uint8)
        found = slurry.mix_slurry(
            self._law(maturity), draws.normals(_DECISIONS, lot), columns["binder_fraction"], columns[AGGLOMERATE],
            columns[BINDER_CV], columns[SOLIDS], columns[VISCOSITY], rejected,
        )  # fmt: skip
        powder_kg = lot.attributes["kg_good"]
        solvent_kg = solvent_held_kg(lot)
        if found:
            lot.scrap_each(rejected, (OFF_SOLIDS, OFF_VISCOSITY, COARSE, GELLED))
            web.settle_charges(lot)
        lot.attributes |= {
            "mixed_kg": powder_kg, "settled_share": self._settled_share(), "solvent_in_kg": solvent_kg,
            "solvent_scrap_kg": solvent_kg - solvent_held_kg(lot) if found else 0.0,
        }  # fmt: skip
        return lot

    def _fits(self, lot: Lot) -> None:
        """Refuse charges larger than a batch."""
        params, largest_kg = self.params, float(lot.columns["charge_kg"].max(initial=0.0))
        kg_per_l = solids_g_per_cm3(
            params.solids_fraction, self.electrode.solid_density_g_per_cm3, params.solvent_density_g_per_cm3
        )
        # A hundredth of freeboard for the weighing errors of a full batch.
        if largest_kg > 1.01 * params.batch_l * kg_per_l:
            raise ConfigError(
                f"slurry_mix, {params.electrode}: a charge of {largest_kg:.0f} kg makes"
                f" {largest_kg / kg_per_l:.0f} L of slurry, more than the mixer's {params.batch_l:g} L (batch_l):"
                f" dose charges of at most {params.batch_l * kg_per_l:.0f} kg (charge_kg)"
            )

    def _law(self, maturity: float) -> SlurryLaw:
        if self._law_at is None or self._law_at[0] != maturity:
            self._law_at = maturity, self._make_law(maturity)
        return self._law_at[1]

    def _make_law(self, maturity: float) -> SlurryLaw:
        params, electrode = self.params, self.electrode
        feeder_cv = self.at("feeder_cv", maturity)
        law: SlurryLaw = slurry.SlurryLaw(
            energy_kwh_per_kg=float(self.at("dispersing_energy_kwh_per_kg", maturity)),
            energy_cv=float(self.at("dispersing_energy_cv", maturity)),
            initial_um=params.agglomerate_initial_um,
            final_um=params.agglomerate_final_um,
            decay_kwh_per_kg=params.agglomerate_decay_kwh_per_kg,
            agglomerate_g_per_cm3=params.agglomerate_density_g_per_cm3,
            active_g=float(mixing.sphere_g(params.active_particle_um, electrode.solid_density_g_per_cm3)),
            active_mass_cv=params.active_particle_mass_cv,
            sample_g=electrode.loading_mg_per_cm2 * _PATCH_G_PER_LOADING,
            mixing_s=60.0 * params.mixing_min,
            mixing_constant_s=60.0 * params.mixing_constant_min,
            feeder_variance=feeder_cv**2 * web_field.mean_variance_factor(params.residence_s, params.feeder_window_s),
            solids=params.solids_fraction,
            solvent_cv=float(self.at("solvent_cv", maturity)),
            solid_g_per_cm3=electrode.solid_density_g_per_cm3,
            solvent_g_per_cm3=params.solvent_density_g_per_cm3,
            densest=params.densest_fraction,
            binder=electrode.binder_fraction,
            binder_exponent=params.binder_exponent,
            viscosity_sigma=math.sqrt(math.log1p(self.at("viscosity_cv", maturity) ** 2)),
            fineness_factor=params.fineness_ratio,
            gelation_per_h=float(self.at("gelation_per_h", maturity)),
            dwell_h=params.dwell_h,
            dwell_sigma=math.sqrt(math.log1p(params.dwell_cv**2)),
            solids_gauge=float(self.at("solids_gauge_fraction", maturity)),
            solids_tolerance=params.solids_tolerance_fraction,
            viscosity_gauge_cv=float(self.at("viscosity_gauge_cv", maturity)),
            viscosity_limit=params.viscosity_limit_ratio,
            fineness_gauge_cv=float(self.at("fineness_gauge_cv", maturity)),
            fineness_limit_um=params.fineness_limit_um,
            gelled_ratio=params.gelled_ratio,
        )
        return law

    def _volume_share(self) -> float:
        params = self.params
        return volume_fraction(
            params.solids_fraction, self.electrode.solid_density_g_per_cm3, params.solvent_density_g_per_cm3
        )

    def _densest_solids(self) -> float:
        """Mass fraction of solids at the densest packing."""
        solid = self.params.densest_fraction * self.electrode.solid_density_g_per_cm3
        solvent = (1.0 - self.params.densest_fraction) * self.params.solvent_density_g_per_cm3
        return float(solid / (solid + solvent))

    def _agglomerate_um(self) -> float:
        """Size that a mature mixer leaves."""
        params = self.params
        decay = math.exp(-self.at("dispersing_energy_kwh_per_kg", 1.0) / params.agglomerate_decay_kwh_per_kg)
        return float(
            params.agglomerate_final_um + (params.agglomerate_initial_um - params.agglomerate_final_um) * decay
        )

    def _settled_share(self) -> float:
        params, electrode = self.params, self.electrode
        speed = settling_m_per_s(
            params.active_particle_um, electrode.solid_density_g_per_cm3 - params.solvent_density_g_per_cm3,
            params.rest_viscosity_kg_per_m_s, self._volume_share(),
        )  # fmt: skip
        return settled_share(max(speed, 0.0), 60.0 * params.unstirred_min, params.tank_m)

    def work(self, lot: Lot, maturity: float) -> Work:
        """Electricity for every batch, rejected ones included, and the solvent disposed of with rejected ones.

        Solvent goes in a circle from the dryer back to the mixer: each step buys what it loses of it.
        """
        facts = lot.attributes
        lost_kg = facts["solvent_scrap_kg"]
        return Work(
            materials={self.params.solvent_material: lost_kg} if lost_kg > 0.0 else {},
            energy_kwh=self.params.energy_kwh_per_kg * facts["mixed_kg"],
        )


def solvent_held_kg(lot: Lot) -> float:
    """Solvent in the batches still alive."""
    columns = lot.columns
    solids = columns[SOLIDS].astype(np.float64)
    per_batch = columns["charge_kg"] * (1.0 / solids - 1.0)
    return float(per_batch.sum() if lot.exit_code is None else per_batch[lot.alive()].sum())
