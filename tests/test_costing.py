"""`cellfab cost`: what is taken from a scenario, what from the tables, and what is printed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cellfab.cell_bill import PARTS, cell_quantities, scenario_prices
from cellfab.costing import cost, nominal_gwh_per_year
from cellfab.errors import ConfigError, UsageError
from cellfab.report.cost_text import cost_document, cost_text
from cellfab.scenario import load_scenario
from cellfab.steps.registry import registry

PRISMATIC = "lfp_314ah_prismatic"


@pytest.fixture(scope="module")
def prismatic():
    return load_scenario("ess_lfp_prismatic")


def test_quantities_of_a_cell_follow_from_its_design(prismatic):
    design = prismatic.spec.products[PRISMATIC].design
    cell = cell_quantities(prismatic, PRISMATIC)
    assert cell.energy_wh == design.energy_wh
    # Two pieces of 14.73 m by 183 mm, coated on both sides.
    assert cell.cathode_area_m2 == pytest.approx(2 * 2 * 14.73 * 0.183)
    assert cell.cathode_active_g == pytest.approx(cell.cathode_area_m2 * 205.0 * 0.973)
    assert cell.capacity_ah * 1e3 == pytest.approx(cell.cathode_active_g * 146.0)
    # 60 % solids: two parts of solvent to three of coating.
    coat = next(step for (place, _), step in prismatic.steps.items() if place == "cathode_coat")
    solids = coat.params.solids_fraction
    assert cell.cathode_solvent_g == pytest.approx(cell.cathode_area_m2 * 205.0 * (1 - solids) / solids)
    assert cell.recovered_solvent
    bill = {name: (item.amount, item.through) for name, item in cell.bill.items()}
    assert bill["separator"] == (pytest.approx(design.separator_area_m2), "separator")
    assert bill["electrolyte"] == (pytest.approx(design.electrolyte_kg), "electrolyte")
    assert bill["nmp"] == (pytest.approx(cell.cathode_solvent_g / 1e3), "solvent")
    assert bill["deionised_water"] == (pytest.approx(cell.anode_solvent_g / 1e3), "powder")
    assert [bill[part][0] for part in ("prismatic_can", "prismatic_lid", "seal_pin", "tab_cu", "tab_al")] == [1.0] * 5
    powders = ("lfp", "graphite", "pvdf", "cmc_sbr", "carbon")
    assert sum(bill[name][0] for name in powders) == pytest.approx(design.cathode.coating_kg + design.anode.coating_kg)


def test_a_cell_of_tabless_dry_electrodes():
    scenario = load_scenario("ess_from_4680")
    cell = cell_quantities(scenario, "ess_lfp")
    assert (cell.cathode_solvent_g, cell.anode_solvent_g, cell.recovered_solvent) == (0.0, 0.0, False)
    assert {"can", "ptfe", "collector_disc_cu", "collector_disc_al"} <= cell.bill.keys()
    assert not {"nmp", "deionised_water"} & cell.bill.keys()


@pytest.mark.parametrize("name", ["ess_lfp_prismatic", "ess_lfp_long_pouch", "ess_nfpp_prismatic", "ess_from_4680"])
def test_every_material_of_a_cell_has_a_price(name):
    scenario = load_scenario(name)
    for product in scenario.spec.products:
        bill = cell_quantities(scenario, product).bill
        prices = scenario_prices(scenario, bill)
        assert prices.materials.keys() == bill.keys()
        assert prices.currency_year == scenario.spec.economics.currency_year


def test_no_step_uses_a_material_that_a_static_cost_forgets():
    named = {
        field for step in registry().values() for field in step.Params.model_fields if field.endswith("_material")
    }  # fmt: skip
    assert named == PARTS.keys() | {"solvent_material"}


def test_prices_are_those_of_the_day_the_scenario_starts(prismatic):
    dated = load_scenario(
        "ess_lfp_prismatic",
        ["materials.lfp.price_usd={..2026: 8, 2027..: 11}", "run.start_date=2027-03-01"],
    )
    bill = cell_quantities(dated, PRISMATIC).bill
    assert scenario_prices(dated, bill).materials["lfp"].price_usd == 11.0
    assert scenario_prices(prismatic, bill).materials["lfp"].price_usd == 8.0


def test_a_scenario_is_costed_with_the_tables():
    found = cost("ess_lfp_prismatic", gwh_per_year=20.0)
    assert found.plant.gwh_per_year == pytest.approx(20.0)
    assert found.unit == "cell"
    assert not [step for step in found.steps if step.scope == "pack"]
    lfp = cell_quantities(load_scenario("ess_lfp_prismatic"), PRISMATIC).bill["lfp"].amount
    assert found.materials_usd_per_unit["lfp"] == pytest.approx(8.0 * lfp / 0.8756948, rel=1e-6)
    # Full cost of a mature plant of 20 GWh in the United States: 60 to 80 $/kWh.
    assert 60.0 < found.totals["full"].total < 80.0
    assert found.currency_years == (2022, 2026)
    assert any("inflation" in remark for remark in cost_document(found)["remarks"])


def test_options_reach_the_scenario_or_the_tables():
    base = cost("ess_lfp_prismatic", gwh_per_year=20.0)
    dearer = cost("ess_lfp_prismatic", ["factors.labour_usd_per_h=50"], gwh_per_year=20.0)
    assert dearer.totals["price"].labour == pytest.approx(2.0 * base.totals["price"].labour)
    assert dearer.totals["price"].equipment == base.totals["price"].equipment
    cheap = cost("ess_lfp_prismatic", ["materials.lfp.price_usd=4"], gwh_per_year=20.0)
    assert cheap.materials_usd_per_unit["lfp"] == pytest.approx(0.5 * base.materials_usd_per_unit["lfp"])
    sure = cost("ess_lfp_prismatic", ["yields.cell_yield=1"], gwh_per_year=20.0)
    assert sure.plant.rates.started_cells_per_year == pytest.approx(0.95 * base.plant.rates.started_cells_per_year)


def test_tables_of_ones_own(here):
    Path("mine.yaml").write_text(
        "extends: batpac/tables\nfactors: {labour_usd_per_h: 50}\nscales_gwh_per_year: [1, 5]\n", encoding="utf-8"
    )
    found = cost("ess_lfp_prismatic", gwh_per_year=20.0, tables="mine.yaml")
    base = cost("ess_lfp_prismatic", gwh_per_year=20.0)
    assert found.totals["cash"].labour == pytest.approx(2.0 * base.totals["cash"].labour)
    assert [scale.gwh_per_year for scale in found.scales] == pytest.approx([1.0, 5.0])


def test_a_dry_line_says_what_was_assumed():
    found = cost("ess_from_4680", gwh_per_year=10.0)
    recovery = next(step for step in found.steps if step.name == "solvent_recovery")
    assert recovery.usd_per_kwh["price"].total == 0.0
    assert any("dry cathode and anode" in remark and "assumption" in remark for remark in found.remarks)
    assert any("extrapolated from 68 Ah" in remark for remark in found.remarks)


def test_a_scenario_sized_by_machines_is_a_comparison_only():
    sized = ["economics.sizing.method=machines", "economics.sizing.gwh_per_year=2"]
    found = cost("ess_lfp_prismatic", sized, gwh_per_year=20.0)
    assert any("comparison" in remark for remark in found.remarks)
    assert not any("comparison" in remark for remark in cost("ess_lfp_prismatic", gwh_per_year=20.0).remarks)


def test_without_an_output_the_mature_line_gives_it():
    found = cost("ev_4680_dry")
    scenario = load_scenario("ev_4680_dry")
    assert found.plant.gwh_per_year == pytest.approx(nominal_gwh_per_year(scenario, "ev_nmc811"))
    assert 0.5 < found.plant.gwh_per_year < 10.0


def test_scaling_a_pack_changes_every_rate():
    found = cost("batpac/id4_nmc622", gwh_per_year=10.0)
    assert found.plant.gwh_per_year == pytest.approx(10.0)
    assert found.plant.rates.packs_per_year == pytest.approx(10e6 / found.kwh_per_unit)
    assert found.totals["price"].total == pytest.approx(
        next(one.total_usd_per_kwh for one in cost("batpac/id4_nmc622").scales if one.gwh_per_year == 10.0)
    )


def test_steps_can_be_left_out():
    whole, less = (
        cost("batpac/plant_50gwh"),
        cost("batpac/plant_50gwh", ["process.without=[stacking, x_ray_inspection]"]),
    )
    assert {step.name for step in whole.steps} - {step.name for step in less.steps} == {"stacking", "x_ray_inspection"}
    assert whole.totals["price"].total - less.totals["price"].total == pytest.approx(1.154 + 0.239, abs=0.001)


def test_one_document(command):
    done = command("cost", "batpac/id4_nmc622", "--json")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert document["schema_version"] == 1
    assert document["views"]["price"]["usd_per_kwh"]["total"] == pytest.approx(116.3466, abs=1e-4)
    assert document["views"]["price"]["usd_per_unit"]["labour"] == pytest.approx(287.58, abs=0.01)
    assert len(document["steps"]) == 26
    assert [scale["gwh_per_year"] for scale in document["scales"]] == [2, 6, 10, 20, 35, 50, 100]


def test_the_text_has_every_part(command):
    done = command("cost", "batpac/id4_nmc622")
    assert done.code == 0
    for part in ("formation_and_ageing", "cathode_active", "cash cost", "full cost", "price", "1.86648", "116.35"):
        assert part in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("batpac/plant_50gwh", "--set", "process.steps.stacking.capital_musd=-1"), "--set: error: process.steps"),
        (("batpac/plant_50gwh", "--set", "factors.equipment_life_years=0"), "is not above 0"),
        (("batpac/id4_nmc622", "--set", "prices.currency_year=!delete"), "prices.currency_year"),
        (("batpac/tables",), "production: is missing"),
        (("ess_lfp_prismatic", "--set", "materials.lfp.price_usd=-8"), "materials.lfp.price_usd"),
        (("ess_lfp_prismatic", "--set", "process.without=[weldin]"), "the table has no step 'weldin'"),
        (("mm1",), "is a bare line"),
        (("ess_lfp_prismatic", "--product", "lfp"), "makes no 'lfp'"),
    ],
)
def test_bad_input_ends_with_3(command, arguments, said):
    done = command("cost", *arguments)
    assert done.code == 3
    assert said in done.err
    assert done.out == ""


@pytest.mark.parametrize("gwh", ["0", "-1", "nan"])
def test_an_output_that_cannot_be_ends_with_2(command, gwh):
    done = command("cost", "batpac/plant_50gwh", "--gwh-per-year", gwh)
    assert done.code == 2
    assert "must be above 0" in done.err


def test_options_of_scenarios_do_not_go_with_a_cost_file():
    with pytest.raises(UsageError, match="cost file"):
        cost("batpac/plant_50gwh", product="ev")


def test_a_material_without_a_price_is_said():
    with pytest.raises(ConfigError, match="'tab_cu' is in the cell and has no price"):
        cost("ess_lfp_prismatic", ["materials.tab_cu=!delete"], gwh_per_year=20.0)


def test_config_show_knows_cost_files(command):
    done = command("config", "show", "batpac/id4_nmc622", "--origin", "--set", "factors.labour_usd_per_h=40")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"pack\.bill\.separator\.amount = 3\.82704 +# \S*configs/batpac/id4_nmc622\.yaml:\d+", done.out)
    assert re.search(r"factors\.labour_usd_per_h = 40 +# --set", done.out)


def test_cost_files_can_be_validated(command):
    done = command("validate", "batpac/id4_nmc622")
    assert (done.code, done.err) == (0, "")
    assert done.out == "batpac/id4_nmc622: valid; 3 files, 9 values are assumptions\n"
    document = json.loads(command("validate", "batpac/plant_50gwh", "--json").out)
    assert (document["valid"], document["cost"]) == (True, {"name": "plant_50gwh"})
    faulty = command("validate", "batpac/plant_50gwh", "--set", "factors.equipment_life_years=0", "--json")
    assert faulty.code == 3
    assert [one["path"] for one in json.loads(faulty.out)["problems"]] == ["factors.equipment_life_years"]


def test_costing_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from cellfab.costing import cost\n"
        "from cellfab.report.cost_text import cost_text\n"
        "cost_text(cost('batpac/id4_nmc622'))\n"
        "cost_text(cost('ess_lfp_prismatic', gwh_per_year=20.0))\n"
        "heavy = {'numba', 'pandas', 'scipy', 'plotly', 'pyarrow', 'simpy'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


DOCUMENT = Path(__file__).parents[1] / "docs" / "batpac.md"


@pytest.mark.parametrize("name", ["plant_50gwh", "id4_nmc622"])
def test_tables_of_the_documentation_are_what_is_printed(name):
    """Each is a block after a line `$ cellfab cost ...`."""
    blocks = re.findall(r"```\n\$ cellfab cost (\S+)\n(.*?)\n```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert dict(blocks)[f"batpac/{name}"] == cost_text(cost(f"batpac/{name}"))
