"""Every configuration that is shipped: what can be run is valid, what is a part fits the schema of parts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from cellfab.config import library
from cellfab.scenario import load_scenario, scenario_schema

PARTS = {"dry_4680", "wet_electrodes", "wet_long_pouch", "wet_prismatic"}
"""Lines that are a part of scenarios: they have no products and cannot run alone."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2 numbers and dates, and `!delete`, as the package's own reader has them; enough for shipped files."""


_Loader.add_constructor("!delete", lambda *_: None)
_Loader.yaml_implicit_resolvers = {  # in YAML 1.2 a date is a text
    first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:timestamp"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def read(name: str) -> Any:
    path = library.folder() / f"{name}.yaml"
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)


def problems(validator: Draft202012Validator, tree: Any) -> list[str]:
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(tree)]


@pytest.fixture(scope="module")
def full() -> Draft202012Validator:
    return Draft202012Validator(scenario_schema())


@pytest.fixture(scope="module")
def overlay() -> Draft202012Validator:
    return Draft202012Validator(scenario_schema(overlay=True))


FLEETS = {"na10_portfolio"}
RUNNABLE = [name for name in library.names() if name not in PARTS and name not in FLEETS]


@pytest.mark.parametrize("name", RUNNABLE)
def test_what_can_be_run_is_valid(name, full, here):
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.spec.description
    # Resolved, it is a whole scenario to the full schema, too.
    assert problems(full, yaml.load(scenario.resolved_yaml(), _Loader)) == []
    assert list(here.iterdir()) == []


SCENARIO_PARTS = [
    name
    for name in library.parts()
    if not name.startswith(("batpac/", "records/")) and name.removeprefix("scenarios/") not in FLEETS
]
"""Files of `cellfab cost` have a schema of their own (tests/config/test_batpac_checks.py), and so have the records of
`cellfab backtest` (tests/calibrate/test_backtest.py) and fleets (tests/fleet/test_file.py)."""


@pytest.mark.parametrize("name", SCENARIO_PARTS)
def test_every_file_fits_the_schema_of_parts(name, overlay):
    assert problems(overlay, read(name)) == []


def test_lists_are_complete():
    assert set(library.names()) >= {"ev_4680_dry", "ess_from_4680", "mm1", *PARTS}
    files = [path for path in Path(library.folder()).rglob("*") if path.is_file()]
    assert len(files) == len(library.parts()), "a file in configs/ that is not found by name"


@pytest.mark.parametrize(
    ("part", "where"),
    [
        ({"line": {"stations": {"wind": {"paralel": 2}}}}, "line.stations.wind"),
        ({"line": {"stations": {"cathode_film": {"kind": "web", "speed_m_per_min": 80_000}}}}, "speed_m_per_min"),
        ({"line": {"stations": {"wind": {"step": "wnd"}}}}, "line.stations.wind"),
        ({"line": {"stations": {"wind": {"step": "wind", "params": {"tapez": 1}}}}}, "line.stations.wind"),
        ({"conversion": {"stop_weak": 3}}, "conversion"),
        ({"ramp": {"default": {"learning": {"time_constant_months": -1}}}}, "time_constant_months"),
        ({"materials": {"lfp": {"unit": "litre"}}}, "materials.lfp.unit"),
        ({"products": {"a": {"design": {"cathode": {"foil": "steel"}}}}}, "products.a.design.cathode"),
        ({"run": {"horizon_h": "two years"}}, "run.horizon_h"),
    ],
)
def test_the_schema_of_parts_refuses(overlay, part, where):
    found = problems(overlay, part)
    assert found
    assert any(where in problem for problem in found)


def test_the_full_schema_wants_a_whole_scenario(full, overlay):
    part = read("cells/4680_lfp_dry")
    assert problems(overlay, part) == []
    assert {"'name'", "'run'", "'line'"} <= {problem.split()[1] for problem in problems(full, part)}
