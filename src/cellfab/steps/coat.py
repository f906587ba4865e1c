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
    Fuel of the dryer per kg of solvent = (latent + sensible heat of solvent and web + exhaust air's heat (1 -
    recovered)) (1 + losses) / burner efficiency, exhaust air per kg = 1 / vapour concentration; and distillation.
Range
    Slot-die coating of stripes in tandem at 3-150 m/min; coatings of 20-300 um; electrode length above 0.1 m; fewer
    than ten flaws of a kind that the camera sees per electrode (more count as ten). The dryer is set for
    `speed_m_per_min`: a slower web (a ramping station) dries no more slowly, only sooner.
Rows
    In: batches. Out: lanes x positions segments, row = lane x positions + position; m of mother roll. Adds charge (row
    of its batch, for the genealogy), edge_thinning_fraction (per lane, positive where thin), metal_um (largest
    metal particle) and pinhole_mm (largest hole; of anodes); with `keep_all_columns` also pinholes, peel_n_per_m and a
    cathode's pinhole_mm. Attributes: length_m run, stops_s (standstill by breaks), coating_porosity, the mass account
    of `cellfab.core.web`, and solvent_in_kg = solvent_scrap_kg + solvent_hoses_kg + solvent_returned_kg +
    solvent_evaporated_kg.
Left out
    Coating window of the die, intermittent coating, the two sides' separate loadings, residual solvent, curl, zones of
    the dryer, exhaust air while the web is slow or stands, effect of cracks and edges on the calender, tests of peel
    strength (destructive).
Recipes
    NMC811, PVDF in NMP: the defaults, at 25 mg/cm2. LFP, PVDF in NMP at 22 mg/cm2: solids_fraction 0.60, dryer_m 82,
    spots_per_m2 0.75 to 0.075, peel_n_per_m 65 to 75. Graphite, CMC and SBR in water at 10-15 mg/cm2: solvent_material
    deionised_water, solvent_density_g_per_cm3 0.998, solids_fraction 0.50, speed_m_per_min 60, dryer_m 110 at 15.4
    mg/cm2, drying_rate_limit_g_per_m2_s 3, recovered_share 0, latent_kwh_per_kg 0.66,
    solvent_heat_wh_per_kg_k 1.16, web_c 50, air_c 90, exhaust_g_per_m3 40, air_heat_recovered_share 0.3,
    coating_porosity 0.52, edge_fraction 0.25 to 0.10, pinhole_limit_mm 0.5, peel_n_per_m 45 to 50, peel_limit_n_per_m
    6, crack_loading_mg_per_cm2 20. Hard carbon, the same on aluminium: solids_fraction 0.42, speed_m_per_min 45,
    coating_porosity 0.50, crack_loading_mg_per_cm2 12.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.flaws import Patches, Sizes, inspect_flaws, inspect_peel
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.kernels import AtFirstUse
from cellfab.kernels.coating_theory import log_sigma, streak_share
from cellfab.kernels.slurry_theory import solids_g_per_cm3
from cellfab.steps.base import Work
from cellfab.steps.drying import Drying

dry_web = AtFirstUse("dry_web")
film = AtFirstUse("film")
random = AtFirstUse("random")
web_events = AtFirstUse("web_events")
web_field = AtFirstUse("web_field")
wet_web = AtFirstUse("wet_web")

CHARGE = column("charge", "int16", "1", "row of the powder charge in the parent lot")
LOADING = column("loading_mg_per_cm2", "float32", "mg/cm2", "true dry coating per side, averaged over the electrode")
PINHOLES = column("pinholes", "uint8", "1", "holes in the coating of the electrode, 255 for more")
PINHOLE = column("pinhole_mm", "float32", "mm", "true size of the largest hole; 0 without one")
PEEL = column("peel_n_per_m", "float32", "N/m", "true peel strength of the electrode's weakest square centimetre")
EDGE = column("edge_thinning_fraction", "float32", "1", "loading missing at the coating's edge, negative where heavy")
METAL = column("metal_um", "float32", "um", "true size of the largest metal particle mixed in; 0 without one")

START = cause("coat", "start_up", "web used to start the coater or to splice the foil")
BREAK = cause("coat", "web_break", "web lost to a break: threading and settling")
STOP = cause("coat", "stop", "web left in the dryer when the line stopped")
OFF_LOADING = cause("coat", "loading", "loading read as out of tolerance by the inline gauge")
SPOT = cause("coat", "pinhole", "pinhole, bubble or streak read as too large by the camera")
FOREIGN = cause("coat", "metal_particle", "metal particle seen by the camera")
CRACK = cause("coat", "crack", "coating cracked in drying")
BLISTER = cause("coat", "delamination", "coating seen to come off the foil")
_BINDER_EXPONENT = 1.2  # of peel strength in the binder content: assumption, as for dry film
_OF_CHARGE = ("active_fraction", "binder_fraction", "specific_capacity_mah_per_g")  # segments have their charge's

Rows = npt.NDArray[np.float32]
Charges = npt.NDArray[np.int32]


class Coat(Drying):
    """Make a coated, dried web out of batches of slurry; see the module's text for the model."""

    name = "coat"
    reads = ("charge_kg", *_OF_CHARGE, "binder_cv", "agglomerate_um", "solids_fraction")
    writes: ClassVar[tuple[str, ...]] = (LOADING, CHARGE, *_OF_CHARGE, EDGE, METAL)
    on_demand = (PINHOLES, PINHOLE, PEEL)
    """Columns kept with `keep_all_columns`: no later step reads them."""

    class Params(Drying.Params):
        """Coater, loading field, flaws and inline inspection; the dryer's stand in `cellfab.steps.drying`."""

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
        loading_tolerance_fraction: Annotated[float, Field(gt=0.0, le=1.0), Threshold()] = 0.03
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
        pinhole_limit_mm: Annotated[float, Field(gt=0.0, le=100.0), Threshold()] = 0.8
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
        keep_all_columns: bool = False
        """Keep the true state that no later step reads (holes, peel strength) in columns: memory."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        super().__init__(params, design)
        if params.electrode == "anode":  # a hole in it is a place where metal plates; a cathode only lacks capacity
            self.writes = (*type(self).writes, PINHOLE)  # type: ignore[misc]

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Make the web; rejected batches shorten it."""
        self.expect(lot)
        params, electrode = self.params, self.electrode
        self._fits(lot)
        lanes, planned = int(lot.attributes["lanes"]), int(lot.attributes["planned_positions"])
        segment_kg = electrode.piece_coating_kg / (1.0 - params.edge_strip_fraction)
        slurry_kg = web.living_charges_kg(lot) * (1.0 - params.slurry_loss_fraction)
        total_kg = float(slurry_kg.sum())
        charge = np.empty(planned, np.int32)
        dry_web.lay_charges(slurry_kg, segment_kg, lanes, electrode.length_m, charge)

        child = lot.child(draws.owner, n=0, unit="m", amount=0.0)
        roll = draws.normal("roll", child, 3)  # loading, drying rate, adhesion
        along = self._along(child, lot, charge, float(roll[0]), draws, maturity)
        across, edges, start_m = self._lanes(lot, lanes, draws, maturity)
        positions = dry_web.positions_filled(along, float(across.mean()), lanes * segment_kg, total_kg)
        along = along[:positions]

        child.n, pitch = lanes * positions, electrode.length_m
        child.attributes |= {
            "lanes": float(lanes), "positions": float(positions), "pitch_m": pitch, "length_m": positions * pitch,
            "segment_m2": electrode.piece_area_m2, "coating_porosity": params.coating_porosity,
        }  # fmt: skip
        design = float(np.float32(electrode.loading_mg_per_cm2))
        loading = web.field(
            child, draws, "short", design * self._short_cv(maturity), design, across, along, scale=design
        )
        loading, total = web.cut_to_powder(child, loading, total_kg * (1.0 - params.edge_strip_fraction))
        child.columns[LOADING] = loading
        charge = charge[: web.shape(child)[1]]
        web.lay_columns(child, lot, charge, _OF_CHARGE, edges)
        self._close_account(child, total_kg, total)
        self._interrupt(child, start_m, draws, maturity)
        tolerance = params.loading_tolerance_fraction
        web.inspect(
            child, draws, "gauge", loading, design * (1.0 - tolerance), design * (1.0 + tolerance),
            OFF_LOADING, relative=self.at("gauge_cv", maturity),
        )  # fmt: skip
        self._flaws(child, lot, charge, draws, maturity)
        self._adhesion(child, lot, charge, roll, draws, maturity)
        web.settle_web(child)
        return child

    def _fits(self, lot: Lot) -> None:
        """Refuse slurry of another recipe than the dryer is set for."""
        found = float(lot.columns["solids_fraction"].mean()) if lot.n else self.params.solids_fraction
        if not abs(found - self.params.solids_fraction) <= 0.05:  # nor if it is not a number
            raise ConfigError(
                f"coat, {self.params.electrode}: set for a solids_fraction of {self.params.solids_fraction:g}, but the"
                f" slurry has {found:.2f}: give `slurry_mix` and `coat` the same"
            )

    def _lanes(self, lot: Lot, lanes: int, draws: Draws, maturity: float) -> tuple[Rows, Rows, float]:
        """Relative loading error and edge thinning of each lane, and the metres lost to starting this roll.

        Bias and edges last from one cleaning of the die to the next: all rolls in between share their numbers.
        """
        params, planned_m = self.params, lot.attributes["planned_m"]
        interval_m = 1e3 * params.die_clean_km
        cleaned = int(lot.ordinal * planned_m // interval_m)
        age = (lot.ordinal + 0.5) * planned_m / interval_m - cleaned  # of the die, at the middle of the roll
        z = np.empty(3 * lanes, np.float32)
        random.fill_normal(draws.key("lane"), cleaned, z)
        bias, drift, edge = z.reshape(3, lanes)
        across = np.float32(self.at("lane_loading_cv", maturity)) * bias
        across += np.float32(self.at("lane_drift_cv", maturity) * age) * drift
        edges = np.float32(self.at("edge_fraction", maturity)) * (1.0 + self.at("edge_cv", maturity) * edge)
        fresh = lot.ordinal == 0 or int((lot.ordinal - 1) * planned_m // interval_m) != cleaned
        return across, edges.astype(np.float32), self.at("start_up_m" if fresh else "splice_m", maturity)

    def _along(self, child: Lot, lot: Lot, charge: Charges, roll: float, draws: Draws, maturity: float) -> Rows:
        """Relative loading error common to all lanes, per position."""
        params, pitch = self.params, self.electrode.length_m
        phase = 2.0 * math.pi * float(draws.uniform("phase", child, 1)[0])
        batch = self._solids_error(lot)
        batch *= np.float32(1.0 - self.at("gauge_loop_share", maturity))
        batch += np.float32(self.at("batch_loading_cv", maturity)) * draws.normal("batch", lot)
        along = web.wander(child, draws, "drift", charge.size, pitch, params.drift_length_m)
        web_field.add_along(
            self.at("drift_loading_cv", maturity),
            *web_field.ripple_law(self.at("ripple_fraction", maturity), pitch, params.ripple_m, phase),
            self.at("roll_loading_cv", maturity) * roll, batch, charge, along,
        )  # fmt: skip
        wet_web.settle_along(charge, float(lot.attributes["settled_share"]), along)
        return along

    def _solids_error(self, lot: Lot) -> Rows:
        """Relative error of the solids in a volume of slurry, which is what the pump meters, per batch."""
        params, solid = self.params, self.electrode.solid_density_g_per_cm3
        metered = solids_g_per_cm3(lot.columns["solids_fraction"], solid, params.solvent_density_g_per_cm3)
        meant = solids_g_per_cm3(params.solids_fraction, solid, params.solvent_density_g_per_cm3)
        error: Rows = (metered / meant - 1.0).astype(np.float32)
        return error

    def _short_cv(self, maturity: float) -> float:
        """Short-range noise left after averaging over the electrode's own length."""
        own = web_field.mean_variance_factor(self.electrode.length_m, self.params.short_length_m)
        return self.at("short_loading_cv", maturity) * math.sqrt(own)

    def _interrupt(self, child: Lot, start_m: float, draws: Draws, maturity: float) -> None:
        """Web lost to the start, to breaks and to stops, in all lanes."""
        lanes, positions = web.shape(child)
        lost = np.empty(positions, np.int16)
        breaks, *spoilt = wet_web.interrupt_web(
            child.identity, self.electrode.length_m, start_m, START,
            draws.key("break"), 1e-3 * self.at("breaks_per_km", maturity), self.at("break_m", maturity), BREAK,
            draws.key("stop"), 1e-3 * self.at("stops_per_km", maturity), self.at("stop_m", maturity), STOP, lost,
        )  # fmt: skip
        child.attributes["stops_s"] = breaks * 60.0 * self.at("rethread_min", maturity)
        web.exit_codes(child).reshape(lanes, positions)[:] = lost
        web.scrapped(child, *((cause, lanes * here) for cause, here in zip((START, BREAK, STOP), spoilt, strict=True)))

    def _close_account(self, child: Lot, slurry_kg: float, total_mg_per_cm2: float) -> None:
        """Powder and solvent: coated, lost in the hoses, or left in the tank for another roll."""
        facts = child.attributes
        coated_kg = total_mg_per_cm2 * web.KG_PER_M2 * facts["segment_m2"]
        web_kg = coated_kg / (1.0 - self.params.edge_strip_fraction)
        facts["kg_strip"] = web_kg - coated_kg
        charged_kg = facts["kg_good"]
        facts["kg_scrap"] += charged_kg - slurry_kg
        facts["kg_returned"] += slurry_kg - web_kg
        facts["kg_good"] = web_kg
        # Solvent goes with the powder; per kg of powder it is the average of the batches alive.
        solvent_kg = facts["solvent_in_kg"] - facts["solvent_scrap_kg"]
        per_kg = solvent_kg / charged_kg if charged_kg > 0.0 else 0.0
        facts["solvent_hoses_kg"] = per_kg * (charged_kg - slurry_kg)
        facts["solvent_returned_kg"] = per_kg * (slurry_kg - web_kg)
        facts["solvent_evaporated_kg"] = per_kg * web_kg

    def _flaws(self, child: Lot, lot: Lot, charge: Charges, draws: Draws, maturity: float) -> None:
        """Pinholes, bubbles and streaks; metal particles; cracks."""
        params, area_m2, n = self.params, child.attributes["segment_m2"], lot.n
        streaks = [
            params.lumps_per_m2 * streak_share(size, params.die_gap_um, params.lump_spread_ln)
            for size in lot.columns["agglomerate_um"].tolist()
        ]
        factor = np.empty(2 * n)
        wet_web.batch_factors(draws.key("flaw_factor"), lot.identity, params.cluster_shape, factor)
        camera = self.at("camera_spread_ln", maturity)
        spots = (self.at("spots_per_m2", maturity) * factor[:n] + streaks) * area_m2
        law = Sizes(params.pinhole_median_mm, params.pinhole_spread_ln, camera, params.pinhole_limit_mm)
        keep = params.keep_all_columns
        holes = inspect_flaws(
            child, draws, "spots", spots, charge, law, SPOT, keep=keep or PINHOLE in self.writes
        )  # fmt: skip
        metals = self.at("metal_per_m2", maturity) * area_m2 * factor[n:]
        law = Sizes(params.metal_median_um, params.metal_spread_ln, camera, params.metal_seen_um)
        metal = inspect_flaws(child, draws, "metal", metals, charge, law, FOREIGN, keep=True)
        assert metal is not None
        child.columns[METAL] = metal.largest
        if holes is not None:
            child.columns[PINHOLE] = holes.largest
            if keep:
                child.columns[PINHOLES] = holes.counts()
        # Every crack is seen: it is all over the electrode.
        cracks = web.events(child, draws, "crack", web_events.rate_of(self.crack_probability()))
        web.scrap_rows(child, cracks.rows, CRACK)

    def _adhesion(self, child: Lot, lot: Lot, charge: Charges, roll: Rows, draws: Draws, maturity: float) -> None:
        """Segments with a patch that comes off the foil, of which the camera sees most."""
        params, columns = self.params, lot.columns
        median, spread, weak = np.empty((3, lot.n))
        film.peel_of_charges(
            np.ones(lot.n, np.float32), columns["binder_fraction"], self.electrode.binder_fraction,
            columns["binder_cv"], self.peel_strength_n_per_m(float(roll[1]), float(roll[2]), maturity),
            log_sigma(self.at("peel_patch_cv", maturity)) ** 2, _BINDER_EXPONENT, params.peel_limit_n_per_m,
            self.patches, median, spread, weak,
        )  # fmt: skip
        peel = inspect_peel(
            child, draws, "weak_patch", Patches(median, spread, weak, self.patches), charge,
            self.at("blister_seen_share", maturity), BLISTER, keep=params.keep_all_columns,
        )  # fmt: skip
        if peel is not None:
            child.columns[PEEL] = peel

    def work(self, lot: Lot, maturity: float) -> Work:
        """Foil for the whole length run, trims included, and what drying takes."""
        electrode, facts = self.electrode, lot.attributes
        lane_m = (electrode.width_mm + electrode.margin_mm) * 1e-3
        foil_m2 = facts["length_m"] * facts["lanes"] * lane_m / (1.0 - self.params.foil_trim_fraction)
        drying = super().work(lot, maturity)
        return drying._replace(materials={f"{electrode.foil}_foil": foil_m2, **drying.materials})
