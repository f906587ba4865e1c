"""Cells of one roll are alike, by as much as the configured scatter of their loading says."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from cellfab.config.spec import capability_at
from cellfab.kernels.formation_theory import binder_loss_ah
from cellfab.kernels.web_field import mean_variance_factor, ripple_law
from cellfab.quality.likeness import intraclass_correlation
from cellfab.scenario import load_scenario

LANES, ROLL_M, ROLLS, Z_LIMIT = 3, 500.0, 1500, 4.0
many_cells = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many cells for interpreted kernels")
LOADING = (
    "charge_loading_cv", "roll_loading_cv", "lane_loading_cv", "drift_loading_cv", "feed_cv", "roll_runout_um",
)  # fmt: skip
OF_CELLS = ("batch_efficiency_sd_fraction", "cell_efficiency_sd_fraction", "capacity_cv")


def capacities(pilots, steps, product: str, rolls: int):
    """Capacity and roll of each living cell of the mature line, and the cathode web of the last roll with its cells."""
    scenario = load_scenario("ev_4680_dry")
    values, group, web, wound = [], [], None, None
    for ordinal in range(rolls):
        for visit in pilots.walk(scenario, product, ordinal, steps=steps, keep=False, maturity=1.0):
            if visit.place.key == "wind":
                web, wound = visit.left["cathode"], visit.made.columns["cathode_row"].copy()
        capacity = visit.made.columns["capacity_ah"][visit.made.alive()]
        values.append(capacity)
        group.append(np.full(capacity.size, ordinal))
    return np.concatenate(values), np.concatenate(group), web, wound


def with_loading_alone(pilots):
    """Steps of the dry 4680 line on which nothing scatters but the cathode's loading and what formation adds.

    Each roll has offsets of its lanes of its own, and no segment is thrown out for its loading.
    """
    scenario = load_scenario("ev_4680_dry")
    steps = {}
    for key, step in scenario.steps.items():
        kept = OF_CELLS if step.name == "formation" else ()
        if key[0] == "cathode_film":
            kept = LOADING
        made = pilots.with_params(pilots.perfected(step), **{name: getattr(step.params, name) for name in kept})
        if step.name == "dose":
            made = pilots.with_params(made, lanes=LANES, roll_length_m=ROLL_M, charge_kg=15.0)
        if key[0] == "cathode_film":
            made = pilots.with_params(
                made, loading_tolerance_fraction=1.0, lane_setting_km=1e-3 * ROLL_M, lane_drift_share=0.0,
                break_scale_m=1e7,
            )  # fmt: skip
        steps[key] = made
    return steps


def expected(film, formation, charge: np.ndarray, lane: np.ndarray, length_m: float) -> float:
    """Covariance of two cells of a roll over the variance of cells: the intraclass correlation of their capacity.

    Two cells share the roll's offset and its efficiency, their charge's offset if they are of one charge, their lane's
    if they are of one lane, and the drift as far as it reaches.
    """
    design, params = formation.design, formation.params
    loading = {name: capability_at(getattr(film.params, name), 1.0) for name in LOADING}
    batch, cell, residual = (capability_at(getattr(params, name), 1.0) for name in OF_CELLS)
    anode, pitch_m = design.anode, design.cathode.length_m
    lost_ah = binder_loss_ah(anode.coating_kg, anode.binder_fraction, params.anode_binder_loss_mah_per_g)
    gain = design.capacity_ah / (design.capacity_ah - lost_ah)  # the anode's binder takes its share off the top
    of_drift = loading["drift_loading_cv"] ** 2
    ripple = ripple_law(
        loading["roll_runout_um"] / 2.0 / film.film_um, pitch_m, math.pi * film.params.roll_diameter_m, 0.0
    )

    def one_in(values: np.ndarray) -> float:
        return float(np.sum((np.unique(values, return_counts=True)[1] / values.size) ** 2))

    shared = (
        loading["roll_loading_cv"] ** 2 + (batch / design.first_cycle_efficiency) ** 2
        + loading["charge_loading_cv"] ** 2 * one_in(charge) + loading["lane_loading_cv"] ** 2 * one_in(lane)
        + of_drift * mean_variance_factor(length_m, film.params.drift_length_m)
    )  # fmt: skip
    feed_m = film.params.feed_length_m
    total = (
        loading["roll_loading_cv"] ** 2 + (batch / design.first_cycle_efficiency) ** 2
        + loading["charge_loading_cv"] ** 2 + loading["lane_loading_cv"] ** 2
        + of_drift * mean_variance_factor(pitch_m, film.params.drift_length_m)
        + 0.5 * ripple.amplitude**2 + (cell / design.first_cycle_efficiency) ** 2 + (residual / gain) ** 2
        + loading["feed_cv"] ** 2 * feed_m / (feed_m + film.params.nip_length_m) * mean_variance_factor(pitch_m, feed_m)
    )  # fmt: skip
    return shared / total


@many_cells
def test_cells_of_a_roll_are_as_alike_as_their_loading_says(pilots):
    """1500 rolls of 400 cells: standard deviation of the correlation r (1 - r) sqrt(2 / 1500), 0.009; z-limit 4."""
    steps = with_loading_alone(pilots)
    values, group, web, wound = capacities(pilots, steps, "ev_nmc811", ROLLS)
    film, formation = steps["cathode_film", "ev_nmc811"], steps["formation", "ev_nmc811"]
    positions = int(web.attributes["positions"])
    length_m = (np.ptp(wound % positions) + 1) * web.attributes["pitch_m"]
    wanted = expected(film, formation, web.columns["charge"][wound], wound // positions, length_m)
    found = intraclass_correlation(values, group)
    spread = wanted * (1.0 - wanted) * math.sqrt(2.0 / ROLLS)
    assert 0.2 < wanted < 0.7, "neither alike nor unlike"
    assert found.icc == pytest.approx(wanted, abs=Z_LIMIT * spread)


@many_cells
def test_cells_of_a_roll_are_alike_on_the_shipped_line(pilots):
    """60 rolls of 3000 m with all that scatters on a mature line: far above 0."""
    steps = load_scenario("ev_4680_dry").steps
    found = intraclass_correlation(*capacities(pilots, steps, "ev_nmc811", 60)[:2])
    assert found.low > 0.1
