"""Dry film: powder is rolled into a free-standing film, which is laminated onto both sides of the foil.

What it models
    Charges become a web whose rows are segments, one electrode of one cell each. Per segment: the loading averaged
    over its own length, holes, and the peel strength of its weakest patch. The web breaks, is threaded at the start
    of each roll, and runs under an inline loading gauge (with error) and a camera that sees holes and blisters.
Equations
    Loading = design x (1 + charge + roll + lane + drift + ripple + short): normal offsets per charge, roll and lane;
    an Ornstein-Uhlenbeck drift drawn exactly as segment means; the rolls' runout TIR gives a ripple of amplitude TIR
    / 2 / h and wavelength pi D, whose mean over a length L carries sinc(L / wavelength); feed noise of correlation
    length l_c averaged by the nip, sqrt(l_c / (l_c + l_nip)), and over the electrode, rho(L). Breaks: Poisson with
    rate (1 / L0) (T / (S h))^m, the weakest link of Weibull (1951) per length. Holes: Poisson in area, lognormal
    size, more in a weak film (rate x reference strength / S). Peel: mean x phi x (w / w0)^1.2 x roll x weakest of n =
    area / 1 cm2 lognormal patches (order statistic), patch spread from lamination and from the binder's CV.
Range
    Free-standing films of 50-300 um laminated to both sides; electrode length above 0.1 m.
Rows
    In: charges. Out: lanes x positions segments, row = lane x positions + position; m of mother roll. Adds charge (row
    of its charge, for the genealogy); with `keep_all_columns` also pinholes, pinhole_mm and peel_n_per_m; without, only
    those rows draw hole sizes and readings that they can scrap. Attributes: length_m run, stops_s
    (standstill by breaks), coating_porosity, and the mass account of `cellfab.core.web`.
Left out
    Cross-web thickness profile and edge elevation, speed and temperature of the rolls, clustering of holes beyond the
    charge, tests of peel strength (destructive), the two sides' separate loadings.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import ALIVE, Lot
from cellfab.steps.base import ElectrodeStep, Work

CHARGE = column("charge", "int16", "1", "row of the powder charge in the parent lot")
LOADING = column("loading_mg_per_cm2", "float32", "mg/cm2", "true dry coating per side, averaged over the electrode")
PINHOLES = column("pinholes", "uint8", "1", "holes in the coating of the electrode, 255 for more")
PINHOLE = column("pinhole_mm", "float32", "mm", "size of the largest hole; 0 without one")
PEEL = column("peel_n_per_m", "float32", "N/m", "true peel strength of the electrode's weakest square centimetre")

THREADING = cause("dry_film", "threading", "web used to thread the line and settle the film")
BREAK = cause("dry_film", "film_break", "web lost around a break of the film")
OFF_LOADING = cause("dry_film", "loading", "loading read as out of tolerance by the inline gauge")
HOLE = cause("dry_film", "pinhole", "hole read as too large by the camera")
BLISTER = cause("dry_film", "delamination", "film seen to come off the foil")
_OF_CHARGE = ("active_fraction", "binder_fraction", "specific_capacity_mah_per_g")  # segments have their charge's
_CM2_PER_M2 = 1e4

Rows = npt.NDArray[np.float32]
Charges = npt.NDArray[np.int32]


class DryFilm(ElectrodeStep):
    """Make a laminated web out of charges; see the module's text for the model."""

    name = "dry_film"
    reads = ("charge_kg", *_OF_CHARGE, "binder_cv", "fibrillation", "film_strength_mpa")
    writes = (LOADING, CHARGE, *_OF_CHARGE)
    on_demand = (PINHOLES, PINHOLE, PEEL)
    """Columns kept with `keep_all_columns`: no later step reads them."""

    class Params(ElectrodeStep.Params):
        """Film line: web handling, loading field, lamination and inline inspection."""

        film_porosity: Annotated[float, Field(gt=0.0, lt=0.9)] = 0.42
        """Of the laminated film before the calender: assumption; gives about 95 um at 25 mg/cm2 of NMC."""
        trim_fraction: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.06
        """Film edges cut off before lamination: assumption, 3-12 % (return of trim is a published line feature)."""
        trim_returned_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.9
        """Of the trim that becomes powder again: assumption."""
        edge_strip_fraction: Annotated[float, Field(ge=0.0, lt=0.2)] = 0.01
        """Coated strips outside the outer lanes, cut off at slitting: coated-material yield 0.99 in BatPaC 5."""
        foil_trim_fraction: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.08
        """Foil cut off at the edges: foil yield 0.92 at slitting in BatPaC 5."""
        heat_kwh_per_m2: Annotated[float, Field(ge=0.0, le=5.0)] = 0.03
        """Heating of film and laminating rolls, per m2 of web: assumption."""
        threading_m: Annotated[Capability, within(0.0, 2000.0)] = Ramped(start=40.0, mature=15.0)
        """Web lost at the start of a roll: assumption."""
        tension_n_per_m: Annotated[float, Field(ge=0.0, le=1000.0)] = 30.0
        """Tension in the free film per width: assumption."""
        break_scale_m: Annotated[Capability, within(1e-3, 1e7)] = Ramped(start=45.0, mature=1000.0)
        """Length that holds one break at a tension equal to the strength: assumption, for about 1 break per km on a new
        line and 0.05 on a mature one."""
        break_exponent: Annotated[float, Field(ge=0.5, le=20.0)] = 3.0
        """Weibull modulus: assumption, 2-8."""
        break_loss_m: Annotated[Capability, within(0.0, 1000.0)] = Ramped(start=25.0, mature=10.0)
        """Web scrapped around a break: assumption, 5-30."""
        rethread_min: Annotated[Capability, within(0.0, 600.0)] = Ramped(start=25.0, mature=15.0)
        """Standstill after a break: assumption, below repair times of 0.7-1 h."""
        charge_loading_cv: Annotated[Capability, within(0.0, 0.3)] = Ramped(start=0.0085, mature=0.004)
        """Loading offset of a charge (bed density), 1 sigma: assumption."""
        roll_loading_cv: Annotated[Capability, within(0.0, 0.3)] = Ramped(start=0.010, mature=0.005)
        """Loading offset of a roll (gap setting), 1 sigma: assumption."""
        lane_loading_cv: Annotated[Capability, within(0.0, 0.3)] = Ramped(start=0.0105, mature=0.006)
        """Loading offset of a lane (cross profile), 1 sigma: assumption."""
        drift_loading_cv: Annotated[Capability, within(0.0, 0.3)] = Ramped(start=0.0125, mature=0.0078)
        """Point value of the slow drift, 1 sigma: assumption. With the offsets: 2.1 % and 1.2 % per electrode,
        in the range of 0.7-6 % expected of dry film."""
        drift_length_m: Annotated[float, Field(gt=0.0, le=1e5)] = 20.0
        """Correlation length of the drift (gauge loop): assumption."""
        feed_cv: Annotated[Capability, within(0.0, 1.0)] = 0.015
        """Density noise of the feed bed at its correlation length: assumption."""
        feed_length_m: Annotated[float, Field(gt=0.0, le=10.0)] = 0.02
        """Correlation length of the feed bed: assumption."""
        nip_length_m: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01
        """Length over which a nip averages: assumption."""
        roll_runout_um: Annotated[Capability, within(0.0, 100.0)] = 3.0
        """Total runout of the working rolls: below 5 um claimed in US 20230411588."""
        roll_diameter_m: Annotated[float, Field(gt=0.0, le=3.0)] = 0.4
        """Of the working rolls: assumption."""
        gauge_cv: Annotated[Capability, within(0.0, 0.2)] = 0.003
        """Error of the inline loading gauge on an electrode's mean, 1 sigma: assumption."""
        loading_tolerance_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.035
        """Loading read further than this from the design is marked bad: assumption."""
        pinholes_per_m2: Annotated[Capability, within(0.0, 1e4)] = Ramped(start=0.5, mature=0.05)
        """Holes per coated area of a film of reference strength: assumption."""
        pinhole_median_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 0.3
        """Median hole: assumption."""
        pinhole_spread_ln: Annotated[float, Field(ge=0.0, le=3.0)] = 0.6
        """Standard deviation of the logarithm of hole size: assumption."""
        pinhole_limit_mm: Annotated[float, Field(gt=0.0, le=100.0)] = 0.8
        """Holes read as larger are marked bad: assumption; a hole in an anode plates lithium, so take 0.5 there."""
        camera_spread_ln: Annotated[Capability, within(0.0, 3.0)] = 0.5
        """Error of the camera's size, standard deviation of the logarithm: assumption; with the limit it is a lognormal
        probability of detection."""
        reference_strength_mpa: Annotated[float, Field(gt=0.0, le=50.0)] = 0.95
        """Film strength at which `pinholes_per_m2` holds: assumption, a good charge's."""
        peel_n_per_m: Annotated[Capability, within(0.0, 1000.0)] = Ramped(start=18.0, mature=20.0)
        """Laminated peel strength at full fibrillation, mean of patches: assumption, cathode on primed aluminium
        8-60."""
        peel_roll_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.11, mature=0.06)
        """From roll to roll (lamination heat and nip), 1 sigma: assumption."""
        peel_patch_cv: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.25, mature=0.12)
        """From patch to patch of 1 cm2, 1 sigma: assumption."""
        peel_limit_n_per_m: Annotated[float, Field(ge=0.0, le=1000.0)] = 5.0
        """Weaker patches come off: assumption for laminated dry film."""
        blister_seen_share: Annotated[Capability, within(0.0, 1.0)] = 0.9
        """Of the electrodes with such a patch, share seen by the camera: assumption."""
        keep_all_columns: bool = False
        """Keep the true state that no later step reads (holes, peel strength) in columns: memory."""

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Make the web; rejected charges shorten it."""
        from cellfab.kernels import dry_web

        self.expect(lot)
        params, electrode = self.params, self.electrode
        lanes, planned = int(lot.attributes["lanes"]), int(lot.attributes["planned_positions"])
        segment_kg = electrode.piece_coating_kg / (1.0 - params.edge_strip_fraction)
        film_kg = lot.columns["charge_kg"].astype(np.float64) * (1.0 - params.trim_fraction)
        if lot.exit_code is not None:
            film_kg[lot.exit_code != ALIVE] = 0.0

        child = lot.child(draws.owner, n=0, unit="m", amount=0.0)
        charge = np.empty(planned, np.int32)
        dry_web.lay_charges(film_kg, segment_kg, lanes, electrode.length_m, charge)
        along = self._along(child, lot, charge, draws, maturity)
        across = np.float32(self.at("lane_loading_cv", maturity)) * draws.normal("lane", child, lanes)
        powder_kg = float(film_kg.sum())
        positions = dry_web.positions_filled(along, float(across.mean()), segment_kg * lanes, powder_kg)
        charge, along = charge[:positions], along[:positions]

        child.n = n = lanes * positions
        self._open_account(child, lot, powder_kg, lanes, positions)
        lost, losses = self._lost_positions(child, lot, charge, draws, maturity)
        loading = child.columns[LOADING] = np.empty(n, np.float32)
        child.exit_code = np.empty(n, np.int16)
        total, off = dry_web.laminate(
            child.identity, planned, across, along, draws.key("short"), self._short_cv(maturity),
            electrode.loading_mg_per_cm2, draws.key("gauge"), self.at("gauge_cv", maturity),
            params.loading_tolerance_fraction, OFF_LOADING, lost, loading, child.exit_code,
        )  # fmt: skip
        web.scrapped(child, *((cause, lanes * lost_here) for cause, lost_here in losses), (OFF_LOADING, off))
        for name in _OF_CHARGE:
            child.columns[name] = np.empty(n, np.float32)
            dry_web.spread_charges(charge, lot.columns[name], lanes, child.columns[name])
        self._close_account(child, segment_kg, total)
        self._holes(child, lot, charge, draws, maturity)
        self._peel(child, lot, charge, draws, maturity)
        web.settle_web(child)
        child.columns[CHARGE] = np.tile(charge.astype(np.int16), lanes)
        return child

    def _along(self, child: Lot, lot: Lot, charge: Charges, draws: Draws, maturity: float) -> Rows:
        """Relative loading error common to all lanes, per position."""
        from cellfab.kernels import dry_web, web_field

        params, pitch = self.params, self.electrode.length_m
        wavelength_m = math.pi * params.roll_diameter_m
        phase = 2.0 * math.pi * float(draws.uniform("phase", child, 1)[0])
        amplitude = self.at("roll_runout_um", maturity) / 2.0 / self.film_um
        along = np.empty(charge.size, np.float32)
        dry_web.loading_along(
            child.identity, draws.key("drift"), draws.key("drift_mean"), self.at("drift_loading_cv", maturity),
            tuple(web_field.ou_coefficients(pitch, params.drift_length_m)),
            *web_field.ripple_law(amplitude, pitch, wavelength_m, phase),
            self.at("roll_loading_cv", maturity) * float(draws.normal("roll", child, 1)[0]),
            np.float32(self.at("charge_loading_cv", maturity)) * draws.normal("charge", lot), charge, along,
        )  # fmt: skip
        return along

    def _short_cv(self, maturity: float) -> float:
        """Feed noise left after the nip and the electrode's own length."""
        from cellfab.kernels.web_field import mean_variance_factor

        params = self.params
        nip = params.feed_length_m / (params.feed_length_m + params.nip_length_m)
        own = mean_variance_factor(self.electrode.length_m, params.feed_length_m)
        return self.at("feed_cv", maturity) * math.sqrt(nip * own)

    @property
    def film_um(self) -> float:
        """Thickness of one film before the calender, um."""
        electrode = self.electrode
        density_g_per_cm3: float = electrode.solid_density_g_per_cm3 * (1.0 - self.params.film_porosity)
        return 10.0 * electrode.loading_mg_per_cm2 / density_g_per_cm3

    def _open_account(self, child: Lot, lot: Lot, powder_kg: float, lanes: int, positions: int) -> None:
        pitch = self.electrode.length_m
        charged_kg = lot.attributes["kg_good"]
        trim_kg = charged_kg - powder_kg
        returned_kg = trim_kg * self.params.trim_returned_share
        child.attributes |= {
            "lanes": float(lanes), "positions": float(positions), "pitch_m": pitch, "length_m": positions * pitch,
            "segment_m2": self.electrode.piece_area_m2, "coating_porosity": self.params.film_porosity, "stops_s": 0.0,
            "kg_returned": lot.attributes["kg_returned"] + returned_kg,
            "kg_scrap": lot.attributes["kg_scrap"] + trim_kg - returned_kg,
            "kg_good": charged_kg - trim_kg,
        }  # fmt: skip

    def _close_account(self, child: Lot, segment_kg: float, total_mg_per_cm2: float) -> None:
        """What the web did not take stays in the hopper, as powder."""
        facts = child.attributes
        strip_share = segment_kg / self.electrode.piece_coating_kg - 1.0
        coated_kg = total_mg_per_cm2 * web.KG_PER_M2 * facts["segment_m2"]
        facts["kg_strip"] = coated_kg * strip_share
        web_kg = coated_kg + facts["kg_strip"]
        facts["kg_returned"] += facts["kg_good"] - web_kg
        facts["kg_good"] = web_kg

    def _lost_positions(
        self, child: Lot, lot: Lot, charge: Charges, draws: Draws, maturity: float
    ) -> tuple[npt.NDArray[np.int16], tuple[tuple[int, int], ...]]:
        """Exit codes of threading and breaks, which take all lanes, per position; how many positions each takes."""
        from cellfab.kernels import dry_web, film

        params = self.params
        rate = film.break_rate_per_m(
            params.tension_n_per_m, lot.columns["film_strength_mpa"].astype(np.float64), self.film_um,
            self.at("break_scale_m", maturity), params.break_exponent,
        )  # fmt: skip
        code = np.empty(charge.size, np.int16)
        breaks, threaded, broken = dry_web.lose_web(
            child.identity, draws.key("break"), child.attributes["pitch_m"], self.at("threading_m", maturity), rate,
            self.at("break_loss_m", maturity), charge, THREADING, BREAK, code,
        )  # fmt: skip
        child.attributes["stops_s"] = breaks * 60.0 * self.at("rethread_min", maturity)
        return code, ((THREADING, threaded), (BREAK, broken))

    def _holes(self, child: Lot, lot: Lot, charge: Charges, draws: Draws, maturity: float) -> None:
        from cellfab.kernels import dry_web

        params = self.params
        expected = self.at("pinholes_per_m2", maturity) * child.attributes["segment_m2"]
        mean = expected * (params.reference_strength_mpa / lot.columns["film_strength_mpa"].astype(np.float64))
        room = child.n if params.keep_all_columns else 0
        count, largest = np.zeros(room, np.uint8), np.zeros(room, np.float32)
        scrapped = dry_web.inspect_holes(
            child.identity, web.planned_positions(child), draws.key("pinholes"), draws.key("pinhole_size"),
            draws.key("camera"), mean, params.pinhole_median_mm, params.pinhole_spread_ln,
            self.at("camera_spread_ln", maturity), params.pinhole_limit_mm, HOLE, charge, child.exit_code,
            count, largest,
        )  # fmt: skip
        web.scrapped(child, (HOLE, scrapped))
        if room:
            child.columns |= {PINHOLES: count, PINHOLE: largest}

    def _peel(self, child: Lot, lot: Lot, charge: Charges, draws: Draws, maturity: float) -> None:
        from cellfab.kernels import dry_web
        from cellfab.kernels.extremes import lowest_of

        params = self.params
        patches = max(child.attributes["segment_m2"] * _CM2_PER_M2, 1.0)
        lamination = math.log1p(self.at("peel_patch_cv", maturity) ** 2)
        # Peel goes with the binder content to the power 1.2, and so does its spread.
        variance = np.float32(lamination) + np.log1p((np.float32(1.2) * lot.columns["binder_cv"]) ** 2)
        spread = np.sqrt(variance)
        roll_sigma = math.sqrt(math.log1p(self.at("peel_roll_cv", maturity) ** 2))
        roll = math.exp(roll_sigma * float(draws.normal("lamination", child, 1)[0]))
        strength = (
            lot.columns["fibrillation"] * (lot.columns["binder_fraction"] / self.electrode.binder_fraction) ** 1.2
        )
        median = np.float32(self.at("peel_n_per_m", maturity) * roll) * strength * np.exp(np.float32(-0.5) * variance)
        scrapped = dry_web.inspect_peel(
            child.identity, web.planned_positions(child), draws.key("weakest_patch"), draws.key("blister"),
            median, spread, patches, params.peel_limit_n_per_m, self.at("blister_seen_share", maturity), BLISTER,
            charge, child.exit_code,
        )  # fmt: skip
        web.scrapped(child, (BLISTER, scrapped))
        if params.keep_all_columns:
            weakest = lowest_of(web.normal(draws, "weakest_patch", child), patches)
            child.columns[PEEL] = (median[charge] * np.exp(spread[charge] * weakest)).ravel()

    def work(self, lot: Lot, maturity: float) -> Work:
        """Foil for the whole length run, trims included, and roll heating."""
        electrode, facts = self.electrode, lot.attributes
        lane_m = (electrode.width_mm + electrode.margin_mm) * 1e-3
        web_m2 = facts["length_m"] * facts["lanes"] * lane_m / (1.0 - self.params.foil_trim_fraction)
        return Work(
            materials={f"{electrode.foil}_foil": web_m2},
            energy_kwh=self.params.heat_kwh_per_m2 * web_m2,
        )
