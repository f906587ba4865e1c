from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from cellfab.errors import ConfigError
from cellfab.steps import slurry_mix
from cellfab.steps.dose import Dose
from cellfab.steps.slurry_mix import SlurryMix

many = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many batches for interpreted kernels")
WATER = {
    "solvent_material": "deionised_water", "solvent_density_g_per_cm3": 0.998, "solids_fraction": 0.5,
    "active_particle_um": 16.0, "gelation_per_h": 0.0,
}  # fmt: skip


def _batches(electrode, ordinal=0, side="cathode", maturity=0.5, dose=None, quiet=True, **mix):
    steps = [
        electrode.step(Dose, side, **{**electrode.quiet["dose"], "charge_kg": 800.0, **(dose or {})}),
        electrode.step(SlurryMix, side, **{**(electrode.quiet["slurry_mix"] if quiet else {}), **mix}),
    ]
    return electrode.run(steps, ordinal, maturity), steps[1]


def _remarks(electrode, side="cathode", chemistry="nmc811", **mix):
    return {remark.about: remark for remark in electrode.step(SlurryMix, side, chemistry, **mix).review()}


def test_a_quiet_batch_is_the_recipe(electrode):
    lot, step = _batches(electrode)
    assert lot.n_alive == lot.n == 2
    assert lot.columns["solids_fraction"] == pytest.approx(np.full(2, 0.72))
    assert lot.columns["viscosity_ratio"] == pytest.approx(np.ones(2), rel=1e-5)
    powder = lot.attributes["kg_good"]
    assert lot.attributes["solvent_in_kg"] == pytest.approx(powder * 0.28 / 0.72)
    work = step.work(lot, 0.5)
    assert (work.materials, work.seconds) == ({}, None)
    assert work.energy_kwh == pytest.approx(0.07 * powder)


@pytest.mark.parametrize(
    ("cause", "mix"),
    [
        ("OFF_SOLIDS", {"solids_tolerance_fraction": 1e-9, "solvent_cv": 0.01}),
        ("OFF_VISCOSITY", {"viscosity_limit_ratio": 1.0 + 1e-9, "viscosity_cv": 0.1}),
        ("COARSE", {"fineness_limit_um": 10.0}),
        ("GELLED", {"gelation_per_h": 1.0}),
    ],
)
def test_each_test_rejects_with_its_cause(electrode, cause, mix):
    lot, step = _batches(electrode, **mix)
    assert set(lot.exit_code) == {getattr(slurry_mix, cause)}
    facts = lot.attributes
    assert (lot.amount, facts["kg_good"]) == (0.0, 0.0)
    assert facts["kg_scrap"] == pytest.approx(facts["kg_in"])
    # What is thrown away takes its solvent along, and that is bought; mixing it was not free.
    assert step.work(lot, 0.5).materials == {"nmp": pytest.approx(facts["solvent_in_kg"])}
    assert step.work(lot, 0.5).energy_kwh == pytest.approx(0.07 * facts["kg_in"])


def test_solvent_of_batches_is_conserved(electrode):
    rejected = 0
    for ordinal in range(30):
        lot, _ = _batches(electrode, ordinal, quiet=False, dose={"charge_kg": 100.0}, viscosity_cv=0.5)
        held = slurry_mix.solvent_held_kg(lot)
        assert held + lot.attributes["solvent_scrap_kg"] == pytest.approx(lot.attributes["solvent_in_kg"])
        rejected += lot.n - lot.n_alive
    assert rejected > 50


@many
@pytest.mark.parametrize(("maturity", "low", "high"), [(0.0, 0.015, 0.05), (1.0, 0.001, 0.006)])
def test_rejects_of_a_new_and_of_a_mature_mixer(electrode, maturity, low, high):
    # Charges of 1 kg: 1600 batches a roll, 10 rolls.
    for side, mix in (("cathode", {}), ("anode", WATER)):
        lots = [_batches(electrode, k, side, maturity, {"charge_kg": 1.0}, quiet=False, **mix)[0] for k in range(10)]
        share = sum(lot.n - lot.n_alive for lot in lots) / sum(lot.n for lot in lots)
        assert low < share < high


@many
def test_more_error_never_rejects_fewer_batches(electrode):
    for ordinal in range(5):
        for name, values in (
            ("viscosity_cv", (0.0, 0.1, 0.2, 0.4)),
            ("solvent_cv", (0.0, 0.01, 0.02, 0.05)),
            ("dispersing_energy_cv", (0.0, 0.1, 0.3)),
            ("gelation_per_h", (0.0, 0.05, 0.2)),
        ):
            kept = [_batches(electrode, ordinal, dose={"charge_kg": 5.0}, **{name: v})[0].n_alive for v in values]
            assert kept == sorted(kept, reverse=True)
            assert kept[0] > kept[-1], name


def test_a_charge_must_fit_the_mixer(electrode):
    # 1200 L of 72 % NMC slurry hold 2.0 t of powder.
    with pytest.raises(ConfigError, match=r"batch_l.*at most 2003 kg \(charge_kg\)"):
        _batches(electrode, dose={"charge_kg": 3000.0, "roll_length_m": 9000.0})


def test_a_continuous_mixer_leaves_the_noise_of_its_feeders(electrode):
    quiet = _batches(electrode)[0].columns["binder_cv"][0]
    fed = _batches(electrode, feeder_cv=0.05, residence_s=240.0, feeder_window_s=60.0)[0].columns["binder_cv"][0]
    x = 4.0
    assert fed == pytest.approx(math.sqrt(quiet**2 + 0.05**2 * 2.0 * (x - 1.0 + math.exp(-x)) / x**2), rel=1e-5)


@pytest.mark.parametrize(
    ("about", "impossible", "words", "mix"),
    [
        ("solids_fraction", True, "does not flow", {"solids_fraction": 0.9}),
        ("solids_fraction", False, "outside 0.2-0.85", {"solids_fraction": 0.1}),
        ("dispersing_energy_kwh_per_kg", False, "nearly every batch", {"dispersing_energy_kwh_per_kg": 0.001}),
        ("mixing_min", False, "more than 5 %", {"mixing_min": 10.0}),
        ("dwell_h", False, "thickens", {"dwell_h": 200.0}),
        ("unstirred_min", False, "settle", {"rest_viscosity_kg_per_m_s": 1e-3, "unstirred_min": 60.0}),
    ],
)
def test_review_says_what_is_wrong(electrode, about, impossible, words, mix):
    remark = _remarks(electrode, **mix)[about]
    assert remark.impossible is impossible
    assert words in remark.message
    assert (
        f"{mix[about]:g}" in remark.message or not isinstance(mix.get(about), float) or about.startswith("dispersing")
    )


def test_the_hint_is_the_limit(electrode):
    limit = float(_remarks(electrode, solids_fraction=0.9)["solids_fraction"].hint.split()[-1])
    assert not any(remark.impossible for remark in _remarks(electrode, solids_fraction=limit - 0.01).values())
    assert _remarks(electrode, solids_fraction=limit + 0.01)["solids_fraction"].impossible


@pytest.mark.parametrize(
    ("side", "chemistry", "mix"),
    [
        ("cathode", "nmc811", {}),
        ("cathode", "lfp", {"solids_fraction": 0.6, "active_particle_um": 1.0, "mixing_min": 200.0}),
        ("anode", "lfp", WATER),
        ("anode", "nmc811", {**WATER, "solids_fraction": 0.42, "active_particle_um": 6.0, "densest_fraction": 0.55}),
    ],
)
def test_the_recipes_of_the_card_are_sound(electrode, side, chemistry, mix):
    assert _remarks(electrode, side, chemistry, **mix) == {}
