"""Dry film: powder is rolled into a free-standing film, which is laminated onto both sides of the foil.

What it models
    Charges become a web whose rows are segments, one electrode of one cell each. Per segment: the loading averaged
    over its own length, holes, metal particles, the thinning of its edges, and the peel strength of its weakest
    patch. The web breaks, is threaded at the start of each roll, and runs under an inline loading gauge (with error)
    and a camera that sees holes, large metal particles and blisters.
Equations
    Loading = design x (1 + charge + roll + lane + drift + ripple + short): normal offsets per charge and roll; lanes
    keep an offset from one setting of the gap to the next and drift from it linearly with the web run; an
    Ornstein-Uhlenbeck drift drawn exactly as segment means; the rolls' runout TIR gives a ripple of amplitude TIR / 2
    / h and wavelength pi D, whose mean over a length L carries sinc(L / wavelength); feed noise of correlation length
    l_c averaged by the nip, sqrt(l_c / (l_c + l_nip)), and over the electrode, rho(L). Breaks: Poisson with rate (1 /
    L0) (T / (S h))^m, the weakest link of Weibull (1951) per length. Holes and metal particles: Poisson in area with a
    Gamma-distributed factor per charge, so that counts over charges are negative binomial (Stapper 1973); lognormal
    sizes, read with a lognormal error, which makes the probability of detection Phi(ln(d / d50) / s); more holes in a
    weak film (rate x reference strength / S). Peel: mean x phi x (w / w0)^1.2 x roll x weakest of n = area / 1 cm2
    lognormal patches (order statistic), patch spread from lamination and from the binder's CV.
Range
    Free-standing films of 50-300 um laminated to both sides; electrode length above 0.1 m; fewer than ten holes or
    weak patches per electrode (more count as ten).
Rows
    In: charges. Out: lanes x positions segments, row = lane x positions + position; m of mother roll. Adds charge (row
    of its charge, for the genealogy), metal_um (largest metal particle), pinhole_mm (largest hole; of anodes) and
    edge_thinning_fraction (one value per lane: the loading lacks this share at the very edge); with `keep_all_columns`
    also pinholes, peel_n_per_m and a cathode's pinhole_mm.
    Attributes: length_m run, stops_s (standstill by breaks), coating_porosity, and the mass account of
    `cellfab.core.web`.
Left out
    The course of the cross-web profile between the edges, speed and temperature of the rolls, tests of peel strength
    (destructive), the two sides' separate loadings, what calendering adds to the peel strength.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.flaws import Patches, Sizes, inspect_flaws, inspect_peel
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import ElectrodeStep, Work, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.web_field import Coefficients, Ripple

dry_web = AtFirstUse("dry_web")
film = AtFirstUse("film")
web_field = AtFirstUse("web_field")

CHARGE = column("charge", "int16", "1", "row of the powder charge in the parent lot")
LOADING = column("loading_mg_per_cm2", "float32", "mg/cm2", "true dry coating per side, averaged over the electrode")
PINHOLES = column("pinholes", "uint8", "1", "holes in the coating of the electrode, 255 for more")
PINHOLE = column("pinhole_mm", "float32", "mm", "true size of the largest hole; 0 without one")
EDGE = column("edge_thinning_fraction", "float32", "1", "loading missing at the coating's edge, negative where heavy")
METAL = column("metal_um", "float32", "um", "true size of the largest metal particle mixed in; 0 without one")
PEEL = column("peel_n_per_m", "float32", "N/m", "true peel strength of the electrode's weakest square centimetre")

THREADING = cause("dry_film", "threading", "web used to thread the line and settle the film")
BREAK = cause("dry_film", "film_break", "web lost around a break of the film")
OFF_LOADING = cause("dry_film", "loading", "loading read as out of tolerance by the inline gauge")
HOLE = cause("dry_film", "pinhole", "hole read as too large by the camera")
FOREIGN = cause("dry_film", "metal", "metal particle seen by the camera")
BLISTER = cause("dry_film", "delamination", "film seen to come off the foil")
_OF_CHARGE = ("active_fraction", "binder_fraction", "specific_capacity_mah_per_g")  # segments have their charge's
_ALONG = ("roll", "charge", "phase", "drift", "drift_mean")
_CM2_PER_M2 = 1e4
_BINDER_EXPONENT = 1.2  # of strength and peel strength in the binder content, as in `dry_mix`

Rows = npt.NDArray[np.float32]
Charges = npt.NDArray[np.int32]


class _Recipe(NamedTuple):
    """What is the same for all lots of a maturity."""

    short: float
    """Loading of single segments, 1 sigma, mg/cm2."""
    drift: Coefficients
    ripple: Ripple
    """Of a web that starts without a phase."""
    edges: np.float32
    """Edge thinning, standard deviation of the logarithm."""
    holes: Sizes
    metal: Sizes


class DryFilm(ElectrodeStep):
    """Make a laminated web out of charges; see the module's text for the model."""

    name = "dry_film"
    reads = ("charge_kg", *_OF_CHARGE, "binder_cv", "fibrillation", "film_strength_mpa")
    writes: ClassVar[tuple[str, ...]] = (LOADING, CHARGE, EDGE, METAL, *_OF_CHARGE)
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
        """Loading offset of a lane (cross profile), 1 sigma over the time between two settings of the gap: assumption,
        0.4-1 %."""
        lane_setting_km: Annotated[float, Field(gt=0.0, le=1e6)] = 20.0
        """Web run between two settings of the gap across the web, for which lanes keep their offsets: assumption, a day
        at 15 m/min."""
        lane_drift_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.25
        """Of the variance of lanes' offsets, share that grows linearly since the last setting: assumption."""
        edge_thinning_fraction: Annotated[Capability, within(-0.5, 0.9)] = Ramped(start=0.05, mature=0.02)
        """Of the loading, share missing at the edges of a lane, median: assumption, less than the 10-25 % of slot-die
        coated anodes because the film's own edges are trimmed off before lamination."""
        edge_thinning_cv: Annotated[Capability, within(0.0, 2.0)] = 0.3
        """From lane to lane: assumption."""
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
        loading_tolerance_fraction: Annotated[float, Field(gt=0.0, le=1.0), Threshold()] = 0.035
        """Loading read further than this from the design is marked bad: assumption."""
        pinholes_per_m2: Annotated[Capability, within(0.0, 1e4)] = Ramped(start=0.5, mature=0.05)
        """Holes per coated area of a film of reference strength: assumption."""
        pinhole_median_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 0.3
        """Median hole: assumption."""
        pinhole_spread_ln: Annotated[float, Field(ge=0.0, le=3.0)] = 0.6
        """Standard deviation of the logarithm of hole size: assumption."""
        pinhole_limit_mm: Annotated[float, Field(gt=0.0, le=100.0), Threshold()] = 0.8
        """Holes read as larger are marked bad: assumption; a hole in an anode plates lithium, so take 0.5 there."""
        camera_spread_ln: Annotated[Capability, within(0.0, 3.0)] = 0.5
        """Error of the camera's size, standard deviation of the logarithm: assumption; with the limit it is a lognormal
        probability of detection."""
        cluster_shape: Annotated[float, Field(ge=0.34, le=1e6)] = 1.5
        """Shape of the Gamma distribution by which charges differ in holes and in metal: assumption; large for none."""
        metal_per_m2: Annotated[Capability, within(0.0, 10.0)] = Ramped(start=5e-3, mature=2e-4)
        """Metal particles above 50 um per coated area, mean of charges: assumption, about 1e-3 per kg after magnets."""
        metal_median_um: Annotated[float, Field(gt=0.0, le=2000.0)] = 80.0
        """Median size of those particles: assumption."""
        metal_spread_ln: Annotated[float, Field(ge=0.0, le=3.0)] = 0.5
        """Standard deviation of the logarithm of their size: assumption."""
        metal_seen_um: Annotated[float, Field(gt=0.0, le=1e4)] = 250.0
        """Size of which the camera sees half (d50 of its probability of detection): assumption."""
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

    def __init__(self, params: Any, design: CellDesign) -> None:
        super().__init__(params, design)
        electrode = self.electrode
        self._lane_m, self._foil = (electrode.width_mm + electrode.margin_mm) * 1e-3, f"{electrode.foil}_foil"
        self._keep_holes = params.electrode == "anode"
        if self._keep_holes:  # a hole in it is a place where metal plates; a cathode only lacks capacity
            self.writes = (*type(self).writes, PINHOLE)  # type: ignore[misc]

    def review(self) -> Iterator[Remark]:
        """The film must be looser than the design, of a thickness that can be rolled, and stick to the foil."""
        params, electrode = self.params, self.electrode
        if params.film_porosity <= electrode.porosity:
            yield Remark(
                "film_porosity",
                f"the film has a porosity of {params.film_porosity:g}, not above the design's {electrode.porosity:.3f}"
                " (1 - press density / solid density): calendering cannot loosen it",
                impossible=True,
            )
        if not 50.0 <= self.film_um <= 300.0:
            yield Remark(
                f"design.{params.electrode}.loading_mg_per_cm2",
                f"{electrode.loading_mg_per_cm2:g} mg/cm2 make a film of {self.film_um:.0f} um at a porosity of"
                f" {params.film_porosity:g}, outside 50-300 um, where free-standing films are made",
            )
        peel_n_per_m = self.at("peel_n_per_m", 1.0)
        if peel_n_per_m <= params.peel_limit_n_per_m:
            yield Remark(
                "peel_limit_n_per_m",
                f"film of {peel_n_per_m:g} N/m (peel_n_per_m) is not above the limit of"
                f" {params.peel_limit_n_per_m:g} N/m: all of it comes off",
            )
        stress = params.tension_n_per_m / (params.reference_strength_mpa * self.film_um)
        breaks_per_km = 1e3 / self.at("break_scale_m", 1.0) * stress**params.break_exponent
        if breaks_per_km > 5.0:
            yield Remark(
                "tension_n_per_m",
                f"{params.tension_n_per_m:g} N/m on {self.film_um:.0f} um of {params.reference_strength_mpa:g} MPa"
                f" break the film {breaks_per_km:.0f} times per km even on a mature line",
            )
        gauge = self.at("gauge_cv", 1.0)
        if 3.0 * gauge > params.loading_tolerance_fraction:
            yield Remark(
                "gauge_cv",
                f"the gauge's error (3 x {gauge:g}) is larger than the tolerance"
                f" ({params.loading_tolerance_fraction:g}) that it is to watch",
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Make the web; rejected charges shorten it."""
        self.expect(lot)
        now, electrode, facts = self.capabilities(maturity), self.electrode, lot.attributes
        recipe = self._recipe(maturity)
        lanes, planned = int(facts["lanes"]), int(facts["planned_positions"])
        segment_kg = electrode.piece_coating_kg / (1.0 - now["edge_strip_fraction"])
        film_kg = web.living_charges_kg(lot) * (1.0 - now["trim_fraction"])
        powder_kg = float(film_kg.sum())

        child = lot.child(draws.owner, n=0, unit="m", amount=0.0)
        charge = np.empty(planned, np.int32)
        dry_web.lay_charges(film_kg, segment_kg, lanes, electrode.length_m, charge)
        along = np.empty(planned, np.float32)
        lamination = dry_web.lay_along(
            draws.keys(_ALONG), child.identity, lot.identity, now["roll_loading_cv"], now["charge_loading_cv"],
            now["drift_loading_cv"], *recipe.drift, recipe.ripple.amplitude, recipe.ripple.step_radians, charge, lot.n,
            along,
        )  # fmt: skip
        across, per_position = self._lanes(lot, lanes, draws, now)
        positions = dry_web.positions_filled(along, float(across.sum()) / lanes, segment_kg * lanes, powder_kg)
        along = along[:positions]

        child.n = lanes * positions
        self._open_account(child, lot, powder_kg, lanes, positions)
        design = electrode.loading_mg_per_cm2
        loading = web.field(child, draws, "short", recipe.short, design, across, along, per_position, scale=design)
        loading, total = web.cut_to_powder(child, loading, powder_kg * (1.0 - now["edge_strip_fraction"]))
        child.columns[LOADING] = loading
        charge = charge[: web.shape(child)[1]]
        edges = np.float32(now["edge_thinning_fraction"]) * np.exp(recipe.edges * draws.normal("edge", child, lanes))
        web.lay_columns(child, lot, charge, _OF_CHARGE, edges)
        self._close_account(child, segment_kg, total)
        self._lose_positions(child, lot, charge, draws, now)
        tolerance = design * now["loading_tolerance_fraction"]
        web.inspect(
            child, draws, "gauge", loading, design - tolerance, design + tolerance, OFF_LOADING,
            relative=now["gauge_cv"],
        )  # fmt: skip
        self._flaws(child, lot, charge, draws, now, recipe)
        self._peel(child, lot, charge, lamination, draws, now)
        web.settle_web(child)
        return child

    @once_per_maturity
    def _recipe(self, maturity: float) -> _Recipe:
        now = self.capabilities(maturity)
        electrode, camera = self.electrode, now["camera_spread_ln"]
        return _Recipe(
            short=electrode.loading_mg_per_cm2 * self._short_cv(now),
            drift=web_field.ou_coefficients(electrode.length_m, now["drift_length_m"]),
            ripple=web_field.ripple_law(
                now["roll_runout_um"] / 2.0 / self.film_um, electrode.length_m, math.pi * now["roll_diameter_m"], 0.0
            ),
            edges=np.float32(math.sqrt(math.log1p(now["edge_thinning_cv"] ** 2))),
            holes=Sizes(now["pinhole_median_mm"], now["pinhole_spread_ln"], camera, now["pinhole_limit_mm"]),
            metal=Sizes(now["metal_median_um"], now["metal_spread_ln"], camera, now["metal_seen_um"]),
        )

    def _lanes(self, lot: Lot, lanes: int, draws: Draws, now: Mapping[str, Any]) -> tuple[Rows, Rows]:
        """Relative loading error of each lane at the start of the roll, and what it gains from position to position.

        A lane keeps its offset from one setting of the gap to the next, and drifts away from it in proportion to the
        web run since: all rolls in between share their numbers.
        """
        interval_m, sigma = 1e3 * now["lane_setting_km"], now["lane_loading_cv"]
        before_m = lot.ordinal * lot.attributes["planned_m"]
        setting = int(before_m // interval_m)
        across, per_position = np.empty(lanes, np.float32), np.empty(lanes, np.float32)
        # Averaged over the interval, the drift has a third of its final variance.
        dry_web.lane_offsets(
            draws.key("lane"), setting, sigma * math.sqrt(1.0 - now["lane_drift_share"]),
            sigma * math.sqrt(3.0 * now["lane_drift_share"]), before_m / interval_m - setting,
            self.electrode.length_m / interval_m, across, per_position,
        )  # fmt: skip
        return across, per_position

    def _short_cv(self, now: Mapping[str, Any]) -> float:
        """Feed noise left after the nip and the electrode's own length."""
        feed_m = now["feed_length_m"]
        nip = feed_m / (feed_m + now["nip_length_m"])
        own = web_field.mean_variance_factor(self.electrode.length_m, feed_m)
        return float(now["feed_cv"] * math.sqrt(nip * own))

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

    def _lose_positions(self, child: Lot, lot: Lot, charge: Charges, draws: Draws, now: Mapping[str, Any]) -> None:
        """Threading and breaks, which take all lanes."""
        pitch, positions = child.attributes["pitch_m"], charge.size
        rate = film.break_rate_per_m(
            now["tension_n_per_m"], lot.columns["film_strength_mpa"].astype(np.float64), self.film_um,
            now["break_scale_m"], now["break_exponent"],
        )  # fmt: skip
        breaks = film.breaks_m(draws.key("break"), child.identity, charge, pitch, rate).tolist()
        child.attributes["stops_s"] = len(breaks) * 60.0 * now["rethread_min"]
        web.scrap_positions(child, 0, math.ceil(now["threading_m"] / pitch), THREADING)
        half_m = 0.5 * now["break_loss_m"]
        for at_m in breaks:
            first = int(max((at_m - half_m) / pitch, 0.0))
            web.scrap_positions(child, first, int(min((at_m + half_m) / pitch + 1.0, positions)), BREAK)

    def _flaws(
        self, child: Lot, lot: Lot, charge: Charges, draws: Draws, now: Mapping[str, Any], recipe: _Recipe
    ) -> None:
        """Holes, and metal particles that came with the powder or off the machine; the camera reads their size."""
        area_m2, keep = child.attributes["segment_m2"], now["keep_all_columns"]
        hole_rate, metal_rate = np.empty(lot.n), np.empty(lot.n)
        film.flaw_rates(
            draws.key("pinhole_cluster"), draws.key("metal_cluster"), lot.identity, now["cluster_shape"],
            lot.columns["film_strength_mpa"], now["reference_strength_mpa"], now["pinholes_per_m2"] * area_m2,
            now["metal_per_m2"] * area_m2, hole_rate, metal_rate,
        )  # fmt: skip
        holes = inspect_flaws(
            child, draws, "pinholes", hole_rate, charge, recipe.holes, HOLE, keep=keep or self._keep_holes
        )
        if holes is not None:
            child.columns[PINHOLE] = holes.largest
            if keep:
                child.columns[PINHOLES] = holes.counts()
        particles = inspect_flaws(child, draws, "metal", metal_rate, charge, recipe.metal, FOREIGN, keep=True)
        assert particles is not None  # all of them were asked for
        child.columns[METAL] = particles.largest

    def _peel(
        self, child: Lot, lot: Lot, charge: Charges, lamination: float, draws: Draws, now: Mapping[str, Any]
    ) -> None:  # fmt: skip
        """Segments with a patch that comes off the foil, of which the camera sees most."""
        columns = lot.columns
        number = max(child.attributes["segment_m2"] * _CM2_PER_M2, 1.0)
        roll = math.exp(math.sqrt(math.log1p(now["peel_roll_cv"] ** 2)) * lamination)
        patches = Patches(np.empty(lot.n), np.empty(lot.n), np.empty(lot.n), number)
        film.peel_of_charges(
            columns["fibrillation"], columns["binder_fraction"], self.electrode.binder_fraction,
            columns["binder_cv"], now["peel_n_per_m"] * roll, math.log1p(now["peel_patch_cv"] ** 2),
            _BINDER_EXPONENT, now["peel_limit_n_per_m"], number, patches.median_n_per_m, patches.spread, patches.weak,
        )  # fmt: skip
        peel = inspect_peel(
            child, draws, "weak_patch", patches, charge, now["blister_seen_share"], BLISTER,
            keep=now["keep_all_columns"],
        )  # fmt: skip
        if peel is not None:
            child.columns[PEEL] = peel

    def work(self, lot: Lot, maturity: float) -> Work:
        """Foil for the whole length run, trims included, and roll heating."""
        facts = lot.attributes
        web_m2 = facts["length_m"] * facts["lanes"] * self._lane_m / (1.0 - self.params.foil_trim_fraction)
        return Work(materials={self._foil: web_m2}, energy_kwh=self.params.heat_kwh_per_m2 * web_m2)
