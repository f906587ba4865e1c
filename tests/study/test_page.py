"""docs/studies.md: its examples run, and its tables are those of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

import cellfab
from cellfab.config.design_spec import Uncertain
from cellfab.config.schema import json_schema
from cellfab.config.study_spec import StudySpec
from cellfab.config.value_law import LAWS
from cellfab.report.study_text import ENDINGS
from cellfab.study.course import Ended
from cellfab.study.table import COLUMNS

PAGE = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")
STUDIES = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
SHIPPED = [
    text
    for file in sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))
    if "\nbase: " in (text := file.read_text(encoding="utf-8"))
]
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def rows(heading: str) -> dict[str, str]:
    """First and second column of the table whose heading begins so."""
    table = PAGE.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    found = [[cell.strip() for cell in line.split("|")[1:3]] for line in table.splitlines()[2:]]
    return {name.replace("`", ""): text for name, text in found}


@pytest.mark.parametrize("text", STUDIES, ids=lambda text: text.split("\n")[0])
def test_examples_run(here, text):
    Path("study.yaml").write_text(text, encoding="utf-8")
    result = cellfab.run_study("study.yaml", workers=0)
    assert result.ended in ("precision", "fixed", "selected", "trials")
    assert result.failures == []


def test_the_python_example_runs(here, capsys):
    Path("second_server.yaml").write_text(STUDIES[1], encoding="utf-8")
    for code in PYTHON:
        exec(code, {})
    assert capsys.readouterr().out.startswith("precision ")


def test_the_columns_are_those_of_the_table():
    listed = rows("column")
    assert listed.pop("factor.NAME")
    assert listed == COLUMNS


def test_every_key_is_explained():
    listed = {key.strip() for name in rows("key") for key in name.split(",")}
    assert listed == set(StudySpec.model_fields)


def test_every_key_is_named_and_in_the_schema():
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    named = {word for text in re.findall(r"`([^`]+)`", prose) for word in re.findall(r"\w+", text)}
    schema = json_schema(StudySpec)
    keys = {*schema["properties"]}
    for definition in schema["$defs"].values():
        keys |= definition.get("properties", {}).keys() if "x-module" in definition else set()
    assert {"half_width_share", "at_once", "indifference", "budget_s", "keep", "except"} <= keys
    assert keys - named == set()


class Loader(yaml.SafeLoader):
    """A deletion is null in the schema."""


Loader.add_constructor("!delete", lambda *_: None)


@pytest.mark.parametrize("text", [*STUDIES, *SHIPPED], ids=lambda text: re.search("name: (.*)", text)[1])
def test_the_schema_takes_every_study_and_finds_what_is_misspelt(text):
    validator = Draft202012Validator(json_schema(StudySpec))
    tree = yaml.load(text, Loader)
    assert list(validator.iter_errors(tree)) == []
    for key in tree.keys() - {"name", "base"}:
        assert list(validator.iter_errors({**tree, f"{key}s": tree[key]}))
    assert list(validator.iter_errors({**tree, "seed": -1}))
    assert list(validator.iter_errors({**tree, "design": {"kind": "sobl", "samples": 4}}))


def test_every_ending_is_explained():
    assert rows("`ended`").keys() == ENDINGS.keys() == set(get_args(Ended))


def test_every_law_of_a_value_is_explained():
    assert {law.strip() for name in rows("`law`") for law in name.split(",")} == set(LAWS)
    named = {field.alias or name for name, field in Uncertain.model_fields.items()}
    assert rows("of `uncertain`").keys() == named
