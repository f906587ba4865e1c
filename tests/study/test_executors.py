"""The same tables whoever runs the work, and whatever happens to him."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cellfab.errors import UsageError
from cellfab.study.code import code_digest
from cellfab.study.conduct import Conduct, Progress, run_study
from cellfab.study.executors import DaskPool, LocalPool, PoolLostError, open_pool
from cellfab.study.plan import Study
from cellfab.study.store import Store
from cellfab.study.worker import Chunk, run_chunk

MANY = """\
name: many
base: shop.yaml
variants:
  slow: {}
  fast: {set: {line.stations.lathe.cycle.mean_s: 60}}
replicates: {least: 10, most: 40}
metrics: {wait_mean_s.queue: {half_width_share: 0.1}, lead_time_p90_h: {}}
comparison: {reference: slow}
"""
HOURS = 50 if "NUMBA_DISABLE_JIT" in os.environ else 2000  # so that a replicate takes 20-50 ms either way
LONG = (
    MANY.replace("slow: {}", f"slow: {{set: {{run.horizon_h: {HOURS}}}}}")
    .replace("{set: {line.stations", "{extends: slow, set: {line.stations")
    .replace("{least: 10, most: 40}", "25")
    .replace("{half_width_share: 0.1}", "{}")
)
"""A few seconds of work."""


@pytest.fixture
def many(load: Callable[[str], Study]) -> Study:
    return load(MANY)


@pytest.fixture
def long(load: Callable[[str], Study]) -> Study:
    return load(LONG)


def test_one_two_and_handed_workers_give_the_same_bytes(many, tables, tmp_path):
    found = {}
    for workers in (0, 1, 2):
        result = run_study(many, store=tmp_path / str(workers), workers=workers)
        assert (result.ended, result.reused) == ("precision", 0)
        found[str(workers)] = tables(result)
    with ThreadPoolExecutor(3) as threads:
        found["threads"] = tables(run_study(many, store=tmp_path / "threads", executor=threads, workers=3))
    assert len(set(found.values())) == 1


def test_a_dask_cluster_gives_the_same_bytes_and_its_end_is_told(many, long, tables, tmp_path, scheduler):
    address, process = scheduler
    local = run_study(many, store=tmp_path / "local", workers=0)
    cluster = run_study(many, store=tmp_path / "cluster", executor=f"dask:{address}")
    assert cluster.reused == 0
    assert tables(cluster) == tables(local)

    def end(progress: Progress) -> None:
        if progress.done:
            process.kill()

    with pytest.raises(PoolLostError, match=r"does not answer any more; what was finished is kept") as raised:
        run_study(long, store=tmp_path / "lost", executor=f"dask:{address}", progress=end)
    assert raised.value.exit_code == 130
    rest = run_study(long, store=tmp_path / "lost", workers=0)
    assert rest.reused > 0
    assert tables(rest) == tables(run_study(long, store=tmp_path / "whole", workers=2))


def test_a_scheduler_that_does_not_answer(monkeypatch):
    pytest.importorskip("distributed", reason="dask is an extra: pip install 'cellfab[cluster]'")
    monkeypatch.setattr("cellfab.study.executors._ANSWER_S", 1)
    with pytest.raises(UsageError, match=r"no dask scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        DaskPool("tcp://127.0.0.1:9")


def test_executors_that_do_not_exist():
    with pytest.raises(UsageError, match="unknown executor 'ray:x': write dask:tcp"):
        open_pool("ray:x")
    with pytest.raises(UsageError, match="'dask:' has no address of a scheduler: write dask:tcp"):
        open_pool("dask:")
    with pytest.raises(UsageError, match="do not go together"):
        open_pool("dask:tcp://x:1", 2)


def test_a_worker_that_is_killed_costs_nothing_but_time(long, tables, tmp_path):
    pool = LocalPool(2)
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if progress.done and not killed:
            assert pool._executor is not None
            killed.extend(list(pool._executor._processes)[:1])
            os.kill(killed[0], signal.SIGKILL)

    with Store(tmp_path / "killed", code_digest()) as store:
        try:
            result = Conduct(long, store, pool, kill).run()
        finally:
            pool.close()
    assert killed
    assert result.failures == []
    assert tables(result) == tables(run_study(long, store=tmp_path / "whole", workers=0))


def test_a_study_killed_at_ten_random_points_goes_on(long, tables, killed_ten_times):
    killed_ten_times(chunk_s=0.05, most_s=0.05, seed=5)
    rest = run_study(long, store="killed", workers=0)
    assert rest.reused > 0
    assert rest.damage == ()
    assert tables(rest) == tables(run_study(long, store="peace", workers=0))


def test_workers_end_with_the_study_that_was_killed(long, shop):
    process = subprocess.Popen(
        [sys.executable, "-m", "cellfab", "study", "study.yaml", "--workers", "2", "--store", "killed"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(Path("killed").glob("parts/*.parquet")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert _gone(process.pid)


def _gone(session: int) -> bool:
    """Whether every process of a session ends within ten seconds (read from /proc; elsewhere nothing is known)."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        alive = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                alive.append(status.parent.name)
        if not alive:
            return True
        time.sleep(0.05)
    return False


def test_the_memory_of_a_worker_stays_flat(two):
    """Over 500 replicates, after the first 100 have warmed it: less than 2 MB, where 5 kB a replicate would show."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc to read the memory of a process")
    last = 200 if "NUMBA_DISABLE_JIT" in os.environ else 600  # interpreted kernels are slow
    script = (
        "from cellfab.study.code import code_digest\n"
        "from cellfab.study.plan import load_study\n"
        "from cellfab.study.worker import Chunk, run_chunk\n"
        "study = load_study('study.yaml')\n"
        "def used():\n"
        "    return int(open('/proc/self/statm').read().split()[1]) * 4096\n"
        f"for first in range(0, {last}, 50):\n"
        "    if first == 100:\n"
        "        warm = used()\n"
        "    tasks = tuple(study.task(study.cases[n % 2], n) for n in range(first, first + 50))\n"
        "    run_chunk(Chunk(code_digest(), study.payloads, tasks))\n"
        "print(used() - warm)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120)
    assert int(done.stdout) < 2_000_000


def test_a_warm_worker_keeps_its_scenarios(two, monkeypatch):
    from cellfab.study import worker

    unpacked: list[int] = []
    whole = worker.unpacked
    monkeypatch.setattr(worker, "unpacked", lambda payload: unpacked.append(1) or whole(payload))
    worker._kept.clear()
    for replicate in range(4):
        tasks = tuple(two.task(case, replicate) for case in two.cases)
        assert not any(outcome.failed for outcome in run_chunk(Chunk(code_digest(), two.payloads, tasks)))
    assert len(unpacked) == 2


def test_a_script_that_guards_nothing_is_not_run_again_by_its_workers(two_text, shop):
    (shop / "study.yaml").write_text(two_text, encoding="utf-8")
    script = 'print("begun")\nfrom cellfab import run_study\nprint(run_study("study.yaml", workers=2).ended)\n'
    (shop / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.split(), done.stderr) == (["begun", "fixed"], "")
