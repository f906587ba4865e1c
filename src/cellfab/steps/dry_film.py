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
    In: charges. Out: lanes x positions segments, row = lane x positions + position; m of mother roll;
    the row of its charge is column `charge`, for the genealogy. Attributes: length_m run, stops_s (standstill by
    breaks), coating_porosity, and the mass account of `cellfab.core.web`.
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
from cellfab.core.lot import Lot
from cellfab.steps.base import ElectrodeStep, Work

CHARGE = column("charge", "float32", "1", "row of the powder charge in the parent lot")
LOADING = column("loading_mg_per_cm2", "float32", "mg/cm2", "true dry coating per side, averaged over the electrode")
PINHOLES = column("pinholes", "float32", "1", "holes in the coating of the electrode")
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
Charges = npt.NDArray[np.intp]


class DryFilm(ElectrodeStep):
    """Make a laminated web out of charges; see the module's text for the model."""

    name = "dry_film"
    reads = ("charge_kg", *_OF_CHARGE, "binder_cv", "fibrillation", "film_strength_mpa")
    writes = (CHARGE, LOADING, *_OF_CHARGE, PINHOLES, PINHOLE, PEEL)

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

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Make the web; rejected charges shorten it."""
        self.expect(lot)
        params, electrode = self.params, self.electrode
        lanes, planned = int(lot.attributes["lanes"]), int(lot.attributes["planned_positions"])
        pitch = electrode.length_m
        segment_kg = electrode.coating_kg / (1.0 - params.edge_strip_fraction)
        alive = lot.alive()
        film_kg = np.where(alive, lot.columns["charge_kg"], 0.0).astype(np.float64) * (1.0 - params.trim_fraction)

        child = lot.child(draws.owner, n=0, unit="m", amount=0.0)
        ends_m = np.cumsum(film_kg) / (lanes * segment_kg) * pitch
        middle_m = (np.arange(planned) + 0.5) * pitch
        charge = np.minimum(np.searchsorted(ends_m, middle_m), np.flatnonzero(alive)[-1] if alive.any() else 0)
        along = self._along(child, lot, charge, draws, maturity)
        across = self.at("lane_loading_cv", maturity) * draws.normal("lane", child, lanes)
        mean_kg = segment_kg * lanes * (1.0 + along + float(across.mean()))
        positions = int(np.searchsorted(np.cumsum(mean_kg), film_kg.sum(), side="right"))

        child.n = lanes * positions
        charge = charge[:positions]
        self._open_account(child, lot, film_kg, lanes, positions)
        short = np.float32(self._short_cv(maturity)) * web.normal(draws, "short", child)
        relative = 1.0 + across[:, None] + along[None, :positions] + short
        child.columns[CHARGE] = np.tile(charge.astype(np.float32), lanes)
        child.columns[LOADING] = (np.float32(electrode.loading_mg_per_cm2) * relative).ravel()
        for name in _OF_CHARGE:
            child.columns[name] = np.tile(lot.columns[name][charge], lanes)
        self._close_account(child, segment_kg)

        self._lose_web(child, lot, charge, draws, maturity)
        gauge = np.float32(self.at("gauge_cv", maturity)) * web.normal(draws, "gauge", child)
        child.scrap((np.abs(relative * (1.0 + gauge) - 1.0) > params.loading_tolerance_fraction).ravel(), OFF_LOADING)
        self._holes(child, lot, charge, draws, maturity)
        self._peel(child, lot, charge, draws, maturity)
        web.settle_web(child)
        return child

    def _along(self, child: Lot, lot: Lot, charge: Charges, draws: Draws, maturity: float) -> Rows:
        """Relative loading error common to all lanes, per position."""
        from cellfab.kernels import web_field

        params, planned, pitch = self.params, charge.size, self.electrode.length_m
        drift = np.empty(planned, np.float32)
        web_field.ou_segment_means(
            draws.normal("drift", child, planned + 1), draws.normal("drift_mean", child, planned),
            *web_field.ou_coefficients(pitch, params.drift_length_m), drift,
        )  # fmt: skip
        ripple = web_field.ripple_means(
            np.arange(planned, dtype=np.float64) * np.float64(pitch), pitch, math.pi * params.roll_diameter_m,
            2.0 * math.pi * float(draws.uniform("phase", child, 1)[0]),
        )  # fmt: skip
        offsets = self.at("charge_loading_cv", maturity) * draws.normal("charge", lot)
        roll = self.at("roll_loading_cv", maturity) * float(draws.normal("roll", child, 1)[0])
        amplitude = self.at("roll_runout_um", maturity) / 2.0 / self.film_um
        along = self.at("drift_loading_cv", maturity) * drift + amplitude * ripple + offsets[charge] + roll
        return along.astype(np.float32)

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

    def _open_account(self, child: Lot, lot: Lot, film_kg: npt.NDArray[np.float64], lanes: int, positions: int) -> None:
        pitch = self.electrode.length_m
        charged_kg = lot.attributes["kg_good"]
        trim_kg = charged_kg - float(film_kg.sum())
        returned_kg = trim_kg * self.params.trim_returned_share
        child.attributes |= {
            "lanes": float(lanes), "positions": float(positions), "pitch_m": pitch, "length_m": positions * pitch,
            "segment_m2": self.electrode.area_m2, "coating_porosity": self.params.film_porosity, "stops_s": 0.0,
            "kg_returned": lot.attributes["kg_returned"] + returned_kg,
            "kg_scrap": lot.attributes["kg_scrap"] + trim_kg - returned_kg,
            "kg_good": charged_kg - trim_kg,
        }  # fmt: skip

    def _close_account(self, child: Lot, segment_kg: float) -> None:
        """What the web did not take stays in the hopper, as powder."""
        facts = child.attributes
        strip_share = segment_kg / self.electrode.coating_kg - 1.0
        loading = float(np.dot(child.columns[LOADING], np.ones(child.n, np.float32)))
        coated_kg = loading * web.KG_PER_M2 * facts["segment_m2"]
        facts["kg_strip"] = coated_kg * strip_share
        web_kg = coated_kg + facts["kg_strip"]
        facts["kg_returned"] += facts["kg_good"] - web_kg
        facts["kg_good"] = web_kg

    def _lose_web(self, child: Lot, lot: Lot, charge: Charges, draws: Draws, maturity: float) -> None:
        """Threading and breaks: whole stretches of web, in all lanes."""
        from cellfab.kernels import film

        params, (lanes, positions) = self.params, web.shape(child)
        pitch = child.attributes["pitch_m"]
        start_m = web.starts_m(child)
        child.scrap(web.rows_at(start_m < self.at("threading_m", maturity), lanes), THREADING)

        rate = film.break_rate_per_m(
            params.tension_n_per_m, lot.columns["film_strength_mpa"].astype(np.float64), self.film_um,
            self.at("break_scale_m", maturity), params.break_exponent,
        )[charge]  # fmt: skip
        length_m = np.full(positions, pitch)
        needed = film.breaks_at_most(float(rate.sum()) * pitch)
        breaks_m = film.break_positions_m(length_m, rate, draws.uniform("break", child, needed))
        if breaks_m.size:
            half = 0.5 * self.at("break_loss_m", maturity)
            lost = np.zeros(positions + 1, np.int64)
            np.add.at(lost, np.maximum((breaks_m - half) // pitch, 0.0).astype(np.int64), 1)
            np.add.at(lost, np.minimum((breaks_m + half) // pitch + 1.0, positions).astype(np.int64), -1)
            child.scrap(web.rows_at(np.cumsum(lost[:-1]) > 0, lanes), BREAK)
            child.attributes["stops_s"] = breaks_m.size * 60.0 * self.at("rethread_min", maturity)

    def _holes(self, child: Lot, lot: Lot, charge: Charges, draws: Draws, maturity: float) -> None:
        from cellfab.kernels import film

        params, segments = self.params, web.shape(child)
        expected = self.at("pinholes_per_m2", maturity) * child.attributes["segment_m2"]
        weakness = np.float32(params.reference_strength_mpa) / lot.columns["film_strength_mpa"]
        count = np.empty(segments, np.float32)
        largest = np.empty(segments, np.float32)
        film.pinholes(
            web.uniform(draws, "pinholes", child), web.uniform(draws, "pinhole_size", child),
            (np.float32(expected) * weakness)[charge], params.pinhole_median_mm, params.pinhole_spread_ln,
            count, largest,
        )  # fmt: skip
        child.columns[PINHOLES] = count.ravel()
        child.columns[PINHOLE] = largest.ravel()
        error = np.exp(np.float32(self.at("camera_spread_ln", maturity)) * web.normal(draws, "camera", child))
        child.scrap(child.columns[PINHOLE] * error.ravel() > params.pinhole_limit_mm, HOLE)

    def _peel(self, child: Lot, lot: Lot, charge: Charges, draws: Draws, maturity: float) -> None:
        from cellfab.kernels.extremes import lowest_of

        params = self.params
        patches = max(child.attributes["segment_m2"] * _CM2_PER_M2, 1.0)
        lamination = math.log1p(self.at("peel_patch_cv", maturity) ** 2)
        # Peel goes with the binder content to the power 1.2, and so does its spread.
        spread = np.sqrt(lamination + np.log1p((1.2 * lot.columns["binder_cv"]) ** 2)).astype(np.float32)
        roll_sigma = math.sqrt(math.log1p(self.at("peel_roll_cv", maturity) ** 2))
        roll = math.exp(roll_sigma * float(draws.normal("lamination", child, 1)[0]))
        binder_ratio = lot.columns["binder_fraction"] / self.electrode.binder_fraction
        mean = self.at("peel_n_per_m", maturity) * roll * lot.columns["fibrillation"] * binder_ratio**1.2
        median = (mean * np.exp(-0.5 * spread**2)).astype(np.float32)
        weakest = lowest_of(web.normal(draws, "weakest_patch", child), patches)
        child.columns[PEEL] = (median[charge] * np.exp(spread[charge] * weakest)).ravel()
        seen = web.uniform(draws, "blister", child).ravel() < self.at("blister_seen_share", maturity)
        child.scrap((child.columns[PEEL] < params.peel_limit_n_per_m) & seen, BLISTER)

    def work(self, lot: Lot, maturity: float) -> Work:
        """Foil for the whole length run, trims included, and roll heating."""
        electrode, facts = self.electrode, lot.attributes
        lane_m = (electrode.width_mm + electrode.margin_mm) * 1e-3
        web_m2 = facts["length_m"] * facts["lanes"] * lane_m / (1.0 - self.params.foil_trim_fraction)
        return Work(
            materials={f"{electrode.foil}_foil": web_m2},
            energy_kwh=self.params.heat_kwh_per_m2 * web_m2,
        )
