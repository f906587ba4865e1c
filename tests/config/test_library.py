from __future__ import annotations

from pathlib import Path

import pytest

from cellfab.config import library
from cellfab.config.loader import load
from cellfab.errors import ConfigError


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A small library of its own, and an empty working directory."""
    root = tmp_path / "shipped"
    for name, text in {
        "scenarios/ess.yaml": "extends: cells/lfp\nname: ess\n",
        "lines/tandem.yaml": "name: tandem\n",
        "cells/lfp.yaml": "cell: lfp\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(library, "folder", lambda: root)
    return root


def test_names_are_those_that_can_be_run(shipped):
    assert library.names() == ["ess", "tandem"]
    assert library.parts() == ["cells/lfp", "lines/tandem", "scenarios/ess"]


@pytest.mark.parametrize(
    "name", ["ess", "scenarios/ess", "ess.yaml", "scenarios/ess.yaml", "configs/scenarios/ess.yaml"]
)
def test_a_name_in_any_form_finds_the_file(shipped, name):
    assert library.find(name) == shipped / "scenarios" / "ess.yaml"


def test_parts_can_be_extended_by_name_from_anywhere(shipped):
    Path("mine.yaml").write_text("extends: ess\nx: 1\n", encoding="utf-8")
    assert load("mine").tree == {"cell": "lfp", "name": "ess", "x": 1}


def test_a_file_of_the_user_comes_before_a_shipped_one(shipped):
    Path("ess.yaml").write_text("name: mine\n", encoding="utf-8")
    assert load("ess").tree == {"name": "mine"}
    # A folder of results that happens to have the scenario's name is not meant.
    Path("tandem").mkdir()
    assert load("tandem").tree == {"name": "tandem"}


def test_a_slip_in_a_name(shipped):
    with pytest.raises(ConfigError) as caught:
        library.find("tanden")
    assert caught.value.problems[0].hint == "did you mean 'tandem'?"


def test_the_checkout_ships_its_scenarios():
    assert {"ev_4680_dry", "ess_from_4680"} <= set(library.names())
    assert library.folder().is_dir()
