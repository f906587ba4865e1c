"""Importance sampling: weights that add up, closed forms at 1 ppm, and agreement with plain counting."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import poisson

from cellfab.core.defects import DEFECTS, bit
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.pilot import QualityChain
from cellfab.quality.escapes import weighted_escape
from cellfab.quality.importance import (
    BOOSTED_SHARE,
    KINDS,
    Boost,
    boost_of,
    changed,
    likelihood_ratio,
    ratio_of_sites,
    sources,
)
from cellfab.scenario import load_scenario
from cellfab.steps.leak_test import leak_sites

EV = "ev_nmc811"
PLANTS = Path(__file__).parents[1] / "data" / "plants"
PARTICLES, FAULT, LEAK, *_ = KINDS
SHORT_ROLLS = [f"line.stations.{side}_dose.params.roll_length_m=600" for side in ("cathode", "anode")]


@pytest.mark.parametrize(("mean", "factor"), [(1e-6, 1e4), (0.002, 5.0), (0.5, 1.5)])
def test_weights_turn_one_law_into_the_other(mean, factor):
    """Weighted boosted probabilities are the nominal ones, count by count."""
    counts = np.arange(30)
    weights = likelihood_ratio(PARTICLES, counts, mean, factor * mean)
    np.testing.assert_allclose(weights * poisson.pmf(counts, factor * mean), poisson.pmf(counts, mean), rtol=1e-9)
    if factor * mean < 1.0:
        events = np.array([0, 1])
        weights = likelihood_ratio(LEAK, events, mean, factor * mean)
        np.testing.assert_allclose(weights * [1.0 - factor * mean, factor * mean], [1.0 - mean, mean], rtol=1e-12)


def test_a_source_that_is_off_weighs_nothing():
    none = np.zeros(5, np.int64)
    assert likelihood_ratio(PARTICLES, none, 0.0, 0.0).tolist() == [1.0] * 5
    assert likelihood_ratio(LEAK, none, 0.0, 0.0).tolist() == [1.0] * 5


def test_sources_of_the_shipped_line():
    scenario = load_scenario("ev_4680_dry")
    found = {(source.place, source.kind.parameter) for source in sources(scenario, EV, "soft_short")}
    assert found == {("wind", "particles_per_m2"), ("wind", "separator_fault_probability")}
    assert [source.place for source in sources(scenario, EV, "leak")] == ["assembly.fill"]
    assert sources(scenario, EV, "no_fusion") == ()
    for mechanism in ("soft_short", "leak", "separator_fault"):
        for source in sources(scenario, EV, mechanism):
            assert source.mean(1.0, boost_of(source, 1.0)) == pytest.approx(BOOSTED_SHARE)
    often = load_scenario("ev_4680_dry", ["line.stations.assembly.machines.fill.params.leak_probability=0.2"])
    assert boost_of(sources(often, EV, "leak")[0], 1.0) == 1.0


def test_a_seal_that_leaks_and_is_not_found_once_in_a_million():
    """Fill alone on 24 million cells, 1 % boosted to leak: 16 000 escapes, 0.8 % standard error; |z| < 2.5 sees 2 %."""
    miss = quad(lambda x: (1 - 0.98 / (1 + math.exp(-min(x / 0.1, 700)))) * math.exp(-x / 1.5) / 1.5, 0, 60)[0]
    sets = [
        f"line.stations.assembly.machines.fill.params.{name}={value}"
        for name, value in (
            ("leak_probability", 1e-6 / miss), ("leak_false_alarm_probability", 0.01), ("dosing_cv", 0.0),
            ("blocked_nozzle_probability", 0.0), ("scale_error_fraction", 0.0),
        )
    ]  # fmt: skip
    scenario = load_scenario("ev_4680_dry", sets)
    (source,) = sources(scenario, EV, "leak")
    boost = Boost(scenario, EV, {source: boost_of(source, 1.0)})
    step, draws, n = boost.steps["assembly.fill", EV], Draws(3, 0, "assembly.fill"), 400_000
    porosity = {side: np.full(n, 0.25, np.float32) for side in ("cathode_porosity", "anode_porosity")}
    total, squares, all_weights, seen, lots = 0.0, 0.0, 0.0, 0, 60
    for number in range(lots):
        cells = Lot(number + 1, material="cell", n=n, unit="cells")
        cells.columns = dict(porosity)
        step.apply(cells, draws, 1.0)
        weights = boost.weights.pop(cells.identity)
        escaped = cells.alive() & (cells.columns["leak"] > 0)
        total += weights[escaped].sum()
        squares += (weights[escaped] ** 2).sum()
        all_weights += weights.sum()
        seen += int(escaped.sum())
    made = lots * n
    error = math.sqrt(squares) / made
    # A leaking cell that the curve lets pass may still be caught by the false alarm that sound cells get too.
    expected = 0.99e-6
    assert error < 0.01 * expected
    assert abs(total / made - expected) < 2.5 * error
    assert all_weights / made == pytest.approx(1.0, abs=4 * 0.1 / math.sqrt(made))
    # Variance gain against counting: both per cell, from the closed form.
    share = total / made
    gain = share * (1 - share) / (squares / made - share**2)
    assert gain == pytest.approx(BOOSTED_SHARE * miss / 1e-6, rel=0.03)
    assert seen > 10_000


@pytest.mark.parametrize("mechanism", ["soft_short", "separator_fault", "leak"])
def test_weights_of_the_whole_chain_average_to_one(mechanism):
    """Over all cells, dead or alive; and over the cells with an event they give back the nominal mean. z = 4."""
    scenario = load_scenario("ev_4680_dry", SHORT_ROLLS)
    known = sources(scenario, EV, mechanism)
    boost = Boost(scenario, EV, {source: boost_of(source, 1.0) for source in known})
    chain = QualityChain(scenario, EV, seed=2, steps=boost.steps)
    weights = []
    for ordinal in range(30):
        chain.lot(ordinal)
    weights = np.concatenate(list(boost.weights.values()))
    assert weights.size > 30_000
    assert (weights > 0.0).all()
    assert abs(weights.mean() - 1.0) < 4 * weights.std() / math.sqrt(weights.size)
    assert 0.5 * BOOSTED_SHARE < (weights < 0.9).mean() < 2.5 * BOOSTED_SHARE, "cells with an event weigh less"


def test_particles_on_electrodes_are_not_taken_for_boosted_ones():
    """Flawed edges put particles into half of the cells; the weights count only those that fell in while winding."""
    often = [
        f"line.stations.{side}_notch.params.{name}"
        for side in ("cathode", "anode")
        for name in ("flaw_probability=0.3", "flaw_seen_share=0.0")
    ]
    scenario = load_scenario("ev_4680_dry", [*SHORT_ROLLS, *often])
    known = [source for source in sources(scenario, EV, "soft_short") if source.kind is PARTICLES]
    boost = Boost(scenario, EV, {source: boost_of(source, 1.0) for source in known})
    seen = []
    chain = QualityChain(scenario, EV, seed=2, steps=boost.steps)

    def look(visit):
        if visit.place.key == "wind":
            seen.append(visit.made.columns["particles_in_roll"].copy())

    chain.lot(0, look)
    ((_, weights),) = boost.weights.items()
    assert (seen[0] > 0).mean() > 0.4
    assert 0.002 < (weights < 0.9).mean() < 0.03


def test_weighted_and_counted_escapes_agree():
    """Day one, where both can be had: leaks boosted ten times against plain counts, |z| < 4 of their joint error."""
    scenario = load_scenario("ev_4680_dry", ["line.stations.assembly.machines.fill.params.leak_probability=0.001"])
    known = sources(scenario, EV, "leak")
    weighted = weighted_escape(scenario, EV, "leak", known, 5, 0.5, 25)
    plain = QualityChain(scenario, EV, seed=5, maturity=0.5)
    escaped = sold = 0
    for ordinal in range(50):
        (lot,) = plain.lot(ordinal)
        alive = lot.alive()
        escaped += int(np.count_nonzero(alive & ((lot.columns[DEFECTS] & bit("leak")) != 0)))
        sold += lot.n_alive
    assert escaped > 10
    error = math.hypot(math.sqrt(escaped) / sold * 1e6, (weighted.high - weighted.low) / 4.0)
    assert abs(weighted.ppm - 1e6 * escaped / sold) < 4 * error
    assert weighted.gain > 4.0


# ---- leaks of seams, seals and pins: more of them come on top, and a second weld closes some ----------------------

LEAKY = {
    "prismatic": {
        "assembly.machines.lid_seam": ("pores_per_m", "assembly.lid_seam"),
        "second_fill": ("pin_leak_probability", "second_fill"),
    },
    "pouch": {
        "assembly.machines.pouch": ("channels_per_m", "assembly.pouch"),
        "degas": ("channels_per_m", "degas"),
    },
}


def leaky(name, *more):
    """The scenario of a test's plant with short rolls."""
    return load_scenario(str(PLANTS / f"{name}.yaml"), [*SHORT_ROLLS, *more])


def told(name, **params):
    """Options that set parameters of all steps that leak."""
    return [f"line.stations.{place}.params.{key}={value}" for place in LEAKY[name] for key, value in params.items()]


@pytest.mark.parametrize("name", LEAKY)
def test_all_steps_that_leak_are_sources(name):
    found = [(source.place, source.kind.parameter) for source in sources(leaky(name), EV, "leak")]
    assert found == [(place, parameter) for parameter, place in LEAKY[name].values()]


@pytest.mark.parametrize(("number", "more"), [(1e-4, 0.01), (0.3, 0.9), (0.5, 0.5)])
def test_weighted_leak_sites_have_their_own_law(number, more):
    """On an even grid of the number drawn: all weights, and those of leaks worse than x: 1 - exp(-m exp(-x))."""
    u = ((np.arange(4_000_000) + 0.5) / 4e6).astype(np.float32)
    steps = [SimpleNamespace(sites=lambda *_, m=m: leak_sites(m, u)) for m in (number, more)]
    weights = ratio_of_sites(*steps, None, None, 1.0)
    assert weights.mean() == pytest.approx(1.0, rel=1e-5)
    hazard = leak_sites(more, u).hazard
    for x in (0.0, 0.5, 2.0):
        worse = hazard < more * math.exp(-x)
        assert (weights * worse).mean() == pytest.approx(-math.expm1(-number * math.exp(-x)), rel=2e-3)


@pytest.mark.parametrize("name", LEAKY)
def test_sites_and_pins_are_those_that_the_steps_draw(name):
    """Without a test, vents and bad temperatures, the worst leak of each cell follows from what the weights see."""
    sets = told(name, leak_detection_probability=0.0, leak_false_alarm_probability=0.0)
    if name == "prismatic":
        sets += ["line.stations.assembly.machines.lid_seam.params.vent_damage_probability=0"]
    else:
        sets += told(name, bar_noise_sd_k=0.01, bar_offset_sd_k=0.01)
    sets += [
        f"line.stations.{place}.params.{parameter}={0.02 if parameter.endswith('probability') else 0.3}"
        for place, (parameter, _) in LEAKY[name].items()
    ]
    scenario = leaky(name, *sets)
    places = {place for _, place in LEAKY[name].values()}
    before, seen = np.float32(0.0), []

    def look(visit):
        nonlocal before
        made, step = visit.made, scenario.steps[visit.place.key, EV]
        after = made.columns.get("leak")
        if visit.place.key in places:
            draws = Draws(4, 0, visit.place.key)
            if hasattr(step, "sites"):
                number, hazard = step.sites(made, draws, 0.0)
                leaks = hazard < number
                decades = np.where(leaks, -step.params.leak_decades_mean_number * np.log(hazard / number), 0.0)
                np.testing.assert_allclose(after, np.maximum(before, decades), rtol=1e-4, atol=1e-5)
            else:
                leaks, _ = step.pins(made, draws, 0.0)
                assert np.array_equal(after > 0.0, (before > 0.0) | leaks)
            seen.append(int(np.count_nonzero(leaks)))
        if after is not None:
            before = after.copy()

    QualityChain(scenario, EV, seed=4, maturity=0.0).lot(0, look)
    assert len(seen) == 2
    assert min(seen) > 3


@pytest.mark.parametrize("name", LEAKY)
def test_weighted_and_counted_leaks_agree(name):
    """Boosted against plain counts where tests see half, |z| < 4 of their joint error; weights average to 1, z = 4."""
    scenario = leaky(name, *told(name, leak_detection_probability=0.5))
    known = sources(scenario, EV, "leak")
    weighted = weighted_escape(scenario, EV, "leak", known, 5, 1.0, 12)
    plain = QualityChain(scenario, EV, seed=5)
    escaped = sold = 0
    for ordinal in range(24):
        for lot in plain.lot(ordinal):
            escaped += int(np.count_nonzero(lot.alive() & ((lot.columns[DEFECTS] & bit("leak")) != 0)))
            sold += lot.n_alive
    assert escaped > 5
    error = math.hypot(math.sqrt(escaped) / sold * 1e6, (weighted.high - weighted.low) / 4.0)
    assert abs(weighted.ppm - 1e6 * escaped / sold) < 4 * error
    assert weighted.gain > 2.0
    boost = Boost(scenario, EV, {source: boost_of(source, 1.0) for source in known})
    chain = QualityChain(scenario, EV, seed=6, steps=boost.steps)
    for ordinal in range(12):
        chain.lot(ordinal)
    weights = np.concatenate(list(boost.weights.values()))
    assert abs(weights.mean() - 1.0) < 4 * weights.std() / math.sqrt(weights.size)
    assert 0.5 * BOOSTED_SHARE < (weights < 0.9).mean() < 5 * BOOSTED_SHARE


def test_a_source_that_never_happens_changes_no_weight():
    scenario = leaky("prismatic", "line.stations.second_fill.params.pin_leak_probability=0")
    pin = sources(scenario, EV, "leak")[1]
    boost = Boost(scenario, EV, {pin: boost_of(pin, 1.0)})
    QualityChain(scenario, EV, steps=boost.steps).lot(0)
    (weights,) = boost.weights.values()
    assert (weights == 1.0).all()


def test_a_changed_step_is_changed_at_every_maturity():
    step = load_scenario("ev_4680_dry").steps["wind", EV]
    double = changed(step, "particles_per_m2", 2.0)
    for maturity in (0.0, 0.3, 1.0):
        assert double.at("particles_per_m2", maturity) == pytest.approx(2.0 * step.at("particles_per_m2", maturity))
    assert step.params.particles_per_m2 != double.params.particles_per_m2
