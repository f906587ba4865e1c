"""What `cellfab init` writes is valid, says what it promises, and never overwrites."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfab.errors import UsageError
from cellfab.scenario import load_scenario
from cellfab.starter import write_starter


def test_the_scenario_differs_from_the_shipped_one_where_it_says(tmp_path):
    scenario, _ = write_starter(tmp_path / "new" / "folder")
    mine, shipped = load_scenario(scenario), load_scenario("ess_from_4680")
    assert mine.name == "my_conversion"
    assert mine.spec.conversion is not None and shipped.spec.conversion is not None
    assert mine.spec.conversion.stop_week != shipped.spec.conversion.stop_week
    assert mine.spec.line.stations["wind"].parallel != shipped.spec.line.stations["wind"].parallel
    assert mine.spec.products == shipped.spec.products


def test_its_comments_name_commands_that_work(command, here):
    scenario, _ = write_starter(Path("two words"))
    commands = [
        line.split("cellfab ")[1] for line in scenario.read_text(encoding="utf-8").splitlines() if "cellfab " in line
    ]
    assert len(commands) == 2
    for line in commands:
        words = line.replace(f"'{scenario}'", "FILE").split()
        done = command(*[str(scenario) if word == "FILE" else word for word in words])
        assert done.code == 0, done.err


def test_the_line_is_a_bare_one(tmp_path):
    _, line = write_starter(tmp_path)
    assert not load_scenario(line).is_plant


def test_nothing_is_overwritten(tmp_path):
    write_starter(tmp_path / "mine")
    with pytest.raises(UsageError, match="is not empty; choose a new folder, nothing is overwritten"):
        write_starter(tmp_path / "mine")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot write to"):
        write_starter(tmp_path / "file")
