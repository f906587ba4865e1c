"""What must hold for every electrode step: conservation, limits, monotony, and draws with names."""

from __future__ import annotations

from collections import Counter

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellfab.config.spec import Ramped
from cellfab.core.causes import describe
from cellfab.core.columns import COLUMNS

many_segments = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many segments for interpreted kernels")
SMALL = {"dose": {"roll_length_m": 350.0, "charge_kg": 15.0}}
CASES = [("cathode", "nmc811"), ("anode", "nmc811"), ("cathode", "lfp"), ("anode", "lfp")]
LFP = {"calender": {"porosity_least_fraction": 0.24}}


def _steps(electrode, side, chemistry, quiet=False, **changes):
    changes = {**SMALL, **(LFP if (side, chemistry) == ("cathode", "lfp") else {}), **changes}
    return electrode.chain(side, chemistry, quiet=quiet, **changes)


@many_segments
@pytest.mark.parametrize(("side", "chemistry"), CASES)
def test_columns_rows_and_causes_are_the_declared_ones(electrode, side, chemistry):
    def look(step, before, after):
        assert set(step.reads) <= set(before.columns)
        assert set(step.writes) <= set(after.columns)
        kept = set(before.columns) if after is before else set()
        assert set(after.columns) <= set(step.writes) | set(getattr(step, "on_demand", ())) | kept
        for name, values in after.columns.items():
            assert values.shape == (after.n,)
            assert values.dtype == COLUMNS[name].dtype
            assert np.isfinite(values).all()
        if after is before:
            # Rows that were dead stay dead of the same cause.
            was = codes["before"]
            assert np.array_equal(after.exit_code[was != 0], was[was != 0])
            new = np.unique(after.exit_code[was == 0])
        else:
            assert after.parents == (before.identity,)
            new = np.unique(after.exit_code)
        assert {describe(int(code)).step for code in new if code} <= {step.name}
        # The lot knows what it has lost, cause by cause, without anybody having to count.
        was_dead = np.bincount(codes["before"])[1:].sum() if after is before else 0
        counted = Counter()
        for code, rows in after.losses:
            counted[code] += rows
        assert counted == Counter(after.exit_code[after.exit_code != 0].tolist()) - (
            Counter(codes["before"][codes["before"] != 0].tolist()) if after is before else Counter()
        )
        assert after.n_dead == np.count_nonzero(after.exit_code) == was_dead + sum(counted.values())
        after.losses.clear()
        codes["before"] = after.exit_code.copy()

    codes = {}
    electrode.run(_steps(electrode, side, chemistry), 3, 0.0, look=look)


@many_segments
def test_columns_kept_on_demand_change_nothing_else(electrode):
    few = {name: {"keep_all_columns": False} for name in ("dry_film", "calender", "notch")}
    for ordinal in range(5):
        every = electrode.run(_steps(electrode, "cathode", "nmc811"), ordinal, 0.0)
        lean = electrode.run(_steps(electrode, "cathode", "nmc811", **few), ordinal, 0.0)
        assert np.array_equal(every.exit_code, lean.exit_code)
        assert every.attributes == lean.attributes
        assert set(lean.columns) == {
            name for step in _steps(electrode, "cathode", "nmc811")[2:] for name in step.writes
        }
        assert set(every.columns) - set(lean.columns) == {
            "pinholes", "pinhole_mm", "peel_n_per_m", "thickness_um", "flag_height_error_mm",
        }  # fmt: skip
        assert all(np.array_equal(values, every.columns[name]) for name, values in lean.columns.items())


@many_segments
@pytest.mark.parametrize(("side", "chemistry"), CASES)
@settings(max_examples=settings().max_examples // 4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ordinal=st.integers(0, 10_000), maturity=st.floats(0.0, 1.0))
def test_mass_is_conserved_at_every_step(electrode, side, chemistry, ordinal, maturity):
    def look(step, before, after):
        facts = after.attributes
        total = facts["kg_good"] + facts["kg_scrap"] + facts["kg_returned"]
        assert total == pytest.approx(facts["kg_in"], abs=1e-6)
        assert min(facts["kg_good"], facts["kg_scrap"], facts["kg_returned"]) > -1e-3
        if after.unit == "kg":
            alive_kg = after.columns["charge_kg"][after.alive()].sum(dtype=float)
            assert after.amount == facts["kg_good"] == pytest.approx(alive_kg)
        else:
            rows_kg = after.columns["loading_mg_per_cm2"].astype(float) * 0.01 * facts["segment_m2"]
            alive_kg = rows_kg[after.alive()].sum() + facts["kg_strip"]
            assert facts["kg_good"] == pytest.approx(alive_kg, abs=1e-3)
            assert after.amount == pytest.approx(after.n_alive / facts["lanes"] * facts["pitch_m"])

    electrode.run(_steps(electrode, side, chemistry), ordinal, maturity, look=look)


@many_segments
@pytest.mark.parametrize(("side", "chemistry"), CASES)
def test_without_errors_nothing_is_scrapped(electrode, side, chemistry):
    lots = []
    electrode.run(_steps(electrode, side, chemistry, quiet=True), look=lambda step, before, after: lots.append(after))
    assert all(lot.n_alive == lot.n for lot in lots)
    assert lots[-1].attributes["planned_positions"] == lots[-1].attributes["positions"]
    assert lots[-1].attributes["dryings"] == 1.0


NOISES = [
    ("dry_mix", "strength_cv", 0.15), ("dry_mix", "release_gauge_cv", 0.15), ("dry_film", "drift_loading_cv", 0.01),
    ("dry_film", "lane_loading_cv", 0.01), ("dry_film", "feed_cv", 0.3), ("dry_film", "pinholes_per_m2", 0.3),
    ("dry_film", "threading_m", 10.0), ("dry_film", "peel_patch_cv", 0.2),
    ("calender", "gap_noise_um", 0.8), ("calender", "lane_thickness_um", 0.8), ("calender", "wrinkle_probability", 0.3),
    ("slit", "lane_width_sd_mm", 0.05), ("slit", "burr_peaks_per_km", 900.0), ("notch", "flaw_probability", 0.02),
    ("notch", "height_noise_sd_mm", 0.1), ("notch", "false_alarm_probability", 0.02), ("vacuum_dry", "coil_cv", 0.4),
]  # fmt: skip


@many_segments
@pytest.mark.parametrize(("name", "noise", "value"), NOISES)
def test_more_of_one_error_never_rejects_less_on_the_same_draws(electrode, name, noise, value):
    tight = {"slit": {"burr_limit_um": 7.0}, "dry_film": {"peel_limit_n_per_m": 9.0}}.get(name, {})
    rejected = []
    for factor in (0.0, 1.0, 1.5, 2.0, 3.0):
        steps = _steps(electrode, "cathode", "nmc811", quiet=True, **{name: {noise: value * factor, **tight}})
        up_to = [step.name for step in steps].index(name) + 1
        lots = [electrode.run(steps[:up_to], ordinal) for ordinal in range(6)]
        rejected.append(sum(lot.n - lot.n_alive for lot in lots))
    assert rejected == sorted(rejected)
    assert rejected[-1] > 0


@many_segments
@pytest.mark.parametrize(("side", "chemistry"), [("cathode", "nmc811"), ("anode", "lfp")])
def test_maturity_never_makes_it_worse(electrode, side, chemistry):
    steps = _steps(electrode, side, chemistry)
    yields = []
    for maturity in (0.0, 0.25, 0.5, 0.75, 1.0):
        lots = [electrode.run(steps, ordinal, maturity) for ordinal in range(25)]
        planned = sum(lot.attributes["lanes"] * lot.attributes["planned_positions"] for lot in lots)
        yields.append(sum(lot.n_alive for lot in lots) / planned)
    assert yields == sorted(yields)
    assert yields[0] < yields[-1] - 0.05


def test_every_ramp_ends_better_than_it_starts(electrode):
    better_when_high = {
        "premix_energy_kwh_per_kg", "break_scale_m", "peel_n_per_m", "flaw_seen_share", "blister_seen_share",
    }  # fmt: skip
    for kind in electrode.order:
        params = kind.Params()
        for name in kind.Params.model_fields:
            value = getattr(params, name)
            if isinstance(value, Ramped):
                assert (value.mature > value.start) == (name in better_when_high), (kind.name, name)


@many_segments
def test_draws_do_not_depend_on_order_or_on_other_lots(electrode):
    steps = _steps(electrode, "cathode", "nmc811")
    forwards = {ordinal: electrode.run(steps, ordinal) for ordinal in range(5)}
    backwards = {ordinal: electrode.run(_steps(electrode, "cathode", "nmc811"), ordinal) for ordinal in (4, 1, 3, 2, 0)}
    for ordinal, lot in forwards.items():
        other = backwards[ordinal]
        assert (lot.identity, lot.attributes) == (other.identity, other.attributes)
        assert np.array_equal(lot.exit_code, other.exit_code)
        assert all(np.array_equal(values, other.columns[name]) for name, values in lot.columns.items())


@many_segments
def test_lots_and_seeds_differ(electrode):
    steps = _steps(electrode, "cathode", "nmc811")
    one, two, three = electrode.run(steps, 0), electrode.run(steps, 1), electrode.run(steps, 0, seed=2)
    for other in (two, three):
        n = min(one.n, other.n)
        alike = np.corrcoef(one.columns["flag_height_error_mm"][:n], other.columns["flag_height_error_mm"][:n])[0, 1]
        assert abs(alike) < 0.5
        assert one.columns["loading_mg_per_cm2"][0] != other.columns["loading_mg_per_cm2"][0]


@many_segments
def test_cells_of_one_roll_are_more_alike_than_of_two(electrode):
    # The share of loading variance between rolls: roll, lane and charge offsets and slow drift are shared.
    steps = _steps(electrode, "cathode", "nmc811")[:3]
    rolls = [electrode.run(steps, ordinal).columns["loading_mg_per_cm2"] for ordinal in range(60)]
    within = np.mean([roll.var() for roll in rolls])
    between = np.var([roll.mean() for roll in rolls])
    assert 0.2 < between / (between + within) < 0.8


def test_a_lot_without_rows_passes(electrode):
    steps = _steps(electrode, "cathode", "nmc811", dry_mix={"release_strength_mpa": 20.0})
    lot = electrode.run(steps)
    assert (lot.n, lot.amount, lot.attributes["kg_good"]) == (0, 0.0, 0.0)
    assert lot.attributes["kg_scrap"] + lot.attributes["kg_returned"] == pytest.approx(lot.attributes["kg_in"])


@pytest.mark.parametrize("bad", [{"roll_length_m": -1.0}, {"lanes": 0}, {"active_dosing_cv": 0.5}, {"no_such": 1.0}])
def test_parameters_outside_their_range_are_refused(electrode, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        electrode.step(electrode.order[0], **bad)


def test_both_ends_of_a_ramp_must_be_in_range(electrode):
    with pytest.raises(ValueError, match="5 is not between 0 and 1"):
        electrode.step(electrode.order[3], wrinkle_probability={"start": 5.0, "mature": 0.1})


STEPS = """
steps = electrode._chain("cathode", dose={"roll_length_m": 45.0, "lanes": 2, "charge_kg": 5.0})
"""


def test_without_compilation_the_numbers_are_the_same(same_rows):
    assert len(same_rows(STEPS)) > 1
