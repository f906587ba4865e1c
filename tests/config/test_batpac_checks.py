"""Cost files: what is wrong with one is said at its line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from cellfab.config import library
from cellfab.config.batpac_checks import load_cost_file, load_tables
from cellfab.config.batpac_spec import CostSpec
from cellfab.config.schema import json_schema
from cellfab.errors import ConfigError

PLANT = "extends: batpac/tables\nname: mine\nproduction:\n  gwh_per_year: 10\n"
CELL = (
    "cell:\n  capacity_ah: 100\n  energy_wh: 320\n  cathode_area_m2: 3\n  anode_area_m2: 3.1\n  cathode_active_g: 700\n"
    "  anode_active_g: 350\n  cathode_solvent_g: 300\n  anode_solvent_g: 300\n"
)
PRICES = "prices:\n  currency_year: 2026\n  materials:\n    lfp: {price_usd: 8}\n"
BILL = "  bill:\n    powder: {material: lfp, amount: 0.7, through: powder}\n"


def problems(text: str, *overrides: str) -> list[tuple[int, str, str, str]]:
    """Line, path, message and hint of all that is wrong with a file."""
    Path("mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_cost_file("mine.yaml", overrides)
    return [(one.location.line, one.path, one.message, one.hint) for one in caught.value.problems]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_whole_file_is_read_with_its_origins():
    Path("mine.yaml").write_text(PLANT + PRICES + CELL + BILL, encoding="utf-8")
    spec, resolved = load_cost_file("mine.yaml", ["factors.labour_usd_per_h=40"])
    assert (spec.factors.labour_usd_per_h, spec.production.gwh_per_year) == (40.0, 10.0)
    assert str(resolved.location("factors.labour_usd_per_h")) == "--set"
    assert str(resolved.location("cell.energy_wh")) == "mine.yaml:11:14"
    assert resolved.location("process.steps.stacking.capital_musd").source.name.endswith("batpac/tables.yaml")


def test_other_units_are_converted():
    spec, _ = load_cost_file("batpac/plant_50gwh", ["production.gwh_per_year=20000 MWh/year"])
    assert spec.production.gwh_per_year == 20.0


def test_a_price_table_without_a_currency_year():
    text = PLANT + PRICES.replace("  currency_year: 2026\n", "") + CELL + BILL
    assert problems(text) == [(5, "prices.currency_year", "is missing", "")]


@pytest.mark.parametrize("table", ["process", "factors"])
def test_the_other_tables_need_one_too(table):
    found = problems(PLANT + f"{table}:\n  currency_year: !delete\n")
    assert [one[1:3] for one in found] == [(f"{table}.currency_year", "is missing")]


@pytest.mark.parametrize(
    ("written", "path", "message"),
    [
        ("factors:\n  equipment_life_years: 0\n", "factors.equipment_life_years", "0 years is not above 0"),
        ("factors:\n  building_life_years: -5\n", "factors.building_life_years", "-5 years is not above 0"),
        ("process:\n  steps:\n    stacking: {capital_musd: -1}\n", "process.steps.stacking.capital_musd", "below 0"),
        ("process:\n  steps:\n    stacking: {basis: cells}\n", "process.steps.stacking.basis", "cells"),
        ("process:\n  steps:\n    stackin: {capital_musd: 1}\n", "process.steps.stackin.basis", "is missing"),
        (
            "process:\n  baseline: {rates: {energy_kwh_per_year: 0}}\n",
            "process.baseline.rates.energy_kwh_per_year",
            "0",
        ),
        ("yields:\n  cell_yield: 0\n", "yields.cell_yield", "not above 0"),
        ("yields:\n  cell_yield: 1.2\n", "yields.cell_yield", "above 1"),
    ],
)
def test_numbers_that_cannot_be(written, path, message):
    found = problems(PLANT + written)
    assert found[0][1] == path
    assert message in found[0][2]
    assert found[0][0] == PLANT.count("\n") + written.count("\n")


def test_capital_without_a_life():
    found = problems(PLANT + "factors:\n  equipment_life_years: !delete\n")
    assert [one[1:3] for one in found] == [("factors.equipment_life_years", "is missing")]


def test_an_output_of_nothing():
    assert problems(PLANT.replace("10", "0"))[0][:3] == (4, "production.gwh_per_year", "0 GWh/years is not above 0")


def test_a_step_to_leave_out_that_is_not_there():
    found = problems(PLANT + "process:\n  without: [solvent_recovery, formaton_and_ageing]\n")
    assert found == [
        (6, "process.without.1", "the table has no step 'formaton_and_ageing'", "did you mean 'formation_and_ageing'?")
    ]


def test_a_step_whose_rate_the_baseline_lacks():
    found = problems(PLANT + "process:\n  baseline:\n    rates: {solvent_kg_per_year: 0}\n")
    assert [one[1] for one in found] == ["process.steps.solvent_recovery.basis"]
    assert "0" in found[0][2]


def test_a_negative_quantity_and_an_unknown_material():
    bill = BILL.replace("0.7", "-0.7")
    assert problems(PLANT + PRICES + CELL + bill)[0][:2] == (19, "cell.bill.powder.amount")
    found = problems(PLANT + PRICES + CELL + BILL.replace("lfp", "lpf"))
    assert found[0][1:] == (
        "cell.bill.powder.material", "'lpf' has no price in `prices.materials`", "did you mean 'lfp'?"
    )  # fmt: skip
    assert "there are no `prices`" in problems(PLANT + CELL + BILL)[0][2]


def test_a_price_that_follows_a_rate_which_is_not_there():
    prices = PRICES.replace("price_usd: 8", "price_usd: 8, each_usd: 1, each_bases: [packs_per_year]")
    found = problems(PLANT + prices + CELL + BILL)
    assert found[0][1] == "prices.materials.lfp.each_bases"
    assert "packs_per_year, which is 0 here" in found[0][2]


def test_a_dry_electrode_needs_its_row():
    dry = CELL.replace("cathode_solvent_g: 300", "cathode_solvent_g: 0")
    Path("dry.yaml").write_text(PLANT + dry, encoding="utf-8")
    assert load_cost_file("dry.yaml")[0].cell.cathode_solvent_g == 0.0
    found = problems(PLANT + dry + "process:\n  steps:\n    cathode_coating: {dry: !delete }\n")
    assert [one[1] for one in found] == ["process.steps.cathode_coating"]


@pytest.mark.parametrize(
    "machines",
    ["economics:\n  sizing: {method: machines, gwh_per_year: 10}\n", "line:\n  stations: {}\n"],
)
def test_a_power_law_and_machines_are_refused_together(machines):
    found = problems(PLANT + machines)
    assert len(found) == 1
    assert (found[0][0], found[0][1]) == (5, machines.split(":")[0])
    assert "count twice" in found[0][2]


def test_machines_are_refused_from_the_command_line_too():
    assert problems(PLANT, "economics.sizing.method=machines")[0][1] == "economics"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLANT.replace("gwh_per_year: 10", "packs_per_year: 10"), "needs a `pack`"),
        (PLANT + "  packs_per_year: 10\n", "not both"),
        (PLANT + "pack: {cells_per_pack: 10, modules_per_pack: 1}\n", "quantities of its `cell`"),
    ],
)
def test_parts_that_do_not_go_together(text, message):
    assert any(message in one[2] for one in problems(text))


def test_tables_are_taken_out_of_a_whole_cost_file():
    assert load_tables("batpac/id4_nmc622") == load_tables().model_copy(
        update={"name": "id4_nmc622", "description": load_tables("batpac/id4_nmc622").description}
    )


SHIPPED = [name for name in library.parts() if name.startswith("batpac/")]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_files_fit_the_schema(name):
    tree = yaml.safe_load((library.folder() / f"{name}.yaml").read_text(encoding="utf-8"))
    validator = Draft202012Validator(json_schema(CostSpec, overlay=True))
    assert [error.message for error in validator.iter_errors(tree)] == []
    assert [error.message for error in validator.iter_errors({"process": {"steps": {"a": {"basis": "b"}}}})] != []
