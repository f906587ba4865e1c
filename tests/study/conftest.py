from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cellfab.study.code import code_digest
from cellfab.study.plan import Study, load_study
from cellfab.study.result import StudyResult
from cellfab.study.table import differences_csv, estimates_csv, parts_csv, results_csv, results_parquet
from cellfab.study.task import Task
from cellfab.study.worker import Figure, Outcome

SHOP = """\
name: shop
run: {horizon_h: 20}
line:
  sources: {orders: {interarrival: {law: exponential, mean_s: 120}}}
  buffers: {queue: {from: orders}}
  stations: {lathe: {kind: serial, from: queue, cycle: {law: exponential, mean_s: 72}}}
  sinks: {done: {from: lathe}}
"""
TWO = """\
name: two
base: shop.yaml
seed: 7
variants:
  slow: {}
  fast: {set: {line.stations.lathe.cycle.mean_s: 60}}
replicates: 6
metrics: {wait_mean_s.queue: {}, throughput_per_h: {}}
comparison: {reference: slow}
"""


@pytest.fixture(autouse=True)
def code_as_it_is_now() -> None:
    """Worker processes read the code when they start: so does each test, however long this process has been there."""
    code_digest.cache_clear()


@pytest.fixture
def shop(here: Path) -> Path:
    """A queue with one server, 20 hours long, in an empty folder."""
    (here / "shop.yaml").write_text(SHOP, encoding="utf-8")
    return here


@pytest.fixture
def load(shop: Path) -> Callable[[str], Study]:
    """Reads a study from its text, which is then in study.yaml."""

    def from_text(text: str) -> Study:
        (shop / "study.yaml").write_text(text, encoding="utf-8")
        return load_study("study.yaml")

    return from_text


@pytest.fixture
def two(load: Callable[[str], Study]) -> Study:
    """The queue with two speeds, six replicates each."""
    return load(TWO)


@pytest.fixture
def two_text() -> str:
    return TWO


@pytest.fixture
def tables() -> Callable[[StudyResult], tuple[bytes, ...]]:
    """Every table of a result, as it would be written."""

    def of(result: StudyResult) -> tuple[bytes, ...]:
        parts = parts_csv(result).values()
        return results_parquet(result), results_csv(result), estimates_csv(result), differences_csv(result), *parts

    return of


@pytest.fixture
def outcomes() -> Callable[..., list[Outcome]]:
    """Made-up outcomes of some replicates of a scenario."""

    def of(scenario: str, *replicates: int) -> list[Outcome]:
        return [
            Outcome(
                Task(scenario, 1, replicate),
                (Figure("rate", 0.1 + replicate, None, "1/h", ""), Figure("slowest", None, "lathe", "", "")),
                seconds=0.25,
            )
            for replicate in replicates
        ]

    return of


KILLER = """\
import os, pathlib, random, signal, sys, time
import numba, pandas, pyarrow.parquet, scipy.special, scipy.stats
import cellfab.rated, cellfab.replicate, cellfab.run, cellfab.study.dispatch
from cellfab.study.conduct import run_study
from cellfab.study.plan import load_study

study = load_study("study.yaml")
cellfab.study.dispatch.CHUNK_S, most_s = float(sys.argv[1]), float(sys.argv[2])
chance = random.Random(int(sys.argv[3]))
for attempt in range(10):
    before = len(list(pathlib.Path("killed").glob("parts/*.parquet")))
    child = os.fork()
    if not child:
        run_study(study, store="killed", workers=0)
        os._exit(0)
    # At once, in the middle of things, or soon after the next part or two.
    wanted = before + chance.choice([0, 1, 2])
    deadline = time.monotonic() + 60
    while len(list(pathlib.Path("killed").glob("parts/*.parquet"))) < wanted and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(chance.uniform(0.0, most_s))
    os.kill(child, signal.SIGKILL)
    print(os.WIFSIGNALED(os.waitpid(child, 0)[1]))
"""


@pytest.fixture
def killed_ten_times() -> Callable[..., None]:
    """Runs study.yaml into the store `killed`, in parts of `chunk_s`, and kills it at ten random points, each up to
    `most_s` after a part has been written."""
    if not hasattr(os, "fork"):
        pytest.skip("needs os.fork to begin each attempt at once")

    def kill(*, chunk_s: float, most_s: float, seed: int) -> None:
        command = [sys.executable, "-c", KILLER, str(chunk_s), str(most_s), str(seed)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        assert done.stdout.split() == ["True"] * 10
        assert list(Path("killed/parts").iterdir())

    return kill


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A dask scheduler and two worker processes: its address, and its process."""
    pytest.importorskip("distributed", reason="dask is an extra: pip install 'cellfab[cluster]'")
    address = tmp_path / "scheduler.json"
    place = ["--scheduler-file", str(address), "--no-dashboard"]
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen([*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *place], **quiet)
    processes = [scheduler]
    try:
        deadline = time.monotonic() + 60
        while not (address.exists() and address.read_text().strip()):
            assert scheduler.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        found = json.loads(address.read_text())["address"]
        processes += [
            subprocess.Popen(
                [*dask, "worker", found, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                 "--local-directory", str(tmp_path / f"worker{number}")], **quiet,
            )
            for number in range(2)
        ]  # fmt: skip
        yield found, scheduler
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
