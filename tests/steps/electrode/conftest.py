"""Designs, steps and chains of the electrode half, small enough to be run thousands of times."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cellfab.config.cell_spec import CellDesign
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot, lineage
from cellfab.core.web import exit_codes
from cellfab.steps.calender import Calender
from cellfab.steps.dose import Dose
from cellfab.steps.dry_film import DryFilm
from cellfab.steps.dry_mix import DryMix
from cellfab.steps.notch import Notch
from cellfab.steps.slit import Slit
from cellfab.steps.vacuum_dry import VacuumDry

ORDER = (Dose, DryMix, DryFilm, Calender, Slit, Notch, VacuumDry)

# Every parameter that is an error, a flaw or a loss, at nothing.
QUIET = {
    "dose": dict.fromkeys(
        ("active_dosing_cv", "minor_dosing_cv", "powder_capacity_cv", "wrong_recipe_probability"), 0.0
    ),
    "dry_mix": dict.fromkeys(
        ("premix_energy_cv", "kneading_time_cv", "kneading_sd_k", "strength_cv", "release_gauge_cv"), 0.0
    ),
    "dry_film": dict.fromkeys(
        (
            "threading_m", "tension_n_per_m", "charge_loading_cv", "roll_loading_cv", "lane_loading_cv",
            "drift_loading_cv", "feed_cv", "roll_runout_um", "gauge_cv", "pinholes_per_m2", "metal_per_m2",
            "edge_thinning_fraction", "camera_spread_ln", "peel_roll_cv", "peel_patch_cv",
        ),
        0.0,
    ),
    "slurry_mix": dict.fromkeys(
        (
            "dispersing_energy_cv", "solvent_cv", "viscosity_cv", "dwell_cv", "gelation_per_h", "unstirred_min",
            "solids_gauge_fraction", "viscosity_gauge_cv", "fineness_gauge_cv",
        ),
        0.0,
    ),
    "coat": dict.fromkeys(
        (
            "drying_rate_cv", "start_up_m", "splice_m", "breaks_per_km", "stops_per_km", "batch_loading_cv",
            "roll_loading_cv", "lane_loading_cv", "lane_drift_cv", "drift_loading_cv", "ripple_fraction",
            "short_loading_cv", "gauge_cv", "edge_cv", "spots_per_m2", "lumps_per_m2", "camera_spread_ln",
            "metal_per_m2", "peel_roll_cv", "peel_patch_cv",
        ),
        0.0,
    ),
    "calender": dict.fromkeys(
        ("roll_thickness_um", "lane_thickness_um", "gap_noise_um", "gauge_um", "wrinkle_probability"), 0.0
    ),
    "slit": dict.fromkeys(
        ("lane_width_sd_mm", "width_noise_sd_mm", "width_gauge_sd_mm", "burr_peaks_per_km", "burr_gauge_spread_ln"), 0.0
    ),
    "notch": dict.fromkeys(
        (
            "lane_height_sd_mm", "height_noise_sd_mm", "height_gauge_sd_mm", "flaw_probability",
            "false_alarm_probability",
        ),
        0.0,
    ),
    "vacuum_dry": dict.fromkeys(
        ("moisture_before_cv", "equilibrium_cv", "coil_cv", "gauge_cv", "rewetting_ppm_per_h"), 0.0
    ),
}  # fmt: skip


def _design(chemistry: str = "nmc811") -> CellDesign:
    nmc = chemistry == "nmc811"
    return CellDesign.model_validate(
        {
            "chemistry": chemistry, "nominal_voltage_v": 3.68 if nmc else 3.22,
            "lower_voltage_v": 2.5, "upper_voltage_v": 4.2 if nmc else 3.65, "separator_um": 12.0,
            "separator_width_mm": 73.0, "electrolyte_g_per_ah": 1.5, "first_cycle_efficiency": 0.88,
            "package": {
                "format": "cylindrical", "outer_diameter_mm": 46.0, "height_mm": 80.0, "wall_mm": 0.6,
                "core_diameter_mm": 5.0, "collector_disc_cu_mm": 0.2, "collector_disc_al_mm": 0.3, "parts_kg": 0.07,
            },
            "cathode": {
                "active_material": chemistry, "loading_mg_per_cm2": 25.5 if nmc else 30.0, "active_fraction": 0.96,
                "binder_fraction": 0.02, "capacity_mah_per_g": 195.0 if nmc else 148.0,
                "press_density_g_per_cm3": 3.45 if nmc else 2.5, "solid_density_g_per_cm3": 4.53 if nmc else 3.5,
                "foil": "al", "foil_um": 13.0, "length_m": 3.4 if nmc else 3.1, "width_mm": 66.0, "margin_mm": 6.0,
            },
            "anode": {
                "active_material": "graphite", "loading_mg_per_cm2": 15.4 if nmc else 14.0, "active_fraction": 0.96,
                "binder_fraction": 0.03, "capacity_mah_per_g": 350.0, "press_density_g_per_cm3": 1.58,
                "solid_density_g_per_cm3": 2.19, "foil": "cu", "foil_um": 8.0, "length_m": 3.5 if nmc else 3.15,
                "width_mm": 68.0, "margin_mm": 5.0,
            },
        }
    )  # fmt: skip


def _step(kind, electrode="cathode", chemistry="nmc811", **params):
    if "keep_all_columns" in kind.Params.model_fields:
        params = {"keep_all_columns": True, **params}
    return kind(kind.Params(electrode=electrode, **params), _design(chemistry))


def _chain(electrode="cathode", chemistry="nmc811", quiet=False, **changes):
    """All seven steps; `changes` are parameters by step name."""
    steps = []
    for kind in ORDER:
        params = {**(QUIET[kind.name] if quiet else {}), **changes.get(kind.name, {})}
        steps.append(_step(kind, electrode, chemistry, **params))
    return steps


def _source_lot(ordinal=0, electrode="cathode"):
    return Lot(lineage(electrode, ordinal), ordinal=ordinal, product="p", material=electrode, unit="kg", amount=0.0)


def _draws(step, seed=1):
    return Draws(seed, 0, f"{step.params.electrode}_{step.name}")


def _run(steps, ordinal=0, maturity=0.5, seed=1, look=None):
    """Take one lot through `steps`; `look(step, before, after)` sees each result."""
    lot = _source_lot(ordinal, steps[0].params.electrode)
    for step in steps:
        before = lot
        lot = step.apply(lot, _draws(step, seed), maturity)
        exit_codes(lot)  # so that tests need not tell a lot without losses from others
        if look is not None:
            look(step, before, lot)
    return lot


SCRIPT = """
import json, sys
sys.path.insert(0, {folder!r})
import conftest as electrode
{steps}
lot = electrode._run(steps, 2, 0.2)
print(json.dumps({{
    "exit": lot.exit_code.tolist(),
    "attributes": lot.attributes,
    "columns": {{name: values.tolist() for name, values in lot.columns.items()}},
}}))
"""


@pytest.fixture
def same_rows(both_ways):
    """Runs a lot through `steps`, as a text makes them, in both ways; exit codes that its rows have."""

    def compare(steps):
        script = SCRIPT.format(folder=str(Path(__file__).parent), steps=steps)
        compiled, interpreted = (json.loads(told) for told in both_ways(lambda _: ["-c", script]))
        assert compiled["exit"] == interpreted["exit"]
        assert compiled["attributes"] == pytest.approx(interpreted["attributes"], rel=1e-5, abs=1e-5)
        assert set(compiled["columns"]) == set(interpreted["columns"])
        for name, values in compiled["columns"].items():
            assert values == pytest.approx(interpreted["columns"][name], rel=1e-4, abs=1e-6), name
        return set(compiled["exit"])

    return compare


@pytest.fixture
def electrode():
    """Helpers: order, quiet, design, step, chain, source_lot, draws, run."""
    return SimpleNamespace(
        order=ORDER,
        quiet=QUIET,
        design=_design,
        step=_step,
        chain=_chain,
        source_lot=_source_lot,
        draws=_draws,
        run=_run,
    )
