"""Dry mixing: a cold premix breaks and spreads the binder, warm kneading pulls it into fibrils.

What it models
    Per charge: size of the binder agglomerates left by the premix, the evenness of the binder over 1 cm2 of coating,
    degree of fibrillation, strength of the film that the powder will make, and the release test on a pressed coupon,
    which sees that strength with a gauge error and rejects what it reads as too weak.
Equations
    Agglomerates d = d_inf + (d_0 - d_inf) exp(-E / E_d). Random-mix variance of unequal particles (Stange 1954;
    Poole, Taylor and Wall 1964) with the agglomerate as particle of the minor species, so that CV ~ d^1.5 A^-0.5;
    s_e^2 = s_r^2 + s_seg^2 with a demixing floor s_seg, and approached as s^2 = s_e^2 + (s_0^2 - s_e^2) exp(-t / tau)
    with s_0^2 = p (1 - p) (Lacey 1954), tau = 20 s x 15 / tip speed. Fibrillation phi = (1 - exp(-t / tau_f)) g(T);
    strength S = S_0 (w / w_ref)^1.2 phi exp(-max(0, t - t_over) / t_c), times a lognormal residual.
Range
    Binder 0.5-8 % of the coating; premix below 19 degC; kneading 60-150 degC.
Rows
    In and out: charges; kg. Adds agglomerate_um (um), binder_cv (1 cm2), fibrillation (0-1), film_strength_mpa (MPa).
Left out
    Heating of large charges, carbon aggregates and their resistance, granule size, re-use of rejected charges.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.kernels import mixing_theory as theory
from cellfab.steps.base import ElectrodeStep, Work, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.mixing import MixerLaw

mixing = AtFirstUse("mixing")
AGGLOMERATE = column("agglomerate_um", "float32", "um", "size of the binder agglomerates")
BINDER_CV = column("binder_cv", "float32", "1", "coefficient of variation of the binder content over 1 cm2 of coating")
FIBRILLATION = column("fibrillation", "float32", "1", "degree of fibrillation of the binder")
STRENGTH = column("film_strength_mpa", "float32", "MPa", "true tensile strength of the dry film")
WEAK = cause("dry_mix", "weak_coupon", "pressed coupon read as too weak in the release test")
_DECISIONS = ("premix_energy", "kneading_time", "kneading_temperature", "strength", "release_gauge")
_PATCH_G_PER_LOADING = 1e-3  # 1 cm2 at 1 mg/cm2
_PREMIX_CONSTANT_M = 20.0 * 15.0
"""Time constant of the premix times its tip speed: 20 s at 15 m/s (assumption)."""
_UNEVEN = 0.10
"""Coefficient of variation of the binder content over 1 cm2 that no recipe aims at (assumption)."""


class DryMix(ElectrodeStep):
    """Premix, knead and release-test charges; see the module's text for the model."""

    name = "dry_mix"
    reads = ("charge_kg", "binder_fraction")
    writes = (AGGLOMERATE, BINDER_CV, FIBRILLATION, STRENGTH)

    class Params(ElectrodeStep.Params):
        """Recipe and capability of premixer and kneader."""

        premix_energy_kwh_per_kg: Annotated[Capability, within(0.0, 5.0)] = Ramped(start=0.042, mature=0.078)
        """Specific energy of the premix: assumption, chosen to leave 80 and 30 um agglomerates."""
        premix_energy_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.08, mature=0.03)
        """From charge to charge, 1 sigma: assumption."""
        premix_min: Annotated[float, Field(ge=0.0, le=600.0)] = 10.0
        """Premix time: assumption, 3-30."""
        tip_speed_m_per_s: Annotated[float, Field(gt=0.0, le=60.0)] = 15.0
        """Of the premixer's tool: assumption, 5-30."""
        agglomerate_initial_um: Annotated[float, Field(gt=0.0, le=5000.0)] = 500.0
        """PTFE fine-powder secondary particle: vendors' data sheets, typically 300-600."""
        agglomerate_final_um: Annotated[float, Field(gt=0.0, le=1000.0)] = 20.0
        """Limit of break-up: assumption."""
        agglomerate_decay_kwh_per_kg: Annotated[float, Field(gt=0.0, le=5.0)] = 0.02
        """Energy scale of break-up: assumption."""
        agglomerate_mass_cv: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
        """Spread of agglomerate masses; 0 takes all alike: assumption."""
        segregation_cv: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01
        """Unevenness of the binder over 1 cm2 that more mixing does not remove: assumption (demixing in handling)."""
        binder_density_g_per_cm3: Annotated[float, Field(gt=0.5, le=5.0)] = 2.2
        """PTFE."""
        active_particle_um: Annotated[float, Field(gt=0.0, le=100.0)] = 10.0
        """Secondary particle of the active material (NMC about 10, graphite 16, LFP granules 5): typical data sheet."""
        active_particle_mass_cv: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0
        """Spread of active particle masses: assumption."""
        kneading_min: Annotated[float, Field(gt=0.0, le=240.0)] = 12.0
        """To saturation of fibrillation in dry graphite dough, about 12 min (UNIST, scholarworks.unist.ac.kr
        201301/91538)."""
        kneading_time_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.15, mature=0.05)
        """End-point error, 1 sigma: assumption."""
        kneading_c: Annotated[float, Field(ge=0.0, le=250.0)] = 90.0
        """Kneading temperature: typical of dry-electrode patents, 60-150."""
        kneading_sd_k: Annotated[Capability, within(0.0, 100.0)] = Ramped(start=8.0, mature=3.0)
        """Temperature error, 1 sigma: assumption."""
        fibrillation_min: Annotated[float, Field(gt=0.0, le=120.0)] = 4.0
        """Time constant of fibrillation: assumption, gives 95 % at 12 min."""
        over_kneading_min: Annotated[float, Field(gt=0.0, le=240.0)] = 18.0
        """Longer kneading cuts fibrils: assumption (cleavage when over-kneaded is observed)."""
        over_kneading_decay_min: Annotated[float, Field(gt=0.0, le=240.0)] = 15.0
        """How fast: assumption."""
        reference_strength_mpa: Annotated[float, Field(gt=0.0, le=20.0)] = 1.0
        """Strength of a fully fibrillated film at the reference binder fraction: assumption, 0.3-3."""
        reference_binder_fraction: Annotated[float, Field(gt=0.0, lt=0.2)] = 0.02
        """Binder fraction of that film."""
        strength_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.29, mature=0.17)
        """Residual spread of charges' strength, lognormal: assumption, gives the release limit its rejects."""
        release_strength_mpa: Annotated[float, Field(ge=0.0, le=20.0), Threshold(-1)] = 0.62
        """Limit of the release test: assumption, for about 8 % rejected charges on a new line and 1 % on a mature
        one."""
        release_gauge_cv: Annotated[Capability, within(0.0, 0.5)] = 0.04
        """Error of the release test, 1 sigma: assumption."""
        energy_kwh_per_kg: Annotated[float, Field(ge=0.0, le=5.0)] = 0.15
        """Electricity of premix and kneading: assumption, 0.05-1.5 (jet mills 0.5-1.5)."""

    def review(self) -> Iterator[Remark]:
        """Binder that cannot fibrillate makes no film; times and temperatures are those of dry-electrode mixing."""
        params, binder = self.params, self.electrode.binder_fraction
        degree = theory.fibrillation(params.kneading_min, params.kneading_c, params.fibrillation_min)
        strength_mpa = theory.film_strength_mpa(
            params.reference_strength_mpa, binder / params.reference_binder_fraction, degree, params.kneading_min,
            params.over_kneading_min, params.over_kneading_decay_min,
        )  # fmt: skip
        if degree <= 0.0:
            yield Remark(
                "kneading_c",
                f"kneading at {params.kneading_c:g} degC makes no fibrils: PTFE stays crystalline below"
                f" {theory.WAKE_C:g} degC",
                impossible=True,
                hint="dry-electrode mixes are kneaded at 60-150 degC",
            )
        elif strength_mpa <= params.release_strength_mpa:
            yield Remark(
                "release_strength_mpa",
                f"the recipe makes film of {strength_mpa:.2f} MPa ({100.0 * binder:.1f} % binder, {degree:.0%}"
                f" fibrillated), not above the release limit of {params.release_strength_mpa:g} MPa: more than half of"
                " the charges are rejected",
            )
        elif not 60.0 <= params.kneading_c <= 150.0:
            yield Remark("kneading_c", f"{params.kneading_c:g} degC is outside 60-150, where dry mixes are kneaded")
        if params.kneading_min > params.over_kneading_min:
            yield Remark(
                "kneading_min",
                f"{params.kneading_min:g} min are longer than over_kneading_min {params.over_kneading_min:g}: fibrils"
                " are cut again",
            )
        size_um, cv = self._evenness(binder)
        if cv > _UNEVEN:
            yield Remark(
                "premix_energy_kwh_per_kg",
                f"the premix leaves binder agglomerates of {size_um:.0f} um: the binder content of a square centimetre"
                f" varies by {cv:.0%} (1 sigma), and film comes off where it is low",
                hint=f"more energy or time, for less than {_UNEVEN:.0%}",
            )
        if not 0.005 <= binder <= 0.08:
            yield Remark(
                f"design.{params.electrode}.binder_fraction",
                f"{100.0 * binder:.1f} % of binder are outside 0.5-8, for which the mixing model is meant",
            )

    def _evenness(self, binder: float) -> tuple[float, float]:
        """Size of the agglomerates that the mature premix leaves, um, and the binder's CV over 1 cm2."""
        params, electrode = self.params, self.electrode
        size_um = theory.agglomerate_um(
            self.at("premix_energy_kwh_per_kg", 1.0), params.agglomerate_initial_um, params.agglomerate_final_um,
            params.agglomerate_decay_kwh_per_kg,
        )  # fmt: skip
        settled = (params.segregation_cv * binder) ** 2 + theory.random_variance_unequal(
            binder, theory.sphere_g(size_um, params.binder_density_g_per_cm3), params.agglomerate_mass_cv,
            theory.sphere_g(params.active_particle_um, electrode.solid_density_g_per_cm3),
            params.active_particle_mass_cv, electrode.loading_mg_per_cm2 * _PATCH_G_PER_LOADING,
        )  # fmt: skip
        variance = theory.mixing_variance(
            settled, theory.unmixed_variance(binder), 60.0 * params.premix_min,
            _PREMIX_CONSTANT_M / params.tip_speed_m_per_s,
        )  # fmt: skip
        return float(size_um), math.sqrt(variance) / binder

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Mix, knead and test each charge."""
        self.expect(lot)
        columns, n = lot.columns, lot.n
        rejected, made = np.empty(n, np.uint8), np.empty((len(self.writes), n), np.float32)
        size, cv, degree, strength = made
        any_rejected = mixing.mix_charges(
            self._law(maturity), draws.normals(_DECISIONS, lot), columns["binder_fraction"], size, cv, degree, strength,
            rejected,
        )  # fmt: skip
        columns[AGGLOMERATE], columns[BINDER_CV], columns[FIBRILLATION], columns[STRENGTH] = size, cv, degree, strength
        strong = 0
        if any_rejected:
            is_strong = strength >= np.float32(self.params.release_strength_mpa)
            strong = int(np.count_nonzero(lot.alive() & (rejected > 0) & is_strong))
            lot.scrap_each(rejected, (WEAK,))
            web.settle_charges(lot)
        web.note_false_rejects(lot, WEAK, strong)
        return lot

    @once_per_maturity
    def _law(self, maturity: float) -> MixerLaw:
        now, electrode = self.capabilities(maturity), self.electrode
        law: MixerLaw = mixing.MixerLaw(
            energy_kwh_per_kg=float(now["premix_energy_kwh_per_kg"]),
            energy_cv=float(now["premix_energy_cv"]),
            initial_um=now["agglomerate_initial_um"],
            final_um=now["agglomerate_final_um"],
            decay_kwh_per_kg=now["agglomerate_decay_kwh_per_kg"],
            binder_g_per_cm3=now["binder_density_g_per_cm3"],
            binder_mass_cv=now["agglomerate_mass_cv"],
            active_g=mixing.sphere_g(now["active_particle_um"], electrode.solid_density_g_per_cm3),
            active_mass_cv=now["active_particle_mass_cv"],
            sample_g=electrode.loading_mg_per_cm2 * _PATCH_G_PER_LOADING,
            segregation_cv=now["segregation_cv"],
            premix_s=60.0 * now["premix_min"],
            premix_constant_s=_PREMIX_CONSTANT_M / now["tip_speed_m_per_s"],
            kneading_min=now["kneading_min"],
            kneading_cv=float(now["kneading_time_cv"]),
            kneading_c=now["kneading_c"],
            kneading_sd_k=float(now["kneading_sd_k"]),
            fibrillation_min=now["fibrillation_min"],
            reference_mpa=now["reference_strength_mpa"],
            reference_binder=now["reference_binder_fraction"],
            over_min=now["over_kneading_min"],
            over_decay_min=now["over_kneading_decay_min"],
            strength_sigma=math.sqrt(math.log1p(now["strength_cv"] ** 2)),
            gauge_cv=float(now["release_gauge_cv"]),
            release_mpa=now["release_strength_mpa"],
        )
        return law

    def work(self, lot: Lot, maturity: float) -> Work:
        """Electricity for every charge, rejected ones included."""
        return Work(energy_kwh=self.params.energy_kwh_per_kg * lot.attributes["kg_in"])
