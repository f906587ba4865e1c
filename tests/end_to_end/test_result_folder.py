"""A result folder is there whole or not at all: after an interruption, a failure while writing, a second run."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cellfab.errors import UsageError
from cellfab.report import folder as result_folder
from cellfab.report.folder import refuse_unwritable, write_run_folder
from cellfab.run import run_scenario
from cellfab.scenario import load_scenario


@pytest.fixture(scope="module")
def result():
    return run_scenario(load_scenario("mm1", ["run.horizon_h=200"]), replicates=1)


@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupted_run_leaves_nothing(here, wanted, ctrl_c_heeded):
    """The progress bar on a terminal says that the simulation is under way; its horizon is hours of computing away."""
    terminal, stderr = pty.openpty()
    with ctrl_c_heeded():
        process = subprocess.Popen(
            [sys.executable, "-m", "cellfab", "run", "mm1", "--set", "run.horizon_h=500000", "--reps", "1000"],
            stdout=subprocess.PIPE, stderr=stderr,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )  # fmt: skip
    os.close(stderr)
    try:
        seen = _read_until(terminal, b"mm1")
        assert "%" in seen + _read_until(terminal, b"%")
        process.send_signal(wanted)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out == b""
    assert "interrupted: nothing was written" in _read_until(terminal, b"written")
    os.close(terminal)
    assert list(here.rglob("*")) == []


def _read_until(terminal: int, word: bytes) -> str:
    seen = b""
    while word not in seen:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        seen += piece
    return seen.decode()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, OSError])
def test_an_error_while_writing_leaves_nothing(result, tmp_path, monkeypatch, error):
    def fail(*_):
        raise error("no more")

    monkeypatch.setattr("cellfab.report.page.write_report", fail)
    with pytest.raises(UsageError if error is OSError else error):
        write_run_folder(result, "name: mm1\n", tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_second_run_replaces_the_folder_whole(result, tmp_path):
    first = write_run_folder(result, "name: mm1\n", tmp_path)
    (first / "notes.txt").write_text("of the first", encoding="utf-8")
    second = write_run_folder(result, "name: mm1  # again\n", tmp_path)
    assert second == first == tmp_path / f"mm1-{result.digest[:8]}-{result.seed}"
    assert list(tmp_path.iterdir()) == [first]
    assert not (first / "notes.txt").exists()
    assert (first / "resolved.yaml").read_text(encoding="utf-8") == "name: mm1  # again\n"


def test_what_was_there_comes_back_if_the_new_one_cannot_be_moved(result, tmp_path, monkeypatch):
    first = write_run_folder(result, "name: mm1\n", tmp_path)
    replace = Path.replace

    def fail_for_the_new_one(self, target):
        if self.name.startswith(".partial-"):
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_for_the_new_one)
    with pytest.raises(KeyboardInterrupt):
        write_run_folder(result, "name: mm1  # again\n", tmp_path)
    assert list(tmp_path.iterdir()) == [first]
    assert (first / "resolved.yaml").read_text(encoding="utf-8") == "name: mm1\n"


def test_the_folder_can_be_read_by_others(result, tmp_path):
    assert write_run_folder(result, "name: mm1\n", tmp_path).stat().st_mode & 0o777 == 0o755


def test_wall_clock_times_are_in_the_manifest_only(result, tmp_path):
    folder = write_run_folder(result, "name: mm1\n", tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["timing"] == dict(result.timing)
    assert json.loads((folder / "kpi.json").read_text(encoding="utf-8"))["timing"] == {}
    assert {"cellfab", "python", "packages", "digest", "seed", "replicates", "engine", "files"} <= set(manifest)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("ess_from_4680", "ess_from_4680"),
        ("a/b\\c d", "a_b_c_d"),
        ("..", "run"),
        ("../../etc", "_.._etc"),
        ("größe 3", "größe_3"),
        ("", "run"),
        ("x" * 400, "x" * 50),
    ],
)
def test_any_name_makes_one_folder(name, stem):
    assert result_folder._file_name(name) == stem


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    refuse_unwritable(tmp_path / "new" / "deep")
    refuse_unwritable(tmp_path)
    assert not (tmp_path / "new").exists()
    with pytest.raises(UsageError, match="is not a folder; choose another folder with --out"):
        refuse_unwritable(tmp_path / "file" / "below")
    with pytest.raises(UsageError, match="File name too long"):
        refuse_unwritable(tmp_path / ("x" * 5000))


def test_a_folder_without_permission(tmp_path, monkeypatch):
    """`os.access` is asked (a superuser may write anywhere, so the refusal is played)."""
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(UsageError, match="no permission to write in"):
        refuse_unwritable(tmp_path / "runs")
