"""The shipped study of a conversion, on its first weeks: the same tables by whomever it is run, and after a kill."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cellfab.study.conduct import run_study
from cellfab.study.plan import Study, load_study

if TYPE_CHECKING:
    from collections.abc import Callable

    from cellfab.study.result import StudyResult

SHIPPED = Path(__file__).parents[2] / "experiments" / "ess_ramp.yaml"


def first_weeks(folder: Path, hours: int, winders: int, replicates: str) -> Study:
    """The shipped study, as it is but for the length of its runs, its winders and the number of replicates."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert "base: ess_from_4680\n" in text
    assert "replicates: {least: 30, most: 60}\n" in text
    text = text.replace("base: ess_from_4680\n", "base: short.yaml\n")
    text = text.replace("replicates: {least: 30, most: 60}\n", f"replicates: {replicates}\n")
    short = f"""\
name: short
extends: ess_from_4680
run: {{horizon_h: {hours}}}
conversion: {{stop_week: 1}}
line: {{stations: {{wind: {{parallel: {winders}}}}}}}
"""
    (folder / "short.yaml").write_text(short, encoding="utf-8")
    (folder / "ramp.yaml").write_text(text, encoding="utf-8")
    return load_study(folder / "ramp.yaml")


def killed(study: Study, store: Path, *, parts: int) -> None:
    """Run the study in a process of its own, and kill that once so many parts are in the store."""
    command = [sys.executable, "-m", "cellfab", "study", str(study.file), "--store", str(store), "--workers", "2", "-q"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while len(list((store / "parts").glob("*.parquet"))) < parts:
            assert process.poll() is None, "the study has ended before it could be killed"
            time.sleep(0.02)
        process.kill()


def same_by_all(
    study: Study,
    tables: Callable[[StudyResult], tuple[bytes, ...]],
    scheduler: str,
    folder: Path,
    *,
    parts: int,
    alone: int,
) -> StudyResult:
    """Run it alone (0: in this process, 1: in one worker), with two workers, on a cluster, and after a kill."""
    one = run_study(study, store=folder / "one", workers=alone)
    two = run_study(study, store=folder / "two", workers=2)
    cluster = run_study(study, store=folder / "cluster", executor=f"dask:{scheduler}")
    killed(study, folder / "killed", parts=parts)
    resumed = run_study(study, store=folder / "killed", workers=2)
    assert one.reused == two.reused == cluster.reused == 0
    assert resumed.reused >= parts
    assert resumed.ran == len(one.outcomes) - resumed.reused > 0
    assert len({tables(result) for result in (one, two, cluster, resumed)}) == 1
    return one


def test_two_replicates_of_ten_days(tables, scheduler, tmp_path):
    study = first_weeks(tmp_path, 240, 1, "{least: 2, most: 2}")
    found = same_by_all(study, tables, scheduler[0], tmp_path, parts=1, alone=0)
    assert (found.counts, found.failures) == ((2, 2, 2), [])
    assert [one.band.n.tolist() for one in found.bands("cells_per_min")] == [[2, 2]] * 3


@pytest.mark.slow
def test_thirty_replicates_of_five_weeks(tables, scheduler, tmp_path):
    study = first_weeks(tmp_path, 840, 8, "{least: 30, most: 60}")
    found = same_by_all(study, tables, scheduler[0], tmp_path, parts=10, alone=1)
    assert min(found.counts) >= 30
    assert found.failures == []
    assert len(found.bands("good_energy_mwh")) == 3
