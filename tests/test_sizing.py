"""Sizes of plants: closed forms, the two methods kept apart, and a sized plant that makes what it was sized for."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.analytic import estimate
from cellfab.config.line_spec import station_units
from cellfab.config.sizing_spec import Sizing, sizing_problems
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.scaling import exponents_of, power_law
from cellfab.errors import ConfigError, UsageError
from cellfab.replicate import simulate
from cellfab.report.sizing_text import base_for, overlay_text, sizing_document, sizing_text, write_overlay
from cellfab.scenario import Scenario, load_scenario
from cellfab.sizing import PlantSize, machines_needed, measured_oee, size_plant, whole_machines

SHORT_ROLLS = tuple(f"line.stations.{side}_dose.params.roll_length_m=300" for side in ("cathode", "anode"))
"""Lots of fifty cells: sizing needs their means only."""
STATIONS = 24


@pytest.fixture(scope="module")
def small() -> Scenario:
    return load_scenario("ess_lfp_prismatic", SHORT_ROLLS)


@pytest.fixture(scope="module")
def sized(small: Scenario) -> PlantSize:
    return size_plant(small, 20.0, reserve_share=0.03)


@pytest.fixture(scope="module")
def scaled(small: Scenario) -> PlantSize:
    return size_plant(small, 20.0, reserve_share=0.03, method="power_law")


# ---- closed forms -----------------------------------------------------------------------------------------------


def test_machines_by_hand() -> None:
    """1000 cells an hour at 24 s each: 150 an hour, 0.9 of the calendar, 0.8 of that time; 9.26 machines."""
    exact = machines_needed(1000.0, 150.0, 0.9, 0.8)
    assert exact == pytest.approx(1000.0 / 108.0)
    assert whole_machines(exact) == 10
    assert whole_machines(3.0) == whole_machines(3.0 + 1e-12) == 3
    assert whole_machines(3.0 + 1e-6) == 4
    assert whole_machines(0.01) == 1


@pytest.mark.parametrize(
    "wrong", [(0.0, 1.0, 1.0, 1.0), (1.0, 0.0, 1.0, 1.0), (1.0, 1.0, 1.1, 1.0), (1.0, 1.0, 1.0, 0.0)]
)
def test_no_machine_can_work_at_that(wrong: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="no machine works"):
        machines_needed(*wrong)


positive = st.floats(1e-3, 1e6)
share = st.floats(0.05, 1.0)


@given(needed=positive, one=positive, planned=share, oee=share)
def test_so_many_are_enough_and_one_less_is_not(needed: float, one: float, planned: float, oee: float) -> None:
    machines = whole_machines(machines_needed(needed, one, planned, oee))
    each = one * planned * oee
    assert machines * each >= needed * (1.0 - 1e-8)
    assert machines == 1 or (machines - 1) * each < needed


@given(needed=positive, more=st.floats(1.0, 10.0), one=positive, planned=share, oee=share)
def test_more_output_never_needs_fewer(needed: float, more: float, one: float, planned: float, oee: float) -> None:
    before = whole_machines(machines_needed(needed, one, planned, oee))
    assert whole_machines(machines_needed(needed * more, one, planned, oee)) >= before
    assert whole_machines(machines_needed(needed, one, planned, oee * 0.9)) >= before


@given(base=positive, ratio=st.floats(0.01, 100.0), again=st.floats(0.01, 100.0), exponent=st.floats(0.0, 1.0))
def test_a_power_law_in_two_steps_is_one(base: float, ratio: float, again: float, exponent: float) -> None:
    twice = power_law(power_law(base, ratio, exponent), again, exponent)
    assert twice == pytest.approx(power_law(base, ratio * again, exponent), rel=1e-9)


def test_exponents_are_batpacs() -> None:
    assert exponents_of("coat") == (0.7, 0.9, 0.95)
    assert exponents_of("slurry_mix") == exponents_of("wind") == exponents_of("tab_weld") == (0.9, 0.9, 0.95)
    assert exponents_of("formation") == exponents_of("grade") == (0.7, 0.95, 0.95)


# ---- a plant by machines ----------------------------------------------------------------------------------------


def test_every_station_has_just_enough(sized: PlantSize) -> None:
    assert len(sized.stations) == STATIONS
    for name, size in sized.stations.items():
        assert size.exact == pytest.approx(size.needed_per_h / (size.one_per_h * size.planned_share * size.oee_share))
        assert size.machines - 1 < size.exact <= size.machines * (1.0 + 1e-8), name
        assert size.utilisation == size.exact / size.machines


def test_rates_follow_the_cells_backwards(small: Scenario, sized: PlantSize) -> None:
    """Each station sees its lots: metres, kilograms, cells and cell hours at the rate of 20.6 GWh of good cells."""
    alone = estimate(small, pilot_lots=24)
    lots_per_h = 20.6e6 / alone.good_kwh_per_lot / (168.0 * WEEKS_PER_YEAR)
    for name, unit in (("cathode_mix", "kg"), ("cathode_coat", "m"), ("wind", "cells")):
        found = alone.stations[name]
        assert sized.stations[name].unit == found.unit == unit
        assert sized.stations[name].needed_per_h == pytest.approx(lots_per_h * found.amount_per_lot, rel=1e-9)
    formation = alone.stations["formation"]
    held = lots_per_h * formation.amount_per_lot * formation.seconds_per_lot / 3600.0
    assert sized.stations["formation"].needed_per_h == pytest.approx(held, rel=1e-9)
    assert sized.stations["formation"].unit == "cell-h"
    # More is started than is finished well.
    assert sized.stations["wind"].needed_per_h > sized.stations["grade"].needed_per_h / 5.5


def test_capital_is_machines_times_price(small: Scenario, sized: PlantSize) -> None:
    for name, size in sized.stations.items():
        station = small.spec.line.stations[name]
        price = station.economics.capex_musd / station_units(station)
        assert size.economics.capex_musd == pytest.approx(size.machines * price)
        assert sized.sizing.machine_price_musd[name] == pytest.approx(price)
        per_machine = station.economics.operators / station_units(station)
        assert size.economics.operators == pytest.approx(size.machines * per_machine)
        assert size.economics.off_after_h == station.economics.off_after_h
    assert sized.capex_musd == pytest.approx(
        sum(size.economics.capex_musd for size in sized.stations.values()) + sized.plant.capex_musd
    )
    elsewhere = size_plant(small, 20.0, reserve_share=0.03, machine_price_ratio=0.5)
    assert elsewhere.capex_musd == pytest.approx(0.5 * sized.capex_musd)
    assert elsewhere.stations["wind"].economics.operators == sized.stations["wind"].economics.operators


def test_a_larger_plant_has_at_least_as_many(small: Scenario, sized: PlantSize) -> None:
    larger = size_plant(small, 24.0, reserve_share=0.03)
    for name, size in larger.stations.items():
        assert size.machines >= sized.stations[name].machines
    assert larger.crews["maintenance"] >= sized.crews["maintenance"]
    assert all(larger.buffers[name] >= capacity for name, capacity in sized.buffers.items())


# ---- a plant by the power law -----------------------------------------------------------------------------------


def test_money_by_exponents_machines_as_before(small: Scenario, sized: PlantSize, scaled: PlantSize) -> None:
    ratio = 20.6 / scaled.present_gwh_per_year
    assert scaled.sizing.scaled_from_gwh_per_year == scaled.present_gwh_per_year
    assert not scaled.sizing.machine_price_musd
    for name, labour, capital in (("cathode_coat", 0.7, 0.9), ("assembly", 0.9, 0.9), ("formation", 0.7, 0.95)):
        before, after = small.spec.line.stations[name].economics, scaled.stations[name].economics
        assert after.capex_musd == pytest.approx(before.capex_musd * ratio**capital)
        assert after.operators == pytest.approx(before.operators * ratio**labour)
        assert after.floor_m2 == pytest.approx(before.floor_m2 * ratio**0.95)
        assert after.power_kw == pytest.approx(before.power_kw * ratio)
        assert scaled.stations[name].machines == sized.stations[name].machines


# ---- what cannot be asked ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"gwh_per_year": 0.0}, {"gwh_per_year": math.inf}, {"reserve_share": 1.5},
                                     {"machine_price_ratio": 0.0}])  # fmt: skip
def test_senseless_sizes_are_refused(small: Scenario, options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        size_plant(small, **{"gwh_per_year": 5.0, **options})


def test_a_bare_line_has_no_size() -> None:
    with pytest.raises(ConfigError, match="bare line"):
        size_plant(load_scenario("mm1"), 1.0)


# ---- effectiveness from a run -----------------------------------------------------------------------------------


def states(folder: Path, rows: list[tuple[int, str, str, float]]) -> Path:
    frame = pd.DataFrame(rows, columns=["week", "station", "state", "hours"])
    frame.insert(0, "replicate", 0)
    frame.to_parquet(folder / "states.parquet")
    return folder


def test_effectiveness_of_the_last_quarter(tmp_path: Path, small: Scenario) -> None:
    """Waiting does not count; splices (setup) do as work; what was long ago does not."""
    rows = [(week, name, "working", 100.0) for name in small.spec.line.stations for week in range(20)]
    rows += [(week, "wind", "down", 25.0) for week in range(20)] + [(2, "wind", "down", 900.0)]
    rows += [(week, "cathode_coat", "setup", 50.0) for week in range(20)]
    rows += [(week, "cathode_coat", "waiting_crew", 50.0) for week in range(20)]
    rows += [(week, "fill", "starved", 60.0) for week in range(20)]
    oee = measured_oee(states(tmp_path, rows), small.spec.line)
    assert oee["wind"] == pytest.approx(0.8)
    assert oee["cathode_coat"] == pytest.approx(0.75)
    assert oee["fill"] == 1.0
    measured = size_plant(small, 20.0, oee_folder=tmp_path)
    assert measured.stations["wind"].oee_share == pytest.approx(0.8)
    assert measured.sizing.oee == tmp_path.name


def test_a_run_of_another_line_is_refused(tmp_path: Path, small: Scenario) -> None:
    with pytest.raises(UsageError, match="give the folder"):
        measured_oee(tmp_path, small.spec.line)
    states(tmp_path, [(0, "lathe", "working", 1.0)])
    with pytest.raises(UsageError, match="'cathode_dose'"):
        measured_oee(tmp_path, small.spec.line)


# ---- the overlay ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["machines", "power_law"])
def test_the_overlay_is_the_plant(
    here: Path, small: Scenario, sized: PlantSize, scaled: PlantSize, method: str
) -> None:
    size = sized if method == "machines" else scaled
    target = here / "plant.yaml"
    write_overlay(overlay_text(small, size, base_for("ess_lfp_prismatic", target)), target)
    assert [file.name for file in here.iterdir()] == ["plant.yaml"]
    plant = load_scenario(target)
    economics = plant.spec.economics
    assert economics is not None and economics.sizing is not None and economics.sizing.method == method
    for name, station in plant.spec.line.stations.items():
        assert station_units(station) == size.stations[name].machines
        assert station.economics.capex_musd == pytest.approx(size.stations[name].economics.capex_musd, rel=1e-4)
        assert station.economics.floor_m2 == pytest.approx(size.stations[name].economics.floor_m2, rel=1e-4)
    assert economics.plant.capex_musd == pytest.approx(size.plant.capex_musd, rel=1e-4)
    note = plant.resolved.notes["line", "stations", "wind", "economics", "capex_musd"]
    assert note.assumed and note.low < note.value < note.high
    # It can be sized again the same way, and not the other way.
    again = size_plant(load_scenario(target, SHORT_ROLLS), 10.0, method=method)
    assert again.stations["wind"].machines < size.stations["wind"].machines
    other = "power_law" if method == "machines" else "machines"
    with pytest.raises(
        ConfigError, match=rf"plant.yaml:\d+:\d+: error: economics.sizing.method: .*by '{method}' already"
    ):
        size_plant(plant, 10.0, method=other)


def test_nothing_is_overwritten_unasked(here: Path, small: Scenario, sized: PlantSize) -> None:
    target = here / "plant.yaml"
    target.write_text("mine\n", encoding="utf-8")
    text = overlay_text(small, sized, "ess_lfp_prismatic")
    with pytest.raises(UsageError, match="--force"):
        write_overlay(text, target)
    assert target.read_text(encoding="utf-8") == "mine\n"
    with pytest.raises(ConfigError):
        write_overlay(text.replace("parallel: 18", "parallel: 0"), target, force=True)
    assert target.read_text(encoding="utf-8") == "mine\n"
    write_overlay(text, target, force=True)
    assert target.read_text(encoding="utf-8") == text
    assert [file.name for file in here.iterdir()] == ["plant.yaml"]


def test_a_base_is_named_from_where_the_overlay_lies(here: Path) -> None:
    (here / "mine.yaml").write_text("extends: ess_lfp_prismatic\n", encoding="utf-8")
    assert base_for("ess_lfp_prismatic", here / "plant.yaml") == "ess_lfp_prismatic"
    assert base_for("mine.yaml", here / "plant.yaml") == "mine.yaml"
    assert base_for("mine.yaml", here / "plants" / "plant.yaml") == "../mine.yaml"


# ---- one way or the other ---------------------------------------------------------------------------------------


def test_methods_do_not_mix(small: Scenario) -> None:
    stations = small.spec.line.stations
    assert not list(sizing_problems(None, stations))
    law = Sizing(method="power_law", gwh_per_year=20, machine_price_musd={"wind": 2.0})
    (problem,) = sizing_problems(law, stations)
    assert problem.path == ("economics", "sizing", "machine_price_musd")
    assert "count twice" in problem.message
    machines = Sizing(method="machines", gwh_per_year=20, scaled_from_gwh_per_year=2.4)
    (problem,) = sizing_problems(machines, stations)
    assert problem.path == ("economics", "sizing", "scaled_from_gwh_per_year")
    right = Sizing(method="machines", gwh_per_year=2.4, machine_price_musd={"wind": 2.0, "assembly": 6.0})
    assert not list(sizing_problems(right, stations))
    wrong = Sizing(method="machines", gwh_per_year=2.4, machine_price_musd={"wind": 1.5, "weave": 1.0})
    total, unknown = sizing_problems(wrong, stations)
    assert total.path == ("line", "stations", "wind", "economics", "capex_musd")
    assert "2 of 1.5 M$ are 3 M$, not 4" in total.message
    assert "weave" in unknown.message


def test_a_mixed_scenario_is_an_error_with_its_line(command, here: Path) -> None:
    (here / "mixed.yaml").write_text(
        "extends: ess_lfp_prismatic\neconomics:\n  sizing:\n    method: power_law\n    gwh_per_year: 20\n"
        "    machine_price_musd: {wind: 2}\n",
        encoding="utf-8",
    )
    done = command("validate", "mixed.yaml")
    assert done.code == 3
    assert "mixed.yaml:6:5: error: economics.sizing.machine_price_musd" in done.err


def test_the_command_sizes_writes_and_refuses(command, here: Path) -> None:
    (here / "mine.yaml").write_text(
        "extends: ess_lfp_prismatic\nline:\n  stations:\n"
        + "".join(f"    {side}_dose: {{params: {{roll_length_m: 300}}}}\n" for side in ("cathode", "anode")),
        encoding="utf-8",
    )
    done = command("size", "mine.yaml", "--gwh-per-year", "5", "-o", "plant.yaml")
    assert (done.code, done.err) == (0, "")
    assert "written: plant.yaml" in done.out
    assert sum(line.startswith("  ") for line in done.out.splitlines()) == 1 + STATIONS
    again = command("size", "mine.yaml", "--gwh-per-year", "6", "-o", "plant.yaml")
    assert again.code == 2 and "--force" in again.err
    other = command("size", "plant.yaml", "--gwh-per-year", "6", "--method", "power_law")
    assert other.code == 3 and "economics.sizing.method" in other.err
    document = json.loads(command("size", "mine.yaml", "--gwh-per-year", "5", "--json").out)
    assert document["sizing"]["gwh_per_year"] == 5
    assert document["stations"]["wind"]["machines"] == 5  # 4.2 exactly
    assert command("size", "mm1", "--gwh-per-year", "1").code == 3


def test_text_and_document_agree(small: Scenario, sized: PlantSize) -> None:
    text, document = sizing_text(small, sized), sizing_document(small, sized)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert f"{sized.capex_musd:,.0f} M$ in all" in text
    for name, size in sized.stations.items():
        assert f"{size.machines:,}" in next(line for line in text.splitlines() if line.split()[:1] == [name])


# ---- the simulated plant ----------------------------------------------------------------------------------------


def test_a_sized_plant_makes_what_it_was_sized_for(here: Path) -> None:
    """3 GWh a year, mature, over three weeks: 310 lots whose good cells scatter by 4 % leave 0.25 %, breakdowns 0.5 %.

    Two chains of assembly side by side. 98.5 % is three standard deviations below the target with its reserve of 1 %
    lost to waiting; the upper limit is what the weakest station could do alone.
    """
    (here / "bare_bones.yaml").write_text(
        "extends: ess_lfp_prismatic\nramp: !delete\nrun: {horizon_h: 1008}\n",
        encoding="utf-8",
    )
    size = size_plant(load_scenario("bare_bones.yaml"), 3.0, reserve_share=0.02)
    write_overlay(overlay_text(load_scenario("bare_bones.yaml"), size, "bare_bones.yaml"), here / "plant.yaml")
    plant = load_scenario("plant.yaml")
    assert plant.spec.line.stations["assembly"].parallel == 2
    done = simulate(plant, seed=1)
    assert done.plant is not None
    kwh = sum(energy for (week, _), energy in done.plant.good_kwh.items() if week >= 3)
    gwh_per_year = kwh * 1e-6 / 3.0 * WEEKS_PER_YEAR
    alone = estimate(plant, pilot_lots=24)
    limit = alone.cells_per_week * alone.good_kwh_per_lot / alone.good_cells_per_lot * WEEKS_PER_YEAR * 1e-6
    assert limit >= 3.06 * 0.999
    assert 0.985 * 3.0 <= gwh_per_year <= 1.02 * limit
