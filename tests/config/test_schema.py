from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from cellfab.config.distribution import Distribution
from cellfab.config.schema import attribute_docs, json_schema
from cellfab.config.shape import Items, Names, Number, Record, Tagged, record_of
from cellfab.config.spec import Capability, Spec


class WeldParams(Spec):
    """Parameters of a step."""

    power_w: float
    """Laser power at the seam."""
    gap_um: Capability = 20.0


@pytest.fixture
def full(plant) -> Draft202012Validator:
    return Draft202012Validator(json_schema(plant, params={"weld": WeldParams}))


@pytest.fixture
def overlay(plant) -> Draft202012Validator:
    return Draft202012Validator(json_schema(plant, overlay=True, params={"weld": WeldParams}))


def errors(validator: Draft202012Validator, tree: Any) -> list[str]:
    return sorted({".".join(map(str, error.absolute_path)) for error in validator.iter_errors(tree)})


@pytest.fixture
def tree(good) -> Any:
    return yaml.safe_load(good)


def put(tree: Any, path: str, value: Any) -> Any:
    changed = copy.deepcopy(tree)
    node = changed
    *parts, last = path.split(".")
    for part in parts:
        node = node[part]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return changed


def test_both_forms_are_schemas_and_plain_json(full, overlay):
    for validator in (full, overlay):
        Draft202012Validator.check_schema(validator.schema)
        assert json.loads(json.dumps(validator.schema)) == validator.schema
        assert validator.schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_reference_leads_somewhere(full, overlay):
    def references(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"].removeprefix("#/$defs/")
            for child in node.values():
                yield from references(child)
        elif isinstance(node, list):
            for child in node:
                yield from references(child)

    for validator in (full, overlay):
        assert set(references(validator.schema)) <= validator.schema["$defs"].keys()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("run.seed", 3),
        ("run.horizon_h", "4 weeks"),
        ("run.horizon_h", {"value": 100, "low": 50, "high": "1 weeks", "source": "assumption"}),
        ("line.stations.coat.cycle", "1.5 s"),
        ("line.stations.coat.cycle", {"law": "exponential", "mean_h": 2}),
        ("line.stations.coat.cycle", {"law": "exponential", "mean_s": "2 min"}),
        ("line.stations.coat.cycle", {"law": "exponential", "mean_s": {"value": 3, "source": "log"}}),
        ("line.stations.coat.cycle", {"value": {"law": "exponential", "mean_s": 3}, "source": "log"}),
        ("line.stations.coat.cycle", {"law": "empirical", "values_s": [1, "2 s"]}),
        ("line.stations.coat.from", ["queue"]),
        ("line.stations.coat.from", {"queue": 2}),
        ("line.stations.coat.step", "weld"),
        ("line.stations.coat.calendar", "day"),
        ("line.buffers.queue.capacity", "3 cell/cell"),
    ],
)
def test_good_files_pass_both_forms(full, overlay, tree, path, value):
    changed = put(tree, path, value)
    assert errors(full, changed) == []
    assert errors(overlay, changed) == []


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("run.sed", 3, "run"),
        ("run.horizon_h", -1, "run.horizon_h"),
        ("run.horizon_h", "fast", "run.horizon_h"),
        ("run.horizon_h", "60", "run.horizon_h"),
        ("run.horizon_h", True, "run.horizon_h"),
        ("run.horizon_h", {"value": 1, "unit": "h"}, "run.horizon_h"),
        ("run.seed", 1.5, "run.seed"),
        ("run.engine", "fast", "run.engine"),
        ("line.stations.coat.kind", "seriel", "line.stations.coat.kind"),
        ("line.stations.coat.speed_m_per_min", 3, "line.stations.coat"),
        ("line.stations.coat.cycle", 1.5, "line.stations.coat.cycle"),
        ("line.stations.coat.cycle", {"law": "exponental", "mean_s": 1}, "line.stations.coat.cycle.law"),
        ("line.stations.coat.cycle", {"law": "exponential", "mean_s": 0}, "line.stations.coat.cycle.mean_s"),
        ("line.stations.coat.cycle", {"law": "exponential", "value_s": 1}, "line.stations.coat.cycle"),
        ("line.stations.coat.step", "wled", "line.stations.coat.step"),
        ("line.sources.arrivals.products", {"ev": 0}, "line.sources.arrivals.products.ev"),
    ],
)
def test_bad_files_fail_both_forms(full, overlay, tree, path, value, where):
    changed = put(tree, path, value)
    assert where in errors(full, changed)
    assert where in errors(overlay, changed)


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("run", ""),
        ("run.horizon_h", "run"),
        ("line.stations.coat.from", "line.stations.coat"),
        ("line.stations.coat.kind", "line.stations.coat"),
        ("line.stations.coat.failures.jam.time_to_repair", "line.stations.coat.failures.jam"),
    ],
)
def test_only_the_full_form_requires(full, overlay, tree, path, where):
    changed = put(tree, path, None)
    assert where in errors(full, changed)
    assert errors(overlay, changed) == []


def test_a_required_field_may_come_in_another_unit(full, tree):
    changed = put(put(tree, "run.horizon_h", None), "run.horizon_weeks", 4)
    assert errors(full, changed) == []
    changed = put(put(tree, "run.horizon_h", None), "run.horizon_kg", 4)
    assert errors(full, changed) == ["run"]


def test_overlays_may_extend_delete_and_say_little(overlay):
    text = {
        "extends": ["base.yaml", "cells/lfp"],
        "line": {"stations": {"weld": {"parallel": 2, "calendar": None}, "old": None}, "buffers": None},
        "run": {"extends": "run.yaml"},
    }
    assert errors(overlay, text) == []


def test_a_step_decides_about_the_parameters_beside_it(full, overlay, tree):
    station = {"step": "weld", "params": {"power_kw": 1, "gap_um": {"start": 30, "mature": "10 um"}}}
    good = put(tree, "line.stations.coat", tree["line"]["stations"]["coat"] | station)
    bad = put(good, "line.stations.coat.params.powr_w", 3)
    for validator in (full, overlay):
        assert errors(validator, good) == []
        assert errors(validator, bad) == ["line.stations.coat.params"]
    # A product's recipe may give what the station does not say.
    assert errors(full, put(good, "line.stations.coat.params.power_kw", None)) == []


def test_texts_units_and_defaults_reach_the_editor(full):
    schema = full.schema
    web = schema["$defs"]["WebStation"]["properties"]
    assert web["speed_m_per_min"]["x-unit"] == "m/min"
    assert web["splice"]["description"] == "Stop at each roll change."
    assert web["parallel"]["default"] == 1
    assert "free unit takes the next lot" in web["parallel"]["description"]
    assert schema["$defs"]["Crew"]["description"].startswith("People (or tools)")


def test_attribute_docs_include_inherited_ones():
    class Wide(WeldParams):
        width_mm: float = 1.0
        """Of the seam."""

    assert attribute_docs(Wide) == {"power_w": "Laser power at the seam.", "width_mm": "Of the seam."}


def test_shapes_of_all_sorts():
    class Sorts(Spec):
        law: Distribution
        maybe_law: Distribution | None = None
        ramped_um: Capability = 1.0
        table: dict[str, tuple[int, ...]] = {}

    fields = record_of(Sorts).fields
    assert isinstance(fields["law"].shape, Tagged) and isinstance(fields["maybe_law"].shape, Tagged)
    assert fields["maybe_law"].nullable and not fields["law"].nullable
    assert fields["table"].shape == Names(Items(Number(True)))
    number, record = fields["ramped_um"].shape.options
    assert number == Number(False) and isinstance(record, Record)
