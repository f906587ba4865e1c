"""Selections and searches take the same course whoever runs the replicates, and after having been killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from cellfab.study.code import code_digest
from cellfab.study.conduct import Conduct, run_study
from cellfab.study.executors import HandedPool, SerialPool
from cellfab.study.plan import load_study
from cellfab.study.store import Store

HEAD = "name: s\nbase: shop.yaml\n"
SERVICE = "line.stations.lathe.cycle.mean_s"
LIST = f"factors: {{service: {{path: {SERVICE}, values: [60, 60.5, 61, 66, 72]}}}}\n"
STUDIES = {
    "kim_nelson": HEAD + LIST + "selection: {kind: kim_nelson, metric: wait_mean_s.queue, goal: smallest,"
    " indifference: 0.2}\n",
    "ocba": HEAD + LIST + "selection: {kind: ocba, metric: wait_mean_s.queue, goal: smallest, total: 90}\n",
    "search": HEAD + f"replicates: 2\nfactors: {{service: {{path: {SERVICE}, low: 40, high: 110}}}}\n"
    "search: {objectives: {wait_mean_s.queue: smallest, utilisation.lathe: largest}, trials: 30, confirm: 2}\n",
}


class Shuffled(SerialPool):
    """Ends chunks in a random order."""

    size = 4

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.held = []

    def submit(self, chunk):
        future = Future()
        self.held.append((future, chunk))
        return future

    def check(self):
        future, chunk = self.held.pop(self.chance.randrange(len(self.held)))
        future.set_result(super().submit(chunk).result())


@pytest.fixture(params=STUDIES)
def study(request, load):
    return load(STUDIES[request.param])


@pytest.fixture
def plain(study, tables, tmp_path):
    """Tables of the study, run by this process alone."""
    return tables(run_study(study, store=tmp_path / "plain", workers=0))


def test_the_order_of_arrival_decides_nothing(study, plain, tables, tmp_path, monkeypatch):
    monkeypatch.setattr("cellfab.study.dispatch._LOOK_S", 0.0)
    monkeypatch.setattr("cellfab.study.dispatch.CHUNK_S", 0.003)
    with Store(tmp_path / "shuffled", code_digest()) as store:
        assert tables(Conduct(study, store, Shuffled(1)).run()) == plain


@pytest.mark.parametrize("study", ["kim_nelson", "search"], indirect=True)
def test_the_number_of_workers_decides_nothing(study, plain, tables, tmp_path, monkeypatch):
    monkeypatch.setattr("cellfab.study.dispatch.CHUNK_S", 0.003)
    assert tables(run_study(study, store=tmp_path / "two", workers=2)) == plain
    with ThreadPoolExecutor(5) as threads, Store(tmp_path / "five", code_digest()) as store:
        assert tables(Conduct(study, store, HandedPool(threads, 5)).run()) == plain


def test_what_is_in_the_store_decides_nothing(study, plain, tables, tmp_path):
    again = run_study(study, store=tmp_path / "plain", workers=0)
    assert again.ran == 0
    assert tables(again) == plain


def test_a_dask_cluster_decides_nothing(load, tables, tmp_path):
    distributed = pytest.importorskip("distributed", reason="dask is an extra: pip install 'cellfab[cluster]'")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        for name in ("kim_nelson", "search"):
            study = load(STUDIES[name])
            local = run_study(study, store=tmp_path / name, workers=0)
            found = run_study(study, store=tmp_path / f"dask_{name}", executor=f"dask:{cluster.scheduler_address}")
            assert found.reused == 0
            assert tables(found) == tables(local)


KILLER = """\
import os, pathlib, random, signal, sys, time
import numba, pandas, pyarrow.parquet, scipy.special, scipy.stats
import cellfab.rated, cellfab.replicate, cellfab.run, cellfab.study.dispatch
from cellfab.study.conduct import run_study
from cellfab.study.plan import load_study

study = load_study("study.yaml")
cellfab.study.dispatch.CHUNK_S = 0.002  # many parts
chance = random.Random(7)
for attempt in range(10):
    before = len(list(pathlib.Path("killed").glob("parts/*.parquet")))
    child = os.fork()
    if not child:
        run_study(study, store="killed", workers=0)
        os._exit(0)
    wanted = before + chance.choice([0, 1, 2])
    deadline = time.monotonic() + 60
    while len(list(pathlib.Path("killed").glob("parts/*.parquet"))) < wanted and time.monotonic() < deadline:
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    print(os.WIFSIGNALED(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("study", ["kim_nelson", "search"], indirect=True)
def test_killed_at_ten_random_points_it_goes_on(study, plain, tables):
    if not hasattr(os, "fork"):
        pytest.skip("needs os.fork to begin each attempt at once")
    done = subprocess.run([sys.executable, "-c", KILLER], check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["True"] * 10
    assert list(Path("killed/parts").iterdir())
    rest = run_study(load_study("study.yaml"), store="killed", workers=0)
    assert rest.reused > 0
    assert rest.ran > 0
    assert tables(rest) == plain
