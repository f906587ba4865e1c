"""cellfab study: what goes to stdout, what to stderr, and with which exit code it ends."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from cellfab.report.study_progress import remarks, study_progress, widths_table
from cellfab.report.study_words import mean_and_width
from cellfab.study.conduct import Progress, run_study
from cellfab.study.table import COLUMNS

FOLDER = {
    "results.parquet", "results.csv", "estimates.csv", "differences.csv", "study.yaml", "manifest.json", "charts.html",
}  # fmt: skip


@pytest.fixture
def study(shop, two_text) -> str:
    (shop / "study.yaml").write_text(two_text, encoding="utf-8")
    return "study.yaml"


def test_tables_of_figures_and_differences(command, study):
    done = command("study", study, "--workers", "0")
    assert done.code == 0
    assert done.err == ""
    lines = done.out.splitlines()
    assert lines[0].startswith("two: 2 cases, 6 replicates each, 12 run in ")
    assert lines[0].endswith("ended: the fixed number of replicates is done")
    rows = [line.split() for line in lines]
    slow = next(row for row in rows if row[:2] == ["wait_mean_s.queue", "slow"])
    fast = rows[rows.index(slow) + 1]
    assert fast[0] == "fast"
    assert float(fast[1]) < float(slow[2])
    assert "less slow, at the same point:" in lines
    assert lines[-1].startswith("tables: studies/two-")
    assert {path.name for path in Path(lines[-1].split()[1]).iterdir()} == FOLDER
    again = command("study", study, "--workers", "0")
    assert "0 run in" in again.out
    assert again.out.splitlines()[1:] == lines[1:]


def test_one_json_document(command, study):
    done = command("study", study, "--json", "--workers", "0")
    document = json.loads(done.out)
    assert (document["schema_version"], document["ended"], document["study"]["seed"]) == (1, "fixed", 7)
    assert document["replicates"] == {"ran": 12, "reused": 0, "failed": 0}
    assert [case["variant"] for case in document["cases"]] == ["slow", "fast"]
    figure = document["cases"][0]["figures"]["wait_mean_s.queue"]
    assert figure["ci_low"] < figure["value"] < figure["ci_high"]
    assert (figure["n"], figure["unit"]) == (6, "s")
    difference = next(one for one in document["differences"] if one["metric"] == "wait_mean_s.queue")
    assert (difference["variant"], difference["reference"], difference["n"]) == ("fast", "slow", 6)
    assert difference["variance_ratio"] > 2


def test_the_tables_open_in_pandas_with_columns_that_say_what_they_are(command, study):
    folder = Path(json.loads(command("study", study, "--json", "--workers", "0").out)["out_dir"])
    frame = pd.read_parquet(folder / "results.parquet")
    text = pd.read_csv(folder / "results.csv")
    assert list(frame.columns) == list(text.columns) == list(COLUMNS)
    assert frame["value"].to_numpy() == pytest.approx(text["value"].to_numpy(), rel=0, abs=0, nan_ok=True)
    schema = pq.read_schema(folder / "results.parquet")
    assert {field.name: field.metadata[b"description"].decode() for field in schema} == COLUMNS
    estimates = pd.read_csv(folder / "estimates.csv").set_index(["variant", "metric"])
    waits = frame[(frame["metric"] == "wait_mean_s.queue") & (frame["variant"] == "slow")]["value"]
    assert estimates.loc[("slow", "wait_mean_s.queue"), "mean"] == pytest.approx(waits.mean())


def test_factors_have_columns(command, shop):
    (shop / "study.yaml").write_text(
        "name: grid\nbase: shop.yaml\nreplicates: 2\nmetrics: {wip_mean: {}, bottleneck: {}}\nfactors:\n"
        "  mean: {path: line.stations.lathe.cycle.mean_s, values: [60, 70.5]}\n"
        "  order: {path: line.buffers.queue.order, values: [fifo]}\n"
    )
    done = command("study", "study.yaml", "--workers", "0")
    assert done.code == 0
    assert [line.split() for line in done.out.splitlines() if "lathe" in line] == [
        ["bottleneck", "base", "60", "fifo", "lathe", "2", "–"],
        ["base", "70.5", "fifo", "lathe", "2", "–"],
    ]
    frame = pd.read_csv(next(Path("studies").glob("grid-*")) / "results.csv")
    assert set(frame["factor.mean"]) == {60, 70.5}
    assert set(frame["factor.order"]) == {"fifo"}


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ("replicates: {least: 3, most: 4}\nmetrics: {wip_mean: {half_width_share: 0.0001}}\n", 5, "0.01 % not reached"),
        ("replicates: 5\nstop: {budget_s: 0.000001}\n", 5, "the time was up"),
        ("replicates: {least: 3}\nmetrics: {wip_mean: {half_width_share: 0.9}}\n", 0, "as well as was asked for"),
        (
            "replicates: {least: 3}\nmetrics: {wait_mean_s.queue: {half_width_share: 0.9}}\n"
            "variants: {short: {set: {run.horizon_h: 0.001}}}\n",
            4, "3 without it: no lot has come through",
        ),
    ],
)  # fmt: skip
def test_what_ended_it_is_the_exit_code(command, shop, change, code, told):
    (shop / "study.yaml").write_text("name: s\nbase: shop.yaml\n" + change)
    done = command("study", "study.yaml", "--workers", "0")
    assert done.code == code
    assert told in done.out


def test_what_is_wrong_ends_it_before_anything_runs(command, shop, two_text):
    (shop / "study.yaml").write_text(two_text.replace("cycle.mean_s", "cylce.mean_s"))
    done = command("study", "study.yaml")
    assert done.code == 3
    assert done.err.startswith("study.yaml:6:16: error: line.stations.lathe.cylce")
    assert "did you mean 'cycle'?" in done.err
    assert not Path("studies").exists()


def test_usage(command, study, monkeypatch):
    assert command("study", study, "--executor", "ray:x").code == 2
    assert command("study", study, "--executor", "dask:tcp://x:1", "--workers", "2").code == 2
    assert command("study", "nowhere.yaml").code == 3
    Path("taken").write_text("")
    assert command("study", study, "--store", "taken", "--workers", "0").code == 2


def test_a_disk_that_is_full_when_the_tables_are_written(command, study, monkeypatch):
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("cellfab.study.table.write_durably", full)
        done = command("study", study, "--workers", "0")
    assert (done.code, done.out) == (130, "")
    assert "two-" in done.err
    assert "No space left on device. Results are kept: make room and run the same command again" in done.err
    assert "0 run in" in command("study", study, "--workers", "0").out


def test_failed_replicates_are_told(command, study, monkeypatch):
    import cellfab.replicate
    from cellfab.errors import StallError

    def fail(*_: object, **__: object) -> None:
        raise StallError("lathe waits for itself")

    monkeypatch.setattr(cellfab.replicate, "simulate", fail)
    monkeypatch.setattr("cellfab.study.plan.unknown_metrics", lambda *_: [])
    done = command("study", study, "--workers", "0", "--json")
    document = json.loads(done.out)
    assert document["replicates"]["failed"] == 12
    assert document["failures"][0] == {
        "variant": "slow", "point": 0, "factors": {}, "seed": 7, "replicate": 0, "died": False,
        "reason": "StallError: lathe waits for itself",
    }  # fmt: skip
    assert "warning: slow: replicate 0 (seed 7) failed: StallError: lathe waits for itself" in done.err
    assert "warning: 2 more replicates failed: see results.csv" in done.err
    assert "warning: slow: replicate 0" in command("study", study, "--workers", "0").out


def test_what_is_damaged_and_what_became_of_it_is_told(command, study):
    before = command("study", study, "--workers", "0").out.splitlines()
    (part, *_) = Path("studies", "parts").iterdir()
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    after = command("study", study, "--workers", "0").out.splitlines()
    warned = [line for line in after if line.startswith("warning: ")]
    assert len(warned) == 1
    assert f"{part.name} was damaged: its bytes are not those that were written; it is in damaged/, and" in warned[0]
    assert [line for line in after if line not in (*warned, "")][1:] == [line for line in before if line][1:]
    assert Path("studies", "damaged", part.name).exists()


def test_differences_of_which_none_is_shown_have_no_heading(command, study, two_text):
    Path(study).write_text(two_text.replace("{wait_mean_s.queue: {}, throughput_per_h: {}}", "{bottleneck: {}}"))
    assert "less slow" not in command("study", study, "--workers", "0").out


def test_validate_knows_studies(command, study, shop, two_text):
    done = command("validate", study)
    assert (done.code, done.out) == (0, "study.yaml: valid; 1 file, 0 values are assumptions\n")
    assert json.loads(command("validate", study, "--json").out)["study"] == {"name": "two", "cases": 2}
    assert command("validate", study, "--set", "seed=2").code == 2
    (shop / "study.yaml").write_text(two_text + "typo: 1\n")
    assert command("validate", study).code == 3


def test_an_interrupted_study_goes_on(study, command, two_text, ctrl_c_heeded):
    hours = 200 if "NUMBA_DISABLE_JIT" in os.environ else 20_000
    text = two_text.replace("slow: {}", f"slow: {{set: {{run.horizon_h: {hours}}}}}")
    Path(study).write_text(text.replace("replicates: 6", "replicates: 60"))
    with ctrl_c_heeded():
        started = subprocess.Popen(
            [sys.executable, "-m", "cellfab", "study", study, "--workers", "1"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    with started as process:
        try:
            deadline = time.monotonic() + 60
            while not list(Path("studies").glob("parts/*.parquet")):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert (out, err) == ("", "interrupted: what was finished is kept; the same command goes on from there\n")


# ---- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "half_width", "shown"),
    [
        (1234.5678, 12.3, ("1,235", "12")),
        (0.123456, 0.00123, ("0.1235", "0.0012")),
        (5.0, 0.0, ("5", "0")),
        (5.1234567, None, ("5.123", "–")),
        (1e6, 2e5, ("1,000,000", "200,000")),
    ],
)
def test_a_mean_has_the_digits_that_its_half_width_leaves(mean, half_width, shown):
    assert mean_and_width(mean, half_width) == shown


def test_progress_in_words(two):
    seen: list[Progress] = []
    run_study(two, workers=0, progress=seen.append)
    assert (
        remarks(Progress(3, 12, 2, 1, 3725.4, list, lambda: "3 of 5 in play"))
        == "3 of 5 in play, 1:02:05 left, 2 from the store, 1 failed"
    )
    assert remarks(Progress(0, 12, 0, 0, None, list, str)) == ""
    table = widths_table(seen[-1].widths())
    assert table.row_count == 4
    assert [str(cell) for cell in table.columns[1].cells] == ["slow", "slow", "fast", "fast"]


def test_the_running_picture_is_for_terminals_only(capsys, monkeypatch, two):
    with study_progress("two", shown=True) as tell:
        run_study(two, workers=0, progress=tell)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with study_progress("two", shown=True) as tell:
        run_study(two, workers=0, progress=tell)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "12/12" in captured.err
