"""What electrode steps say about parameters and designs before anything is run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cellfab.steps.calender import Calender
from cellfab.steps.dose import Dose
from cellfab.steps.dry_film import DryFilm
from cellfab.steps.dry_mix import DryMix
from cellfab.steps.notch import Notch
from cellfab.steps.slit import Slit
from cellfab.steps.vacuum_dry import VacuumDry

IMPOSSIBLE = [
    (Dose, {"roll_length_m": 3.0}, "roll_length_m", "a roll of 3 m is shorter than one electrode"),
    (DryMix, {"kneading_c": 15.0}, "kneading_c", "kneading at 15 degC makes no fibrils"),
    (DryFilm, {"film_porosity": 0.2}, "film_porosity", "porosity of 0.2, not above the design's 0.238"),
    (Calender, {"porosity_least_fraction": 0.3}, "design.cathode.press_density_g_per_cm3", "0.238 .* is not above 0.3"),
    (Slit, {"burr_limit_um": 12.0}, "burr_limit_um", "burrs up to 12 um pass, but the separator has 12 um"),
    (VacuumDry, {"equilibrium_ppm": 320.0}, "target_ppm", "leaves 320 ppm .* not less than the target of 300"),
]
IMPLAUSIBLE = [
    (Dose, {"powder_allowance_fraction": 0.5}, "powder_allowance_fraction", "50 % more powder"),
    (Dose, {"powder_lot_kg": 500.0}, "powder_lot_kg", "does not fill one roll"),
    (DryMix, {"release_strength_mpa": 0.99}, "release_strength_mpa", "more than half of the charges are rejected"),
    (DryMix, {"kneading_c": 170.0}, "kneading_c", "170 degC is outside 60-150"),
    (DryMix, {"premix_energy_kwh_per_kg": 0.01}, "premix_energy_kwh_per_kg", "agglomerates of 311 um: .* by 26%"),
    (DryMix, {"kneading_min": 20.0}, "kneading_min", "fibrils are cut again"),
    (DryFilm, {"film_porosity": 0.88}, "design.cathode.loading_mg_per_cm2", "outside 50-300 um"),
    (DryFilm, {"peel_limit_n_per_m": 21.0}, "peel_limit_n_per_m", "all of it comes off"),
    (DryFilm, {"tension_n_per_m": 300.0}, "tension_n_per_m", "times per km even on a mature line"),
    (DryFilm, {"gauge_cv": 0.02}, "gauge_cv", "larger than the tolerance"),
    (Calender, {"porosity_crack_fraction": 0.25}, "design.cathode.press_density_g_per_cm3", "breaks particles"),
    (Calender, {"gauge_um": 1.0}, "gauge_um", "larger than the tolerance"),
    (Slit, {"burr_limit_um": 2.0}, "burr_limit_um", "not above the median burr"),
    (Slit, {"knife_interval_km": 2000.0}, "knife_interval_km", "more than three times their life"),
    (Slit, {"width_gauge_sd_mm": 0.05}, "width_gauge_sd_mm", "larger than the tolerance"),
    (Notch, {"height_gauge_sd_mm": 0.1}, "height_gauge_sd_mm", "larger than the tolerance"),
    (Notch, {"height_tolerance_mm": 7.0}, "height_tolerance_mm", "all of them"),
    (VacuumDry, {"drying_h": 0.5, "dryings_at_most": 1}, "drying_h", "in a usual coil, above the target"),
    (VacuumDry, {"temperature_c": 50.0, "drying_h": 100.0}, "temperature_c", "50 degC is outside 60-150"),
    (VacuumDry, {"target_ppm": 1200.0}, "target_ppm", "outside the usual 150-1000"),
]


@pytest.mark.parametrize("side", ["cathode", "anode"])
def test_nothing_to_say_about_the_defaults(electrode, side):
    # (except that graphite reaches a lower porosity and that its binder is not the default's)
    for step in electrode.chain(side):
        assert list(step.review()) == []


@pytest.mark.parametrize(
    ("kind", "params", "about", "words", "impossible"),
    [(*case, True) for case in IMPOSSIBLE] + [(*case, False) for case in IMPLAUSIBLE],
)
def test_remarks(electrode, kind, params, about, words, impossible):
    (remark,) = electrode.step(kind, **params).review()
    assert (remark.about, remark.impossible) == (about, impossible)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(remark.message)


def test_an_electrode_without_margin_has_nothing_to_notch(electrode):
    design = electrode.design()
    design = design.model_copy(update={"cathode": design.cathode.model_copy(update={"margin_mm": 0.0})})
    (remark,) = Notch(Notch.Params(), design).review()
    assert (remark.about, remark.impossible) == ("design.cathode.margin_mm", True)


def test_a_review_needs_no_compiler():
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import conftest\n"
        "for step in conftest._chain(): list(step.review())\n"
        "assert not {'numba', 'scipy', 'pandas'} & set(sys.modules), 'a review has loaded a slow library'"
    )
    folder = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", script, folder], check=True)
