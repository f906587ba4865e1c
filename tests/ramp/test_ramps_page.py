"""docs/ramps.md: its example is a valid section, its columns and key figures are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from cellfab.config.ramp_spec import Ramp
from cellfab.outcome.lessons import MODES, mode_kpis

PAGE = (Path(__file__).parents[2] / "docs" / "ramps.md").read_text(encoding="utf-8")


def test_every_example_of_a_ramp_is_valid():
    examples = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        Ramp.model_validate(yaml.safe_load(example)["ramp"])


def test_the_columns_of_the_table_of_modes_are_named():
    table = PAGE[PAGE.index("| column | meaning |") : PAGE.index("KPIs: ")]
    named = re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `")))
    assert set(named) == {"replicate", *MODES}


def test_the_key_figures_are_named(small_run, small_plant):
    assert mode_kpis(small_run.plant, 1) == {}
    listed = re.findall(r"`(\w+)`", PAGE[PAGE.index("KPIs: ") : PAGE.index("```\ncellfab query")])
    from cellfab.replicate import simulate
    from cellfab.scenario import load_scenario

    plant = simulate(load_scenario("ev_4680_dry_by_causes", (*small_plant, "run.horizon_h=24")), 1).plant
    assert set(listed) == set(mode_kpis(plant, 1))
