"""The plan of a conversion as a project manager asks for it: shipped templates, capacity, money, command and page."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import groupby

import pytest
from typer.testing import CliRunner

from cellfab.cli.app import app
from cellfab.errors import ConfigError
from cellfab.planning import plan_project
from cellfab.ramp.project import COMMISSIONING, RELEASE
from cellfab.scenario import load_scenario

SAME_FORMAT = """
name: same_format
extends: [ess_lfp_long_pouch, cells/nmc_short_pouch, cells/lfp_short_pouch, conversions/same_format_pouch,
          ramps/converted_wet_line]
ramp: {months_before_start: 30}
products: {lfp_long_pouch: !delete }
line:
  sources:
    cathode_powder: {products: {lfp_long_pouch: !delete , nmc_short_pouch: 1}}
    anode_powder: {products: {lfp_long_pouch: !delete , nmc_short_pouch: 1}}
    separator_reels: {products: {lfp_long_pouch: !delete , nmc_short_pouch: 1}}
conversion: {product_from: nmc_short_pouch, product_to: lfp_short_pouch}
"""
NEW_FORMAT = """
name: new_format
extends: [ess_lfp_prismatic, conversions/new_format_prismatic, ramps/converted_wet_line]
conversion: {product_to: lfp_314ah_prismatic}
"""
RUN_ON = "conversion.slips_happen=false"


@pytest.fixture
def scenario(tmp_path):
    def load(text, *overrides):
        path = tmp_path / "plan.yaml"
        path.write_text(text)
        return load_scenario(path, overrides)

    return load


def test_the_same_format_is_back_within_a_year(scenario):
    found = plan_project(scenario(SAME_FORMAT, RUN_ON))
    assert found.chances is None
    release = found.months_from_begin(found.timeline.dates[RELEASE].finish)
    back = found.months_from_begin(found.rate_week * 604_800_000_000)
    assert 6.0 <= release <= back <= 12.0


def test_a_new_format_takes_fifteen_to_twenty_months(scenario):
    found = plan_project(scenario(NEW_FORMAT, RUN_ON))
    assert 15.0 <= found.months_from_begin(found.timeline.dates[RELEASE].finish) <= 20.0
    # Capital of 25 to 40 million dollars per GWh of the new product, of a line of 2 GWh.
    assert 50.0 <= sum(found.capex_musd.values()) <= 80.0


@pytest.mark.parametrize(("text", "likely", "high"), [(SAME_FORMAT, 2.0, 4.0), (NEW_FORMAT, 5.0, 9.0)])
def test_with_slips_the_release_is_later_by_the_months_that_such_projects_are_late(scenario, text, likely, high):
    found = plan_project(scenario(text))
    planned = found.timeline.dates[RELEASE].finish
    late = [(tick - planned) / 604_800_000_000 / 4.348 for tick in found.chances.quantiles(RELEASE, (0.05, 0.95))]
    assert 0.0 < late[0] < late[1] < high
    mean = (found.chances.finishes[RELEASE].mean() - planned) / 604_800_000_000 / 4.348
    assert mean == pytest.approx(likely, abs=0.7)


def test_an_assembly_limited_line_loses_27_per_cent_of_its_energy_in_the_same_envelope(scenario):
    found = plan_project(scenario(SAME_FORMAT, RUN_ON, "ramp=null", "conversion.ramp=null"))
    weekly = {key: [week.mwh for week in rows] for key, rows in groupby(found.capacity, lambda week: week.product)}
    old, new = (max(weekly[name]) for name in ("nmc_short_pouch", "lfp_short_pouch"))
    assert new / old == pytest.approx(321.0 / 440.6, abs=0.005)


def test_capacity_follows_the_plan(scenario):
    found = plan_project(scenario(SAME_FORMAT, RUN_ON, "ramp=null", "conversion.ramp=null"))
    week = 604_800_000_000
    (plan,) = found.plans.values()
    by_week = {one.week: one for one in found.capacity}
    full = max(one.mwh for one in found.capacity if one.product == "lfp_short_pouch")
    assert plan.stop // week - 1 in by_week
    assert not [w for w in by_week if plan.stop <= w * week and (w + 1) * week <= plan.restart]
    unsold = [one for w, one in by_week.items() if plan.restart <= w * week and (w + 1) * week <= plan.release]
    assert unsold
    assert all((one.mwh, one.sold_mwh) == (pytest.approx(full), 0.0) for one in unsold)
    # The welders are the slowest: one cell in 6 s, so 10 a minute of 189 Wh.
    assert full == pytest.approx(10 * 10_080 * 189.35e-6, rel=0.001)


def test_channels_limit_the_capacity_where_they_take_fewer_cells(scenario):
    """Trays on the channels by recipe, or by the station's own law: positions x cells / time, closed form."""
    plain = (RUN_ON, "ramp=null", "conversion.ramp=null")
    welders = plan_project(scenario(NEW_FORMAT, *plain))
    few = plan_project(scenario(NEW_FORMAT, *plain, "line.stations.formation.positions=60"))
    law = plan_project(scenario(NEW_FORMAT, *plain, "line.stations.precharge.positions=20"))
    energy = welders.scenario.spec.products["lfp_314ah_prismatic"].design.energy_wh * 1e-6
    highest = [max(one.mwh for one in found.capacity) for found in (welders, few, law)]
    # One cell in 12 s; 60 trays of 16 cells for 14.5 h each; 20 trays for 5 h each.
    expected = [604_800 / 12, 60 * 16 * 168 / 14.5, 20 * 16 * 168 / 5]
    assert highest == pytest.approx([cells * energy for cells in expected], rel=1e-9)
    assert few.rate_week == welders.rate_week


def test_payments_add_up_to_the_capital_and_come_with_their_events(scenario):
    found = plan_project(scenario(SAME_FORMAT, RUN_ON))
    payments = list(found.project.payments(found.timeline))
    assert sum(found.capex_musd.values()) == pytest.approx(sum(task.capex_musd for task in found.tasks))
    formation = {one.task: one for one in payments if one.station == "formation"}
    dates = found.timeline.dates
    assert {task: round(one.musd, 6) for task, one in formation.items()} == {
        "order": 1.44, "delivery.formation": 2.88, COMMISSIONING: 0.48,
    }  # fmt: skip
    assert all(one.tick == dates[task].finish for task, one in formation.items())


def test_a_scenario_without_a_conversion_has_no_plan():
    with pytest.raises(ConfigError, match="has no `conversion`"):
        plan_project(load_scenario("ev_4680_dry"))


def test_the_command(tmp_path):
    (tmp_path / "plan.yaml").write_text(SAME_FORMAT)
    page = tmp_path / "plan.html"
    done = CliRunner().invoke(app, ["plan", str(tmp_path / "plan.yaml"), "--html", str(page), "--cases", "50"])
    assert done.exit_code == 0
    for part in ("* critical path", "install.formation", "Milestones", "P90", "Payments by month", "Which slip costs"):
        assert part in done.stdout
    text = page.read_text()
    assert text.count('class="chart"') == 4
    assert "http:" not in text.split("<script>")[0]


def test_the_command_as_json(tmp_path):
    (tmp_path / "plan.yaml").write_text(SAME_FORMAT)
    done = CliRunner().invoke(app, ["plan", str(tmp_path / "plan.yaml"), "--json", "--cases", "50", "--seed", "3"])
    document = json.loads(done.stdout)
    tasks = {task["name"]: task for task in document["tasks"]}
    assert document["critical_path"][0] == "decision"
    assert all(tasks[name]["total_float_weeks"] == 0.0 for name in document["critical_path"])
    by = document["milestones"]["product released"]["by"]
    assert by["p10"] <= by["p50"] <= by["p80"] <= by["p90"]
    assert list(document["release_by_month"].values())[-1] == 1.0
    assert document["cases"] == 50


def test_a_plan_needs_no_compiler_and_no_simulator():
    code = (
        "import sys\n"
        "from cellfab.planning import plan_project\n"
        "from cellfab.report.plan_text import plan_text\n"
        "from cellfab.scenario import load_scenario\n"
        "plan_text(plan_project(load_scenario('ess_from_4680')))\n"
        "heavy = {'numba', 'simpy', 'pandas', 'scipy', 'plotly', 'pyarrow'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_lines_one_by_one(tmp_path):
    text = (
        "name: two\nextends: ess_from_4680\nlines: {named: {north: {}, south: {}}}\n"
        "conversion:\n  lines: {north: {}, south: {stop_week: 50}}\n"
    )
    (tmp_path / "two.yaml").write_text(text)
    found = plan_project(load_scenario(tmp_path / "two.yaml"))
    north, south = found.plans.values()
    assert (south.stop - north.stop) / 604_800_000_000 == pytest.approx(34.0)
    assert found.timeline.critical[-2:] == ("south-release", "release")
    both = [one for one in found.capacity if one.week == 60]
    assert {one.product for one in both} == {"ess_lfp"}  # south is being rebuilt
    early = {one.product: one.mwh for one in found.capacity if one.week in (5, 30)}
    assert early["ev_nmc811"] > 0.0


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("  lines: {west: {}}\n", "f.yaml:5:11: error: conversion.lines.west: there is no line 'west'"),
        ("  lines: {north: {stop_week: 400}}\n", "f.yaml:5:30"),
        (
            "  drain: {fed_until_empty: [separators]}\n",
            "f.yaml:5:29: error: conversion.drain.fed_until_empty.0: there is no source",
        ),
    ],
)
def test_lines_that_cannot_be_converted(tmp_path, change, found):
    path = tmp_path / "f.yaml"
    path.write_text("name: two\nextends: ess_from_4680\nlines: {named: {north: {}, south: {}}}\nconversion:\n" + change)
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    assert found in str(caught.value).replace(str(path), "f.yaml")


def test_a_shared_station_cannot_run_both_products(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(
        "name: two\nextends: ess_from_4680\n"
        "lines: {named: {north: {}, south: {}}, shared: [cathode_dose, cathode_mix]}\n"
        "conversion:\n  lines: {north: {}, south: {stop_week: 50}}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    message = str(caught.value).replace(str(path), "f.yaml")
    assert "f.yaml:5:3: error: conversion.lines: 'cathode_dose', 'cathode_mix', which all lines share" in message
    assert "while other lines still make ev_nmc811" in message
