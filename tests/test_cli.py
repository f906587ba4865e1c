"""The command line: what goes to stdout, what to stderr, and with which exit code it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

import cellfab
from cellfab.cli import app
from cellfab.config import library

QUEUE = """\
name: shop
run: {horizon_h: 50, seed: 3}
line:
  sources: {orders: {interarrival: {law: exponential, mean_min: 2}}}
  buffers: {queue: {from: orders}}
  stations: {lathe: {kind: serial, from: queue, cycle: "72 s"}}
  sinks: {done: {from: lathe}}
"""
HEAVY = {"numba", "pandas", "scipy", "plotly", "simpy", "pyarrow"}
DOCUMENT = {"schema_version", "scenario", "seed", "replicates", "kpi", "warnings", "counts", "timing", "out_dir"}
COUNTS = {
    "cells_started", "cells_good", "cells_scrapped", "cells_wip", "lots", "sim_events", "random_draws",
}  # fmt: skip
FILES = {
    "manifest.json", "resolved.yaml", "kpi.json", "kpi.csv", "ramp.parquet", "ledger.parquet", "states.parquet",
    "scrap.parquet", "escapes.parquet", "steps.parquet", "buffers.parquet", "holdings.parquet", "releases.parquet",
    "incomes.parquet", "cash.parquet", "materials.parquet", "energy.parquet", "prices.parquet", "output.parquet",
    "report.html",
}  # fmt: skip


@pytest.fixture
def queue(here: Path) -> str:
    """A file with a small bare line."""
    (here / "shop.yaml").write_text(QUEUE, encoding="utf-8")
    return "shop.yaml"


# ---- what must be fast ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["--version"],
        ["validate", "ess_from_4680"],
        ["validate", "na10_portfolio"],
        ["schema"],
        ["config", "show", "mm1"],
    ],
    ids=" ".join,
)
def test_light_commands_load_no_heavy_library(here, arguments):
    """In a process of its own, which says at its end what it has loaded."""
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(name for name in sys.modules if '.' not in name), file=sys.stderr))\n"
        f"sys.argv = ['cellfab', *{arguments!r}]\n"
        "from cellfab.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    loaded = set(done.stderr.split())
    assert "cellfab" in loaded
    assert not loaded & HEAVY


# ---- usage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["rum", "mm1"],
        ["run"],
        ["run", "mm1", "--reps", "0"],
        ["run", "mm1", "--seed", "-1"],
        ["run", "mm1", "--seed", "one"],
        ["run", "mm1", "--engine", "fortran"],
        ["validate", "mm1", "--fast"],
        ["config"],
        ["init"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2(command, here, arguments):
    done = command(*arguments)
    assert done.code == 2
    assert done.out == "" or "Usage" in done.out  # a group without a command shows its help
    assert not list(here.iterdir())


def test_help_names_every_command(command):
    done = command("--help")
    assert done.code == 0
    for name in ("run", "validate", "schema", "init", "config"):
        assert f" {name} " in done.out
    assert "-h" in done.out


def test_version(command):
    assert command("--version") == (0, f"{cellfab.__version__}\n", "")


def test_help_under_typers_own_runner():
    done = CliRunner().invoke(app, ["run", "--help"])
    assert done.exit_code == 0
    assert "--json" in done.stdout


def test_help_keeps_to_the_width_of_the_terminal_and_to_no_color(shell):
    for columns in ("60", "100"):
        done = shell("run", "--help", COLUMNS=columns, NO_COLOR="1", FORCE_COLOR="")
        assert done.code == 0
        assert max(map(len, done.out.splitlines())) <= int(columns)
        assert "\x1b[" not in done.out


# ---- run --------------------------------------------------------------------------------------------------------


def test_run_prints_the_result_and_writes_a_folder(command, here, queue):
    done = command("run", queue)
    assert done.code == 0
    assert done.err == ""
    assert "shop: 1 replicate, seed 3" in done.out
    assert "Throughput" in done.out
    (folder,) = (here / "runs").iterdir()
    assert folder.name.startswith("shop-") and folder.name.endswith("-3")
    assert {file.name for file in folder.iterdir()} == FILES
    assert str(Path("runs") / folder.name / "report.html") in done.out


def test_json_is_one_document_and_nothing_else(command, here, queue):
    done = command("run", queue, "--json", "--reps", "2", "--seed", "7", "--out", "elsewhere/deep")
    assert done.code == 0
    assert done.err == ""
    document = json.loads(done.out)
    assert set(document) == DOCUMENT
    assert document["schema_version"] == 1
    assert set(document["scenario"]) == {"name", "digest"}
    assert (document["seed"], document["replicates"]) == (7, 2)
    assert set(document["counts"]) == COUNTS
    assert document["counts"]["lots"] > 2000
    assert document["counts"]["sim_events"] > document["counts"]["lots"]
    assert {"wall_s", "setup_s"} <= set(document["timing"])
    for figure in document["kpi"].values():
        assert {"value", "unit", "ci_low", "ci_high", "n"} <= set(figure)
    throughput = document["kpi"]["throughput_per_h"]
    assert throughput["n"] == 2
    assert throughput["ci_low"] < throughput["value"] < throughput["ci_high"]
    folder = here / document["out_dir"]
    assert folder.parent == here / "elsewhere" / "deep"
    kept = json.loads((folder / "kpi.json").read_text(encoding="utf-8"))
    assert kept["kpi"] == document["kpi"]


def test_one_replicate_has_no_interval(command, queue):
    document = json.loads(command("run", queue, "--json").out)
    assert all(figure["ci_low"] is None and figure["ci_high"] is None for figure in document["kpi"].values())


def test_set_reaches_the_simulation(command, queue):
    document = json.loads(command("run", queue, "--json", "--set", "run.horizon_h=20", "--set", "run.seed=9").out)
    assert document["seed"] == 9
    # 20 h at 30 an hour: 600 lots, standard deviation 24; eight of them either way.
    assert 400 < document["counts"]["lots"] < 800


def test_the_resolved_file_gives_the_same_run_again(command, here, queue):
    first = json.loads(command("run", queue, "--json").out)
    again = json.loads(command("run", f"{first['out_dir']}/resolved.yaml", "--json", "--out", "again").out)
    assert again["scenario"] == first["scenario"]
    assert again["kpi"] == first["kpi"]


def test_seed_and_folder_name_go_together(command, queue):
    first, second = (json.loads(command("run", queue, "--json", "--seed", seed).out) for seed in ("1", "2"))
    assert first["scenario"]["digest"] == second["scenario"]["digest"]
    assert first["out_dir"] != second["out_dir"]
    assert first["kpi"] != second["kpi"]


def test_no_progress_bar_where_stderr_is_no_terminal(shell, queue):
    Path(queue).write_text(QUEUE, encoding="utf-8")
    done = shell("run", queue)
    assert done.code == 0
    assert done.err == ""


def test_output_is_text_without_colour_in_a_pipe(shell, queue):
    done = shell("run", queue, NO_COLOR="1", COLUMNS="70")
    assert done.code == 0
    assert "\x1b[" not in done.out


def test_a_terminal_that_knows_only_ascii(shell, queue):
    done = shell("run", queue, PYTHONIOENCODING="ascii")
    assert done.code == 0
    assert "Throughput" in done.out


@pytest.mark.parametrize("out", ["file", "file/below", "file/a/b"])
def test_an_output_folder_that_cannot_be_made_is_found_before_the_run(command, here, queue, out, monkeypatch):
    (here / "file").write_text("not a folder", encoding="utf-8")
    monkeypatch.setattr("cellfab.run.run_scenario", lambda *_, **__: pytest.fail("the simulation was started"))
    done = command("run", queue, "--out", out)
    assert done.code == 2
    assert done.out == ""
    assert f"cannot write results to '{out}'" in done.err
    assert "file' is not a folder" in done.err
    assert "--out" in done.err
    assert {entry.name for entry in here.iterdir()} == {"file", "shop.yaml"}


def test_the_compiled_engine_is_for_bare_lines(command, here):
    done = command("run", "ev_4680_dry", "--engine", "compiled")
    assert done.code == 2
    assert "bare lines only" in done.err
    assert not list(here.iterdir())


def test_a_name_with_slashes_stays_one_folder(command, here, queue):
    document = json.loads(command("run", queue, "--json", "--set", "name=../a b/c").out)
    assert document["scenario"]["name"] == "../a b/c"
    folder = here / document["out_dir"]
    assert folder.parent == here / "runs"
    assert folder.name.startswith("_a_b_c-")


def test_a_stalled_line_names_the_circle_and_is_exit_1(command, here):
    """What waits too long goes back to where the next lots stand already; the one lid is soon used up."""
    (here / "locked.yaml").write_text(
        """\
name: locked
run: {horizon_h: 10}
line:
  sources: {rods: {}, lid: {lots: 1}}
  stations:
    dry: {kind: serial, from: before, cycle: "1 s"}
    pack: {kind: serial, from: {after: 1, lids: 1}, cycle: "1 s"}
  buffers:
    before: {from: rods, capacity: 1}
    after: {from: dry, capacity: 1, maximum_wait_h: 0.002, on_expiry: redo, redo_at: before}
    lids: {from: lid}
  sinks: {out: {from: pack}}
""",
        encoding="utf-8",
    )
    done = command("run", "locked.yaml")
    assert done.code == 1
    assert done.out == ""
    assert "circle: before -> dry -> after -> before" in done.err
    assert "Traceback" not in done.err
    assert not (here / "runs").exists()


# ---- validate ---------------------------------------------------------------------------------------------------


def test_validate_says_so(command, here):
    done = command("validate", "ess_from_4680")
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith("ess_from_4680: valid; ")
    assert not list(here.iterdir())


def test_validate_json(command):
    document = json.loads(command("validate", "ess_from_4680", "--json").out)
    assert document["valid"] is True
    assert document["scenario"]["name"] == "ess_from_4680"
    assert len(document["scenario"]["digest"]) == 64
    assert document["assumptions"] > 100
    assert len(document["files"]) > 5


def test_validate_json_lists_the_problems(command, queue):
    done = command("validate", queue, "--json", "--set", "line.stations.lathe.parallel=0")
    assert done.code == 3
    document = json.loads(done.out)
    assert document["valid"] is False
    (problem,) = document["problems"]
    assert problem["file"] == "--set"
    assert problem["path"] == "line.stations.lathe.parallel"
    assert problem["message"] == "0 is below 1"
    assert "0 is below 1" in done.err


# ---- schema, config show, init ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--overlay"]])
def test_schema_is_a_schema(command, options):
    done = command("schema", *options)
    assert done.code == 0
    schema = json.loads(done.out)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    part = {"line": {"stations": {"lathe": {"parallel": 2}}}}
    assert validator.is_valid(yaml.safe_load(QUEUE))
    assert validator.is_valid(part) == bool(options)
    assert not validator.is_valid({"run": {"sed": 2}})
    assert not validator.is_valid({"line": {"stations": {"lathe": {"paralel": 2}}}})


def test_studies_have_a_schema_of_their_own(command):
    schema = json.loads(command("schema", "--study").out)
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid({"name": "a", "base": "mm1"})
    assert not Draft202012Validator(schema).is_valid(yaml.safe_load(QUEUE))
    refused = command("schema", "--study", "--overlay")
    assert (refused.code, refused.out) == (2, "")


def test_config_show_shows_settled_values(command, queue):
    done = command("config", "show", queue)
    assert (done.code, done.err) == (0, "")
    shown = yaml.safe_load(done.out)
    assert shown["line"]["stations"]["lathe"]["cycle"] == {"law": "deterministic", "value_s": 72.0}
    assert shown["line"]["sources"]["orders"]["interarrival"] == {"law": "exponential", "mean_s": 120.0}


def test_config_show_origin(command, here, queue):
    (here / "mine.yaml").write_text("extends: shop.yaml\nrun:\n  seed: 8\n", encoding="utf-8")
    done = command("config", "show", "mine.yaml", "--origin", "--set", "run.horizon_h=9")
    assert done.code == 0
    lines = {line.split(" = ")[0]: line for line in done.out.splitlines()}
    assert lines["run.seed"].endswith("# mine.yaml:3")
    assert lines["run.horizon_h"].startswith("run.horizon_h = 9 ") and "--set" in lines["run.horizon_h"]
    assert lines["line.sinks.done.from"].endswith("# shop.yaml:7")


def test_config_show_json(command):
    document = json.loads(command("config", "show", "ess_from_4680", "--json").out)
    assert document["schema_version"] == 1
    stop = document["values"]["conversion.stop_week"]
    text = (library.folder() / "scenarios" / "ess_from_4680.yaml").read_text(encoding="utf-8").splitlines()
    file, line = stop["origin"].rsplit(":", 1)
    assert file.endswith("ess_from_4680.yaml")
    assert text[int(line) - 1].strip() == f"stop_week: {stop['value']}"
    learning = document["values"]["ramp.months_before_start"]
    assert learning["low"] < learning["value"] < learning["high"]
    assert learning["source"].startswith("assumption")


def test_config_show_takes_parts_as_they_are(command):
    done = command("config", "show", "cells/4680_lfp_dry")
    assert done.code == 0
    assert "not a complete scenario" in done.err
    assert yaml.safe_load(done.out)["products"]["ess_lfp"]["design"]["cathode"]["active_material"] == "lfp"


def test_config_show_of_nothing(command):
    done = command("config", "show", "nothing_like_it")
    assert done.code == 3
    assert "no shipped scenario of that name" in done.err


def test_init_makes_something_that_is_valid(command, here):
    done = command("init", "my plant")
    assert done.code == 0
    *written, following = done.out.splitlines()
    assert written == ["my plant/my_conversion.yaml", "my plant/my_line.yaml"]
    assert following == "next: cellfab run 'my plant/my_conversion.yaml'"
    for file in written:
        assert command("validate", file).code == 0


def test_init_overwrites_nothing(command, here):
    (here / "full").mkdir()
    (here / "full" / "mine.txt").write_text("dear to me", encoding="utf-8")
    done = command("init", "full")
    assert done.code == 2
    assert "nothing is overwritten" in done.err
    assert [file.name for file in (here / "full").iterdir()] == ["mine.txt"]
    (here / "file").write_text("", encoding="utf-8")
    assert command("init", "file").code == 2
    assert command("init", "file/below").code == 2
