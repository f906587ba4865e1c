"""Coat and dry: slurry is laid on both sides of the foil by slot dies and dried in one pass of the web.

What it models
    Batches become a web whose rows are segments, one electrode of one cell each. Per segment: the loading averaged over
    its own length, thin or heavy edges, pinholes and bubbles, streaks of lumps, metal particles, cracks, and the peel
    strength of its weakest patch, which fast drying lowers because it carries binder to the surface. Web is lost to
    start-up after each cleaning of the die, splices, breaks and stops. A loading gauge and cameras see with error.
Equations
    Loading = design x (1 + batch + roll + lane + drift + ripple + settling + short). Batch: the share of an error in
    solids per volume that the gauge loop leaves, and flow; lane: one bias per lane and die cleaning, and drift linear
    in the web since. Drift: Ornstein-Uhlenbeck, drawn exactly as segment means; pump ripple averaged by sinc(L /
    wavelength); noise of correlation length l by rho(L).
    Drying: solvent per side m = w (1 - s) / s, rate r = m v / L_dryer, so v_max = L_dryer r_max / m. Binder: Pe = r h
    / (rho D), share at the foil f = Pe / (exp(Pe) - 1). Peel = slow-drying mean x f^n x (w / w0)^1.2 x roll x weakest
    of n = area / 1 cm2 lognormal patches (order statistic). Cracks: logistic in the loading, in proportion to the rate.
    Flaws: Poisson in area with a Gamma factor per batch (negative binomial), lognormal sizes, lognormal detection;
    lumps: those of a lognormal size law that are larger than the die's gap. Breaks and stops: Poisson in length.
Range
    Slot-die coating of stripes in tandem at 5-150 m/min; coatings of 20-300 um; electrode length above 0.1 m. The
    dryer is set for `speed_m_per_min`: a slower web (a ramping station) dries no more slowly, only sooner.
Rows
    In: batches. Out: lanes x positions segments, row = lane x positions + position; m of mother roll. Adds charge
    (row of its batch, for the genealogy), edge_thinning_fraction (per lane, positive where thin) and metal_um; with
    `keep_all_columns` also pinholes, pinhole_mm and peel_n_per_m. Attributes: length_m run, stops_s (standstill
    by breaks), coating_porosity, the mass account of `cellfab.core.web`, and solvent_in_kg = solvent_scrap_kg +
    solvent_returned_kg + solvent_evaporated_kg.
Left out
    Coating window of the die, intermittent coating, the two sides' separate loadings, residual solvent, curl, zones of
    the dryer, effect of cracks and edges on the calender, tests of peel strength (destructive).
Recipes
    NMC811, PVDF in NMP: the defaults, at 25 mg/cm2. LFP, PVDF in NMP at 22 mg/cm2: solids_fraction 0.60, dryer_m 82,
    spots_per_m2 0.75 to 0.075, peel_n_per_m 65 to 75. Graphite, CMC and SBR in water at 10-15 mg/cm2: solvent_material
    deionised_water, solvent_density_g_per_cm3 0.998, solids_fraction 0.50, speed_m_per_min 60, dryer_m 110 at 15.4
    mg/cm2, drying_rate_limit_g_per_m2_s 3, recovered_share 0, drying_kwh_per_kg 1.8, coating_porosity 0.52,
    edge_fraction 0.25 to 0.10, pinhole_limit_mm 0.5, peel_n_per_m 45 to 50, peel_limit_n_per_m 6,
    crack_loading_mg_per_cm2 20. Hard carbon, the same on aluminium: solids_fraction 0.42, speed_m_per_min 45,
    coating_porosity 0.50, crack_loading_mg_per_cm2 12.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import ALIVE, Lot
from cellfab.errors import ConfigError
from cellfab.steps.base import ElectrodeStep, Work

CHARGE = column("charge", "int16", "1", "row of the powder charge in the parent lot")
LOADING = column("loading_mg_per_cm2", "float32", "mg/cm2", "true dry coating per side, averaged over the electrode")
PINHOLES = column("pinholes", "uint8", "1", "holes in the coating of the electrode, 255 for more")
PINHOLE = column("pinhole_mm", "float32", "mm", "size of the largest hole; 0 without one")
PEEL = column("peel_n_per_m", "float32", "N/m", "true peel strength of the electrode's weakest square centimetre")
EDGE = column("edge_thinning_fraction", "float32", "1", "loading missing at the coating's edge, negative where heavy")
METAL = column("metal_um", "float32", "um", "size of the largest metal particle in the coating; 0 without one")

START = cause("coat", "start_up", "web used to start the coater or to splice the foil")
BREAK = cause("coat", "web_break", "web lost to a break: threading and settling")
STOP = cause("coat", "stop", "web left in the dryer when the line stopped")
OFF_LOADING = cause("coat", "loading", "loading read as out of tolerance by the inline gauge")
SPOT = cause("coat", "pinhole", "pinhole, bubble or streak read as too large by the camera")
FOREIGN = cause("coat", "metal_particle", "metal particle seen by the camera")
CRACK = cause("coat", "crack", "coating cracked in drying")
BLISTER = cause("coat", "delamination", "coating seen to come off the foil")
_OF_CHARGE = ("active_fraction", "binder_fraction", "specific_capacity_mah_per_g")  # segments have their charge's
_CM2_PER_M2 = 1e4
_BINDER_EXPONENT = 1.2  # peel strength with the binder content: assumption, as for dry film

Rows = npt.NDArray[np.float32]
Charges = npt.NDArray[np.int32]


class Coat(ElectrodeStep):
    """Make a coated, dried web out of batches of slurry; see the module's text for the model."""

    name = "coat"
    reads = ("charge_kg", *_OF_CHARGE, "binder_cv", "agglomerate_um", "solids_fraction")
    writes = (LOADING, CHARGE, *_OF_CHARGE, EDGE, METAL)
    on_demand = (PINHOLES, PINHOLE, PEEL)
    """Columns kept with `keep_all_columns`: no later step reads them."""

    class Params(ElectrodeStep.Params):
        """Coater, dryer, loading field, flaws, adhesion and inline inspection."""

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
        drying_kwh_per_kg: Annotated[float, Field(ge=0.0, le=50.0)] = 4.0
        """Per kg of solvent, heat and recovery: assumption, NMP 2.5-6 with heat recovery and about 10 without (Ahmed
        et al. 2016); water 1.2-3."""
        coating_porosity: Annotated[float, Field(gt=0.0, lt=0.9)] = 0.50
        """Dried, before the calender: assumption (graphite and LFP 0.52)."""
        slurry_loss_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.01
        """Left in tanks, filters and hoses: material yield 0.99 of mixing in BatPaC 5."""
        edge_strip_fraction: Annotated[float, Field(ge=0.0, lt=0.2)] = 0.01
        """Coated strips outside the outer lanes, cut off at slitting: coated-material yield 0.99 in BatPaC 5."""
        foil_trim_fraction: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.08
        """Foil cut off at the edges: foil yield 0.92 at slitting in BatPaC 5."""
        start_up_m: Annotated[Capability, within(0.0, 5000.0)] = Ramped(start=300.0, mature=150.0)
        """Web lost when coating starts after a cleaning of the die: assumption, about two dryer lengths, 60-500."""
        splice_m: Annotated[Capability, within(0.0, 500.0)] = Ramped(start=20.0, mature=10.0)
        """Web lost at the start of every other roll (flying splice): assumption, 3-25."""
        die_clean_km: Annotated[float, Field(gt=0.0, le=1e5)] = 72.0
        """Web between cleanings of the die: assumption, 24 h at 50 m/min (8-72 h)."""
        breaks_per_km: Annotated[Capability, within(0.0, 100.0)] = Ramped(start=0.04, mature=0.005)
        """Web breaks: assumption, 1-100 per 1000 km."""
        break_m: Annotated[Capability, within(0.0, 5000.0)] = Ramped(start=300.0, mature=150.0)
        """Web lost after a break: assumption, a start-up."""
        rethread_min: Annotated[Capability, within(0.0, 1000.0)] = Ramped(start=60.0, mature=30.0)
        """Standstill after a break: assumption."""
        stops_per_km: Annotated[Capability, within(0.0, 100.0)] = Ramped(start=0.08, mature=0.028)
        """Stops of the line that leave web in the dryer: assumption, one in 12 h at 50 m/min. Their time is that of the
        station's failures."""
        stop_m: Annotated[Capability, within(0.0, 5000.0)] = 80.0
        """Web spoilt by a stop: assumption, the length of the dryer, 40-120."""
        gauge_loop_share: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.8, mature=0.9)
        """Of an error in the slurry's solids, what the loading gauge's loop corrects: assumption."""
        batch_loading_cv: Annotated[Capability, within(0.0, 0.3)] = Ramped(start=0.008, mature=0.003)
        """Loading offset of a batch (flow, viscosity), 1 sigma: assumption."""
        roll_loading_cv: Annotated[Capability, within(0.0, 0.3)] = Ramped(start=0.012, mature=0.004)
        """Loading offset of a roll, 1 sigma: assumption."""
        lane_loading_cv: Annotated[Capability, within(0.0, 0.3)] = Ramped(start=0.010, mature=0.004)
        """Bias of a lane after a cleaning of the die, 1 sigma: assumption."""
        lane_drift_cv: Annotated[Capability, within(0.0, 0.3)] = Ramped(start=0.005, mature=0.002)
        """Further bias of a lane by the next cleaning (deposits in the die), growing in proportion to the web coated,
        1 sigma: assumption."""
        drift_loading_cv: Annotated[Capability, within(0.0, 0.3)] = Ramped(start=0.0125, mature=0.005)
        """Point value of the slow drift, 1 sigma: assumption. With the other components 2.2 % and 0.8 % per electrode;
        0.5-1 % is wanted of a mature line (Broad and Fly 2022)."""
        drift_length_m: Annotated[float, Field(gt=0.0, le=1e5)] = 20.0
        """Correlation length of the drift (gauge loop): assumption."""
        ripple_fraction: Annotated[Capability, within(0.0, 0.5)] = 0.003
        """Amplitude of the pump's ripple: assumption."""
        ripple_m: Annotated[float, Field(gt=0.0, le=1000.0)] = 0.6
        """Its wavelength on the web: assumption."""
        short_loading_cv: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.012, mature=0.007)
        """Noise at its own correlation length, 1 sigma: assumption."""
        short_length_m: Annotated[float, Field(gt=0.0, le=10.0)] = 0.05
        """That length: assumption."""
        gauge_cv: Annotated[Capability, within(0.0, 0.2)] = 0.002
        """Error of the inline loading gauge on an electrode's mean, 1 sigma: assumption."""
        loading_tolerance_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.03
        """Loading read further than this from the design is marked bad: assumption; slot dies hold 1-3 %."""
        edge_fraction: Annotated[Capability, within(-0.9, 0.9)] = Ramped(start=-0.15, mature=-0.06)
        """Loading missing at the edges of the stripes; negative: heavy edges, 5-15 % unless the die's shims correct
        them: assumption. Anodes that are thinned against heavy edges 0.25 to 0.10."""
        edge_cv: Annotated[Capability, within(0.0, 2.0)] = 0.25
        """Of that, from lane to lane and cleaning to cleaning, 1 sigma: assumption."""
        spots_per_m2: Annotated[Capability, within(0.0, 1e4)] = Ramped(start=0.5, mature=0.05)
        """Pinholes and bubbles per coated area: assumption; half as many again for nano-sized powders such as LFP."""
        cluster_shape: Annotated[float, Field(ge=0.34, le=1e9)] = 1.5
        """Shape of the Gamma distribution of flaw rates over batches; large: all batches alike: assumption."""
        pinhole_median_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 0.3
        """Median flaw: assumption."""
        pinhole_spread_ln: Annotated[float, Field(ge=0.0, le=3.0)] = 0.6
        """Standard deviation of the logarithm of flaws' size: assumption."""
        lumps_per_m2: Annotated[float, Field(ge=0.0, le=1e6)] = 5.0
        """Largest agglomerates of the slurry per coated area, one in so many m2: assumption, with the die's gap about
        0.3 streaks per m2 at 80 um and 0.004 at 30 um."""
        lump_spread_ln: Annotated[float, Field(gt=0.0, le=3.0)] = 0.6
        """Standard deviation of the logarithm of their size about the batch's agglomerate size: assumption."""
        die_gap_um: Annotated[float, Field(gt=0.0, le=5000.0)] = 200.0
        """Gap between die lip and foil; larger lumps make a streak: 100-300 usual."""
        pinhole_limit_mm: Annotated[float, Field(gt=0.0, le=100.0)] = 0.8
        """Flaws read as larger are marked bad: assumption; a hole in an anode plates lithium, so take 0.5 there."""
        camera_spread_ln: Annotated[Capability, within(0.0, 3.0)] = 0.5
        """Error of the camera's size, standard deviation of the logarithm: assumption; with the limit it is a lognormal
        probability of detection."""
        metal_per_m2: Annotated[Capability, within(0.0, 1e3)] = Ramped(start=5e-3, mature=2e-4)
        """Metal particles above about 50 um per coated area, after the magnets: assumption."""
        metal_median_um: Annotated[float, Field(gt=0.0, le=5000.0)] = 80.0
        """Median metal particle: assumption."""
        metal_spread_ln: Annotated[float, Field(ge=0.0, le=3.0)] = 0.5
        """Standard deviation of the logarithm of their size: assumption."""
        metal_seen_um: Annotated[float, Field(gt=0.0, le=1e5)] = 250.0
        """Metal particle that the camera sees with a probability of one half: assumption."""
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
        keep_all_columns: bool = False
        """Keep the true state that no later step reads (holes, peel strength) in columns: memory."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        from cellfab.kernels.coating_theory import DryingRecipe

        super().__init__(params, design)
        self.recipe = DryingRecipe(
            self.electrode.loading_mg_per_cm2, self.electrode.solid_density_g_per_cm3, params.coating_porosity,
            params.solids_fraction, params.solvent_density_g_per_cm3, params.diffusivity_m2_per_s, params.dryer_m,
        )  # fmt: skip

    @property
    def drying_rate_g_per_m2_s(self) -> float:
        """What the recipe's speed demands of the dryer, averaged over its length."""
        return self.recipe.rate_g_per_m2_s(self.params.speed_m_per_min)

    def adhesion_limited_m_per_min(self, maturity: float = 1.0) -> float:
        """Speed at which the typical weakest patch of an electrode is as strong as the limit; 0 if it never is."""
        from cellfab.kernels.coating_theory import log_sigma, weakest_of

        params = self.params
        slow = weakest_of(
            self.at("peel_n_per_m", maturity), log_sigma(self.at("peel_patch_cv", maturity)), self._patches
        )
        return self.recipe.adhesion_limited_m_per_min(slow, params.peel_limit_n_per_m, params.migration_exponent)

    def crack_probability(self) -> float:
        """Of an electrode of nominal loading, at the recipe's drying rate."""
        from cellfab.kernels.coating_theory import crack_probability

        params = self.params
        at_reference = crack_probability(
            self.electrode.loading_mg_per_cm2, params.crack_loading_mg_per_cm2, params.crack_width_fraction
        )
        return float(min(at_reference * self.drying_rate_g_per_m2_s / params.crack_rate_g_per_m2_s, 1.0))

    @property
    def _patches(self) -> float:
        """Square centimetres of coating on an electrode."""
        return float(max(self.electrode.piece_area_m2 * _CM2_PER_M2, 1.0))

    def review(self) -> Iterator[Remark]:
        """Dryer, adhesion, cracks, porosity and coating gap."""
        params, name, electrode, recipe = self.params, self.params.electrode, self.electrode, self.recipe
        rate, limit = self.drying_rate_g_per_m2_s, params.drying_rate_limit_g_per_m2_s
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
        adhesion = self.adhesion_limited_m_per_min()
        if adhesion == 0.0:
            yield Remark(
                "peel_n_per_m",
                f"even when dried slowly the weakest patch of a {name} is below peel_limit_n_per_m"
                f" {params.peel_limit_n_per_m:g}",
            )
        elif params.speed_m_per_min > adhesion:
            yield Remark(
                "speed_m_per_min",
                f"drying at {rate:.2f} g/m2/s (Peclet number {recipe.peclet(rate):.1f}) carries so much binder to the"
                f" surface that the weakest patch of a {name} is typically below peel_limit_n_per_m"
                f" {params.peel_limit_n_per_m:g}",
                hint=f"adhesion allows about {adhesion:.0f} m/min",
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
        if not 3.0 <= params.speed_m_per_min <= 150.0:
            yield Remark("speed_m_per_min", f"{params.speed_m_per_min:g} m/min is outside 3-150, where lines coat")

    # ---- what happens to a lot ------------------------------------------------------------------------------

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Make the web; rejected batches shorten it."""
        from cellfab.kernels import dry_web, wet_web

        self.expect(lot)
        params, electrode = self.params, self.electrode
        self._fits(lot)
        lanes, planned = int(lot.attributes["lanes"]), int(lot.attributes["planned_positions"])
        segment_kg = electrode.piece_coating_kg / (1.0 - params.edge_strip_fraction)
        film_kg = lot.columns["charge_kg"].astype(np.float64) * (1.0 - params.slurry_loss_fraction)
        if lot.exit_code is not None:
            film_kg[lot.exit_code != ALIVE] = 0.0

        child = lot.child(draws.owner, n=0, unit="m", amount=0.0)
        charge = np.empty(planned, np.int32)
        dry_web.lay_charges(film_kg, segment_kg, lanes, electrode.length_m, charge)
        roll = draws.normal("roll", child, 3)  # loading, drying rate, adhesion
        along = self._along(child, lot, charge, float(roll[0]), draws, maturity)
        across, edges, start_m = self._lanes(lot, lanes, draws, maturity)
        slurry_kg = float(film_kg.sum())
        positions = dry_web.positions_filled(along, float(across.mean()), segment_kg * lanes, slurry_kg)
        charge, along = charge[:positions], along[:positions]

        child.n = n = lanes * positions
        pitch = electrode.length_m
        child.attributes |= {
            "lanes": float(lanes), "positions": float(positions), "pitch_m": pitch, "length_m": positions * pitch,
            "segment_m2": electrode.piece_area_m2, "coating_porosity": params.coating_porosity,
        }  # fmt: skip
        lost = np.empty(positions, np.int16)
        breaks, *spoilt = wet_web.interrupt_web(
            child.identity, pitch, start_m, START,
            draws.key("break"), 1e-3 * self.at("breaks_per_km", maturity), self.at("break_m", maturity), BREAK,
            draws.key("stop"), 1e-3 * self.at("stops_per_km", maturity), self.at("stop_m", maturity), STOP, lost,
        )  # fmt: skip
        child.attributes["stops_s"] = breaks * 60.0 * self.at("rethread_min", maturity)
        loading = child.columns[LOADING] = np.empty(n, np.float32)
        child.exit_code = np.empty(n, np.int16)
        total, off = dry_web.laminate(
            child.identity, planned, across, along, draws.key("short"), self._short_cv(maturity),
            electrode.loading_mg_per_cm2, draws.key("gauge"), self.at("gauge_cv", maturity),
            params.loading_tolerance_fraction, OFF_LOADING, lost, loading, child.exit_code,
        )  # fmt: skip
        losses = [(cause, lanes * here) for cause, here in zip((START, BREAK, STOP), spoilt, strict=True)]
        web.scrapped(child, *losses, (OFF_LOADING, off))
        for name in _OF_CHARGE:
            child.columns[name] = np.empty(n, np.float32)
            dry_web.spread_charges(charge, lot.columns[name], lanes, child.columns[name])
        child.columns[EDGE] = np.repeat(edges, positions)
        self._close_account(child, lot, segment_kg, slurry_kg, total)
        self._flaws(child, lot, charge, draws, maturity)
        self._adhesion(child, lot, charge, roll, draws, maturity)
        web.settle_web(child)
        child.columns[CHARGE] = np.tile(charge.astype(np.int16), lanes)
        return child

    def _fits(self, lot: Lot) -> None:
        """Refuse slurry of another recipe than the dryer is set for."""
        solids = lot.columns["solids_fraction"]
        if solids.size and abs(float(np.median(solids)) - self.params.solids_fraction) > 0.05:
            raise ConfigError(
                f"coat, {self.params.electrode}: set for a solids_fraction of {self.params.solids_fraction:g}, but the"
                f" slurry has {float(np.median(solids)):.2f}: give `slurry_mix` and `coat` the same"
            )

    def _lanes(self, lot: Lot, lanes: int, draws: Draws, maturity: float) -> tuple[Rows, Rows, float]:
        """Relative loading error and edge thinning of each lane, and the metres lost to starting this roll.

        Bias and edges last from one cleaning of the die to the next: all rolls in between share their numbers.
        """
        from cellfab.kernels.random import fill_normal

        params, planned_m = self.params, lot.attributes["planned_m"]
        interval_m = 1e3 * params.die_clean_km
        cleaned = int(lot.ordinal * planned_m // interval_m)
        age = (lot.ordinal + 0.5) * planned_m / interval_m - cleaned  # of the die, at the middle of the roll
        z = np.empty(3 * lanes, np.float32)
        fill_normal(draws.key("lane"), cleaned, z)
        bias, drift, edge = z.reshape(3, lanes)
        across = np.float32(self.at("lane_loading_cv", maturity)) * bias
        across += np.float32(self.at("lane_drift_cv", maturity) * age) * drift
        edges = np.float32(self.at("edge_fraction", maturity)) * (1.0 + self.at("edge_cv", maturity) * edge)
        fresh = lot.ordinal == 0 or int((lot.ordinal - 1) * planned_m // interval_m) != cleaned
        return across, edges.astype(np.float32), self.at("start_up_m" if fresh else "splice_m", maturity)

    def _along(self, child: Lot, lot: Lot, charge: Charges, roll: float, draws: Draws, maturity: float) -> Rows:
        """Relative loading error common to all lanes, per position."""
        from cellfab.kernels import dry_web, web_field, wet_web

        params, pitch = self.params, self.electrode.length_m
        phase = 2.0 * math.pi * float(draws.uniform("phase", child, 1)[0])
        batch = np.float32(self.at("batch_loading_cv", maturity)) * draws.normal("batch", lot)
        batch += np.float32(1.0 - self.at("gauge_loop_share", maturity)) * self._solids_error(lot)
        along = np.empty(charge.size, np.float32)
        dry_web.loading_along(
            child.identity, draws.key("drift"), draws.key("drift_mean"), self.at("drift_loading_cv", maturity),
            tuple(web_field.ou_coefficients(pitch, params.drift_length_m)),
            *web_field.ripple_law(self.at("ripple_fraction", maturity), pitch, params.ripple_m, phase),
            self.at("roll_loading_cv", maturity) * roll, batch, charge, along,
        )  # fmt: skip
        wet_web.settle_along(charge, float(lot.attributes["settled_share"]), along)
        return along

    def _solids_error(self, lot: Lot) -> Rows:
        """Relative error of the solids in a volume of slurry, which is what the pump meters, per batch."""
        from cellfab.kernels.slurry_theory import solids_g_per_cm3

        params, solid = self.params, self.electrode.solid_density_g_per_cm3
        metered = solids_g_per_cm3(lot.columns["solids_fraction"], solid, params.solvent_density_g_per_cm3)
        meant = solids_g_per_cm3(params.solids_fraction, solid, params.solvent_density_g_per_cm3)
        error: Rows = (metered / meant - 1.0).astype(np.float32)
        return error

    def _short_cv(self, maturity: float) -> float:
        """Short-range noise left after averaging over the electrode's own length."""
        from cellfab.kernels.web_field import mean_variance_factor

        own = mean_variance_factor(self.electrode.length_m, self.params.short_length_m)
        return self.at("short_loading_cv", maturity) * math.sqrt(own)

    def _close_account(
        self, child: Lot, lot: Lot, segment_kg: float, slurry_kg: float, total_mg_per_cm2: float
    ) -> None:
        """Powder and solvent: coated, lost in the hoses, or left in the tank for another roll."""
        facts = child.attributes
        coated_kg = total_mg_per_cm2 * web.KG_PER_M2 * facts["segment_m2"]
        facts["kg_strip"] = coated_kg * (segment_kg / self.electrode.piece_coating_kg - 1.0)
        web_kg = coated_kg + facts["kg_strip"]
        charged_kg = facts["kg_good"]
        facts["kg_scrap"] += charged_kg - slurry_kg
        facts["kg_returned"] += slurry_kg - web_kg
        facts["kg_good"] = web_kg
        # Solvent goes with the powder, batch by batch; per kg of powder it is the average of the batches alive.
        solvent_kg = facts["solvent_in_kg"] - facts["solvent_scrap_kg"]
        per_kg = solvent_kg / charged_kg if charged_kg > 0.0 else 0.0
        facts["solvent_scrap_kg"] += per_kg * (charged_kg - slurry_kg)
        facts["solvent_returned_kg"] = per_kg * (slurry_kg - web_kg)
        facts["solvent_evaporated_kg"] = per_kg * web_kg

    def _flaws(self, child: Lot, lot: Lot, charge: Charges, draws: Draws, maturity: float) -> None:
        """Pinholes, bubbles and streaks; metal particles; cracks."""
        from cellfab.kernels import dry_web, wet_web
        from cellfab.kernels.coating_theory import streak_share

        params, area_m2, n = self.params, child.attributes["segment_m2"], lot.n
        streaks = [
            params.lumps_per_m2 * streak_share(size, params.die_gap_um, params.lump_spread_ln)
            for size in lot.columns["agglomerate_um"].tolist()
        ]
        factor = np.empty(2 * n)
        wet_web.batch_factors(draws.key("flaw_factor"), lot.identity, params.cluster_shape, factor)
        spots = (self.at("spots_per_m2", maturity) * factor[:n] + streaks) * area_m2
        room = child.n if params.keep_all_columns else 0
        count, largest = np.zeros(room, np.uint8), np.zeros(room, np.float32)
        planned, code = web.planned_positions(child), web.exit_codes(child)
        seen = dry_web.inspect_holes(
            child.identity, planned, draws.key("pinholes"), draws.key("pinhole_size"), draws.key("camera"), spots,
            params.pinhole_median_mm, params.pinhole_spread_ln, self.at("camera_spread_ln", maturity),
            params.pinhole_limit_mm, SPOT, charge, code, count, largest,
        )  # fmt: skip
        metal = child.columns[METAL] = np.zeros(child.n, np.float32)
        foreign = wet_web.rare_events(
            child.identity, planned, draws.key("metal_place"), draws.key("metal"),
            self.at("metal_per_m2", maturity) * area_m2 * factor[n:], params.metal_median_um, params.metal_spread_ln,
            params.metal_seen_um, self.at("camera_spread_ln", maturity), FOREIGN, charge, code, metal,
        )  # fmt: skip
        # Every crack is seen: it is all over the electrode.
        crack = np.full(n, -math.log1p(-min(self.crack_probability(), 1.0 - 1e-9)))
        cracked = wet_web.rare_events(
            child.identity, planned, draws.key("crack_place"), draws.key("crack"), crack, 1.0, 0.0, 0.5, 0.0, CRACK,
            charge, code, np.empty(0, np.float32),
        )  # fmt: skip
        web.scrapped(child, (SPOT, seen), (FOREIGN, foreign), (CRACK, cracked))
        if room:
            child.columns |= {PINHOLES: count, PINHOLE: largest}

    def _adhesion(self, child: Lot, lot: Lot, charge: Charges, roll: Rows, draws: Draws, maturity: float) -> None:
        from cellfab.kernels import dry_web
        from cellfab.kernels.coating_theory import log_sigma
        from cellfab.kernels.extremes import lowest_of

        params, columns = self.params, lot.columns
        rate = self.drying_rate_g_per_m2_s * math.exp(log_sigma(self.at("drying_rate_cv", maturity)) * float(roll[1]))
        mean = self.at("peel_n_per_m", maturity) * self.recipe.peel_share(rate, params.migration_exponent)
        mean *= math.exp(log_sigma(self.at("peel_roll_cv", maturity)) * float(roll[2]))
        exponent = np.float32(_BINDER_EXPONENT)
        variance = np.log1p((exponent * columns["binder_cv"]) ** 2)
        variance += np.float32(log_sigma(self.at("peel_patch_cv", maturity)) ** 2)
        spread = np.sqrt(variance)
        strength = (columns["binder_fraction"] / np.float32(self.electrode.binder_fraction)) ** exponent
        median = np.float32(mean) * strength * np.exp(np.float32(-0.5) * variance)
        seen = dry_web.inspect_peel(
            child.identity, web.planned_positions(child), draws.key("weakest_patch"), draws.key("blister"), median,
            spread, self._patches, params.peel_limit_n_per_m, self.at("blister_seen_share", maturity), BLISTER, charge,
            web.exit_codes(child),
        )  # fmt: skip
        web.scrapped(child, (BLISTER, seen))
        if params.keep_all_columns:
            weakest = lowest_of(web.normal(draws, "weakest_patch", child), self._patches)
            child.columns[PEEL] = (median[charge] * np.exp(spread[charge] * weakest)).ravel()

    def work(self, lot: Lot, maturity: float) -> Work:
        """Foil for the whole length run, heat for the solvent, and the solvent that the recovery does not give back.

        The seconds are the least that the recipe's speed allows; a web station that runs slower takes longer.
        """
        electrode, params, facts = self.electrode, self.params, lot.attributes
        lane_m = (electrode.width_mm + electrode.margin_mm) * 1e-3
        materials = {
            f"{electrode.foil}_foil": facts["length_m"] * facts["lanes"] * lane_m / (1.0 - params.foil_trim_fraction)
        }
        evaporated_kg = facts["solvent_evaporated_kg"]
        hoses_kg = evaporated_kg / (1.0 - params.slurry_loss_fraction) * params.slurry_loss_fraction
        bought_kg = evaporated_kg * (1.0 - params.recovered_share) + hoses_kg
        if bought_kg > 0.0:
            materials[params.solvent_material] = bought_kg
        return Work(
            seconds=facts["length_m"] / params.speed_m_per_min * 60.0,
            materials=materials,
            energy_kwh=params.drying_kwh_per_kg * evaporated_kg,
        )
