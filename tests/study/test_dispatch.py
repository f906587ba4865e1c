"""Handing out tasks: chunks, and workers that die."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future

import pytest

from cellfab.study.dispatch import CHUNK_S, Dispatcher
from cellfab.study.executors import HandedPool, PoolLostError, open_pool
from cellfab.study.task import Task
from cellfab.study.worker import Chunk, OtherCodeError, Outcome

CODE = "c0de"


class Pool:
    """Runs nothing: answers each chunk at once, or as `answer` says; breaks as a whole when a worker dies."""

    def __init__(self, size: int = 2, seconds: float = 0.1) -> None:
        self.size = size
        self.seconds = seconds
        self.chunks: list[tuple[Task, ...]] = []
        self.renewed = 0
        self.deadly: dict[Task, int] = {}
        self.waiting: list[tuple[Future[list[Outcome]], Chunk]] = []
        self.broken = False

    def submit(self, chunk: Chunk) -> Future[list[Outcome]]:
        if self.broken:
            raise BrokenExecutor("broken")
        assert set(chunk.payloads) == {task.scenario for task in chunk.tasks}
        self.chunks.append(chunk.tasks)
        future: Future[list[Outcome]] = Future()
        self.waiting.append((future, chunk))
        if len(self.waiting) >= self.size:
            self.finish()
        return future

    def finish(self) -> None:
        """The chunks that wait end: the last first, or all broken if one of them kills its worker."""
        doomed = [task for _, chunk in self.waiting for task in chunk.tasks if self.deadly.get(task, 0)]
        for task in doomed[:1]:
            self.deadly[task] -= 1
            self.broken = True
        for future, chunk in reversed(self.waiting):
            if self.broken:
                future.set_exception(BrokenExecutor("a process died"))
            else:
                future.set_result([Outcome(task, (), "", seconds=self.seconds) for task in chunk.tasks])
        self.waiting = []

    def death(self, error: BaseException) -> bool:
        return isinstance(error, BrokenExecutor)

    def renew(self) -> None:
        assert not self.waiting
        self.renewed += 1
        self.broken = False

    def check(self) -> None:
        self.finish()

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """What still waits is looked at soon."""
    monkeypatch.setattr("cellfab.study.dispatch._LOOK_S", 0.001)


def dispatcher(pool, **pace: float) -> Dispatcher:
    return Dispatcher(pool, {"a": b"", "b": b""}, CODE, dict(pace))


def tasks(count: int, scenario: str = "a") -> list[Task]:
    return [Task(scenario, 1, replicate) for replicate in range(count)]


def run(made: Dispatcher, todo: list[Task], **options: float) -> list[Outcome]:
    return [outcome for found in made.run(todo, **options) for outcome in found]


def test_every_task_is_done_once():
    pool = Pool()
    found = run(dispatcher(pool), tasks(100))
    assert sorted(outcome.task for outcome in found) == tasks(100)
    assert sorted(task for chunk in pool.chunks for task in chunk) == tasks(100)


def test_a_chunk_is_a_seconds_work_once_the_pace_is_known():
    pool = Pool(seconds=0.125)
    run(dispatcher(pool), tasks(200))
    sizes = [len(chunk) for chunk in pool.chunks]
    assert set(sizes[:2]) == {1}
    assert max(sizes) == CHUNK_S / 0.125
    assert sum(size >= CHUNK_S / 0.125 for size in sizes) > 15


def test_scenarios_that_are_new_are_taken_to_be_like_the_others():
    pool = Pool(size=1, seconds=0.125)
    run(dispatcher(pool, a=0.125), tasks(40, "b"))
    assert [len(chunk) for chunk in pool.chunks] == [8, 8, 8, 8, 4, 2, 1, 1]


def test_no_worker_idles_for_the_sake_of_large_chunks():
    pool = Pool()
    run(dispatcher(pool, a=0.001), tasks(40))
    assert [len(chunk) for chunk in pool.chunks] == [10, 8, 6, 4, 3, 3, 2, 1, 1, 1, 1]


def test_nothing_is_begun_after_the_time_is_up():
    pool = Pool()
    assert run(dispatcher(pool), tasks(10), until=time.monotonic()) == []
    assert pool.chunks == []


@pytest.mark.parametrize("place", [0, 7, 39])
def test_a_task_whose_worker_dies_once_is_run_again(place):
    pool = Pool()
    todo = tasks(40)
    pool.deadly = {todo[place]: 1}
    found = run(dispatcher(pool, a=0.3), todo)
    assert sorted(outcome.task for outcome in found) == todo
    assert not any(outcome.failed for outcome in found)
    assert pool.renewed == 1


def test_a_task_whose_worker_dies_twice_has_failed_and_the_others_have_not():
    pool = Pool()
    todo = tasks(40)
    pool.deadly = {todo[5]: 9, todo[20]: 9}
    found = run(dispatcher(pool, a=0.3), todo)
    assert sorted(outcome.task for outcome in found) == todo
    dead = [outcome for outcome in found if outcome.failed]
    assert [outcome.task for outcome in dead] == [todo[5], todo[20]]
    assert all(outcome.died for outcome in dead)
    assert dead[0].reason.endswith("seed 1, replicate 5")
    assert pool.deadly == {todo[5]: 7, todo[20]: 7}


class Answers:
    """An executor of which every chunk ends the same way."""

    def __init__(self, answer: Callable[[Future[list[Outcome]]], None]) -> None:
        self.answer = answer

    def submit(self, *_: object) -> Future[list[Outcome]]:
        future: Future[list[Outcome]] = Future()
        self.answer(future)
        return future


def test_an_executor_that_was_handed_in_is_not_made_again():
    broken = Answers(lambda future: future.set_exception(BrokenExecutor("died")))
    with pytest.raises(PoolLostError, match="hand in another"):
        run(dispatcher(HandedPool(broken, 2)), tasks(3))


def test_work_that_is_cancelled_by_others_ends_the_study():
    def cancel(future: Future[list[Outcome]]) -> None:
        future.cancel()
        future.set_running_or_notify_cancel()

    with pytest.raises(PoolLostError, match="has cancelled work"):
        run(dispatcher(HandedPool(Answers(cancel), 2)), tasks(3))


def test_workers_with_other_code_are_refused():
    with pytest.raises(OtherCodeError, match="another version of cellfab"):
        run(dispatcher(open_pool(workers=0)), tasks(1))
