"""What `coat` says of drying: solvent, speed, binder migration, adhesion and cracks, and what they cost.

The dryer is part of the coater, one web through both, so this is the base of that step and no step by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.lot import Lot
from cellfab.kernels.coating_theory import DryingRecipe, crack_probability, log_sigma, weakest_of
from cellfab.kernels.dryer_theory import Dryer
from cellfab.steps.base import ElectrodeStep, Work

_CM2_PER_M2 = 1e4


class Drying(ElectrodeStep):
    """A step whose web passes a dryer; `recipe` holds the closed forms (`cellfab.kernels.coating_theory`)."""

    class Params(ElectrodeStep.Params):
        """Dryer, solvent, adhesion and cracks."""

        speed_m_per_min: Annotated[float, Field(gt=0.0, le=500.0)] = 50.0
        """Web speed that the recipe is made for; a web station runs no faster. Cathodes 35-80 (Heimes et al. 2018),
        tandem lines up to about 100."""
        dryer_m: Annotated[float, Field(gt=0.0, le=1000.0)] = 55.0
        """Heated length that one coated side passes: follows from 99 g/m2 of solvent at 50 m/min and 1.5 g/m2/s."""
        drying_rate_limit_g_per_m2_s: Annotated[float, Field(gt=0.0, le=500.0)] = 2.5
        """Most that the dryer takes off, averaged over its length: assumption, 0.8-3 for convection."""
        drying_rate_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.12, mature=0.05)
        """Of the rate at which binder migrates, from roll to roll, 1 sigma: assumption."""
        solvent_material: str = "nmp"
        """Name of the solvent in `materials`, as in `slurry_mix`."""
        solvent_density_g_per_cm3: Annotated[float, Field(gt=0.3, lt=3.0)] = 1.028
        """NMP at 25 degC; water 0.998."""
        solids_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.72
        """Recipe's, as in `slurry_mix`: what dryer and die are set for."""
        recovered_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.995
        """Of the solvent evaporated, what condenser and distillation give back: 0.98-0.998 (parameters of Baars et
        al.'s battery model); 0 for water."""
        latent_kwh_per_kg: Annotated[float, Field(gt=0.0, le=2.0)] = 0.14
        """Heat of vaporisation: NMP 44-54 kJ/mol (NIST WebBook); water 0.66 at 50 degC (steam tables)."""
        solvent_heat_wh_per_kg_k: Annotated[float, Field(gt=0.0, le=5.0)] = 0.5
        """Specific heat of the liquid: NMP 1.8 kJ/kg K; water 1.16."""
        web_c: Annotated[float, Field(ge=25.0, le=200.0)] = 90.0
        """At which the solvent leaves the web: assumption, NMP 80-110; water 40-60, its wet bulb."""
        air_c: Annotated[float, Field(ge=25.0, le=300.0)] = 120.0
        """Of the air that leaves the dryer: NMP 100-140; water 80-110: assumption."""
        exhaust_g_per_m3: Annotated[float, Field(gt=0.0, le=500.0)] = 8.0
        """Vapour in the exhaust, at 25 degC: assumption, 15 % of the lower flammability limit of NMP (1.3 % by volume,
        54 g/m3). Exhaust is set for the largest load at no more than a quarter of it, a half if it is watched (NFPA
        86). Water 40, a dew point of 36 degC."""
        air_heat_recovered_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.6
        """Of the exhaust's heat, returned to the fresh air: 0.4-0.6 (makers of heat exchangers), 0.8 with heat pumps;
        water 0.3: assumption."""
        dryer_loss_share: Annotated[float, Field(ge=0.0, le=2.0)] = 0.15
        """Through walls and slots, on top: assumption."""
        burner_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.85
        """Heat in the air over gas burnt, thermal-oil or steam loop included: typical 0.8-0.9."""
        recovery_heat_kwh_per_kg: Annotated[float, Field(ge=0.0, le=20.0)] = 0.5
        """Distilling of the solvent recovered, per kg: assumption, three to four times its latent heat."""
        recovery_power_kwh_per_kg: Annotated[float, Field(ge=0.0, le=20.0)] = 0.3
        """Electricity of chillers that condense it, per kg: latent heat and 20 K of the exhaust air at a coefficient
        of performance of 4, and pumps: assumption."""
        coating_porosity: Annotated[float, Field(gt=0.0, lt=0.9)] = 0.50
        """Dried, before the calender: assumption (graphite and LFP 0.52)."""
        diffusivity_m2_per_s: Annotated[float, Field(gt=0.0, le=1e-6)] = 1e-10
        """Effective, of the binder in the wet film: assumption, Peclet number 1 at 1 g/m2/s and 100 um."""
        migration_exponent: Annotated[float, Field(ge=0.0, le=5.0)] = 1.0
        """Peel strength with the binder at the foil: assumption, 0.7-1.5."""
        peel_n_per_m: Annotated[Capability, within(0.0, 1000.0)] = Ramped(start=63.0, mature=70.0)
        """Peel strength after infinitely slow drying, mean of patches: assumption, for 20-40 N/m of cathodes (anodes
        12-20) as they are dried."""
        peel_roll_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.10, mature=0.05)
        """From roll to roll besides drying (foil, primer), 1 sigma: assumption."""
        peel_patch_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.17, mature=0.12)
        """From patch to patch of 1 cm2, 1 sigma: assumption, 12-25 %."""
        peel_limit_n_per_m: Annotated[float, Field(ge=0.0, le=1000.0)] = 10.0
        """Weaker patches come off: assumption (release limits: cathode 10, anode 6)."""
        blister_seen_share: Annotated[Capability, within(0.0, 1.0)] = 0.9
        """Of the electrodes with such a patch, share seen by the camera: assumption."""
        crack_loading_mg_per_cm2: Annotated[float, Field(gt=0.0, le=500.0)] = 35.0
        """Loading at which half of the electrodes crack when dried at `crack_rate_g_per_m2_s`: assumption (graphite in
        water 20, LFP in water 12)."""
        crack_width_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.03
        """Width of the transition: assumption."""
        crack_rate_g_per_m2_s: Annotated[float, Field(gt=0.0, le=500.0)] = 1.5
        """Drying rate of that loading; the probability goes with the rate: assumption."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        super().__init__(params, design)
        self.recipe = DryingRecipe(
            self.electrode.loading_mg_per_cm2, self.electrode.solid_density_g_per_cm3, params.coating_porosity,
            params.solids_fraction, params.solvent_density_g_per_cm3, params.diffusivity_m2_per_s, params.dryer_m,
        )  # fmt: skip
        self.dryer = Dryer(
            params.latent_kwh_per_kg, 1e-3 * params.solvent_heat_wh_per_kg_k, params.web_c, params.air_c,
            params.exhaust_g_per_m3, params.air_heat_recovered_share, params.dryer_loss_share, params.burner_efficiency,
        )  # fmt: skip

    @property
    def drying_heat_kwh_per_kg(self) -> float:
        """Fuel per kg of solvent evaporated by the recipe; the distillation of what is recovered not included."""
        foil_g_per_m2 = self.electrode.foil_kg / self.electrode.foil_area_m2 * 1e3
        solids = self.params.solids_fraction / (1.0 - self.params.solids_fraction)
        return self.dryer.fuel_kwh_per_kg(solids + foil_g_per_m2 / (2.0 * self.recipe.solvent_g_per_m2))

    @property
    def drying_rate_g_per_m2_s(self) -> float:
        """What the recipe's speed demands of the dryer, averaged over its length."""
        return self.recipe.rate_g_per_m2_s(self.params.speed_m_per_min)

    def adhesion_limited_m_per_min(self, maturity: float = 1.0) -> float:
        """Speed at which the typical weakest patch of an electrode is as strong as the limit; 0 if it never is."""
        params = self.params
        slow = weakest_of(
            self.at("peel_n_per_m", maturity), log_sigma(self.at("peel_patch_cv", maturity)), self.patches
        )
        return self.recipe.adhesion_limited_m_per_min(slow, params.peel_limit_n_per_m, params.migration_exponent)

    def crack_probability(self) -> float:
        """Of an electrode of nominal loading, at the recipe's drying rate."""
        params = self.params
        at_reference = crack_probability(
            self.electrode.loading_mg_per_cm2, params.crack_loading_mg_per_cm2, params.crack_width_fraction
        )
        return float(min(at_reference * self.drying_rate_g_per_m2_s / params.crack_rate_g_per_m2_s, 1.0))

    @property
    def patches(self) -> float:
        """Square centimetres of coating on an electrode."""
        return float(max(self.electrode.piece_area_m2 * _CM2_PER_M2, 1.0))

    def review(self) -> Iterator[Remark]:
        """Dryer, adhesion, cracks, porosity and coating gap."""
        params, name, electrode, recipe = self.params, self.params.electrode, self.electrode, self.recipe
        rate, limit = self.drying_rate_g_per_m2_s, params.drying_rate_limit_g_per_m2_s
        adhesion = self.adhesion_limited_m_per_min()
        if rate > limit:
            yield Remark(
                "speed_m_per_min",
                f"the {name}'s {recipe.solvent_g_per_m2:.0f} g/m2 of solvent at {params.speed_m_per_min:g} m/min"
                f" through {params.dryer_m:g} m of dryer need {rate:.2f} g/m2/s, above the dryer's {limit:g}"
                " (drying_rate_limit_g_per_m2_s)",
                impossible=True,
                hint=f"at most {recipe.speed_m_per_min(limit):.0f} m/min,"
                f" or {params.dryer_m * rate / limit:.0f} m of dryer",
            )
        elif params.speed_m_per_min > adhesion > 0.0:
            yield Remark(
                "speed_m_per_min",
                f"drying at {rate:.2f} g/m2/s (Peclet number {recipe.peclet(rate):.1f}) carries so much binder to the"
                f" surface that the {name}'s weakest patch is typically below peel_limit_n_per_m"
                f" {params.peel_limit_n_per_m:g}",
                hint=f"adhesion allows about {adhesion:.0f} m/min",
            )
        if adhesion == 0.0:
            yield Remark(
                "peel_n_per_m",
                f"even when dried slowly the {name}'s weakest patch is below peel_limit_n_per_m"
                f" {params.peel_limit_n_per_m:g}",
            )
        if electrode.loading_mg_per_cm2 >= params.crack_loading_mg_per_cm2:
            yield Remark(
                f"design.{name}.loading_mg_per_cm2",
                f"the {name}'s {electrode.loading_mg_per_cm2:g} mg/cm2 are not below crack_loading_mg_per_cm2"
                f" {params.crack_loading_mg_per_cm2:g}: the coating cracks when it dries",
                impossible=True,
                hint="coat less per side, or raise the limit if your binder bears it",
            )
        elif self.crack_probability() > 0.01:
            yield Remark(
                f"design.{name}.loading_mg_per_cm2",
                f"{100.0 * self.crack_probability():.0f} % of the {name}s crack in drying, as"
                f" {electrode.loading_mg_per_cm2:g} mg/cm2 are close to crack_loading_mg_per_cm2"
                f" {params.crack_loading_mg_per_cm2:g}",
            )
        if params.coating_porosity <= electrode.porosity:
            yield Remark(
                "coating_porosity",
                f"the dried {name} has a porosity of {params.coating_porosity:g}, not above the design's"
                f" {electrode.porosity:.3f} (1 - press density / solid density): calendering cannot loosen it",
                impossible=True,
            )
        if params.web_c > params.air_c:
            yield Remark(
                "web_c",
                f"the web dries at {params.web_c:g} degC, hotter than the air of {params.air_c:g} degC (air_c)",
                impossible=True,
            )
        if not 3.0 <= params.speed_m_per_min <= 150.0:
            yield Remark("speed_m_per_min", f"{params.speed_m_per_min:g} m/min is outside 3-150, where lines coat")

    def peel_strength_n_per_m(self, drying_z: float, adhesion_z: float, maturity: float) -> float:
        """Mean peel strength of patches of nominal binder content on one roll.

        Parameters
        ----------
        drying_z, adhesion_z : float
            Standard normal numbers of the roll: rate at which binder migrates, adhesion besides that.
        maturity : float
        """
        rate = self.drying_rate_g_per_m2_s * math.exp(log_sigma(self.at("drying_rate_cv", maturity)) * drying_z)
        roll = math.exp(log_sigma(self.at("peel_roll_cv", maturity)) * adhesion_z)
        return self.at("peel_n_per_m", maturity) * self.recipe.peel_share(rate, self.params.migration_exponent) * roll

    def work(self, lot: Lot, maturity: float) -> Work:
        """Heat of dryer and distillation, chillers, and the solvent that the recovery does not give back.

        The seconds are the least that the recipe's speed allows; a web station that runs slower takes longer.
        """
        params, facts = self.params, lot.attributes
        evaporated_kg = facts["solvent_evaporated_kg"]
        recovered_kg = evaporated_kg * params.recovered_share
        bought_kg = evaporated_kg - recovered_kg + facts["solvent_hoses_kg"]
        return Work(
            seconds=facts["length_m"] / params.speed_m_per_min * 60.0,
            materials={params.solvent_material: bought_kg} if bought_kg > 0.0 else {},
            energy_kwh=params.recovery_power_kwh_per_kg * recovered_kg,
            heat_kwh=self.drying_heat_kwh_per_kg * evaporated_kg + params.recovery_heat_kwh_per_kg * recovered_kg,
        )
