"""Selections and searches take the same course whoever runs the replicates, and after having been killed."""

from __future__ import annotations

import random
from concurrent.futures import Future, ThreadPoolExecutor

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


@pytest.mark.parametrize("study", ["kim_nelson", "search"], indirect=True)
def test_killed_at_ten_random_points_it_goes_on(study, plain, tables, killed_ten_times):
    killed_ten_times(chunk_s=0.002, most_s=0.0, seed=7)
    rest = run_study(load_study("study.yaml"), store="killed", workers=0)
    assert rest.reused > 0
    assert rest.ran > 0
    assert tables(rest) == plain
