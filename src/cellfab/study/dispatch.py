"""Handing out tasks in chunks, and what happens when a worker dies with one."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass, field

from cellfab.study.executors import Pool, PoolLostError
from cellfab.study.task import Task
from cellfab.study.worker import Chunk, Outcome

CHUNK_S = 1.0
"""Work in a chunk, at least: shipping one takes a few milliseconds."""
_LOOK_S = 0.5


@dataclass
class Dispatcher:
    """Has tasks run by a pool.

    Attributes
    ----------
    pool : Pool
    payloads : mapping of digest to bytes
    code : str
        Digest that workers must have, too.
    pace : dict of digest to float
        Shortest time of a replicate of each scenario so far, s.
    """

    pool: Pool
    payloads: Mapping[str, bytes]
    code: str
    pace: dict[str, float] = field(default_factory=dict)

    def run(self, tasks: Iterable[Task], until: float | None = None) -> Iterator[list[Outcome]]:
        """Outcomes, a chunk at a time as they arrive; after `until` (of `time.monotonic`) nothing more is begun.

        When a worker dies, everything that it may have been doing is run again, one task at a time. The task with which
        a worker dies a second time has failed; it can be replayed by its seed and number.

        Raises
        ------
        PoolLostError
            If the executor is gone.
        OtherCodeError
            If workers run other code.
        """
        queue = deque(tasks)
        suspects: deque[Task] = deque()
        second_time: set[Task] = set()
        broken = False
        flying: dict[Future[list[Outcome]], tuple[Task, ...]] = {}
        while queue or suspects or flying:
            if until is not None and time.monotonic() >= until:
                queue.clear()
                suspects.clear()
                flying = {future: chunk for future, chunk in flying.items() if not future.cancel()}
            if broken and not flying:
                self.pool.renew()
                broken = False
            if broken:
                pass  # what else flies comes down first: of a pool that has broken as a whole, all of it
            elif suspects:
                if not flying:
                    task = suspects.popleft()
                    second_time.add(task)
                    self._submit((task,), flying)
            else:
                while queue and len(flying) < 2 * self.pool.size:
                    self._submit(self._next(queue), flying)
            arrived = wait(flying, timeout=_LOOK_S, return_when=FIRST_COMPLETED).done
            if not arrived:
                self.pool.check()
            dead: list[Task] = []
            for future in arrived:
                chunk = flying.pop(future)
                outcomes = self._result(future)
                if outcomes is None:
                    dead += chunk
                else:
                    self._learn(outcomes)
                    yield outcomes
            for task in dead:
                broken = True
                if task in second_time:
                    yield [Outcome(task, (), _reason(task), died=True)]
                else:
                    suspects.append(task)

    def _submit(self, chunk: tuple[Task, ...], flying: dict[Future[list[Outcome]], tuple[Task, ...]]) -> None:
        payloads = {task.scenario: self.payloads[task.scenario] for task in chunk}
        try:
            flying[self.pool.submit(Chunk(self.code, payloads, chunk))] = chunk
        except BrokenExecutor as error:
            # The pool broke with chunks that fly; this one waits with them for what comes of it.
            broken: Future[list[Outcome]] = Future()
            broken.set_exception(error)
            flying[broken] = chunk

    def _result(self, future: Future[list[Outcome]]) -> list[Outcome] | None:
        """What came back; None if the worker died."""
        try:
            return future.result()
        except CancelledError:
            self.pool.check()
            raise PoolLostError("the executor has cancelled work; what was finished is kept") from None
        except Exception as error:
            if self.pool.death(error):
                return None
            raise

    def _next(self, queue: deque[Task]) -> tuple[Task, ...]:
        """Tasks for at least `CHUNK_S`, but towards the end ever fewer, so that no worker waits long for the last one.

        A scenario that has not been run yet is taken to be as long as the others are; the first of all, to be long.
        """
        typical = math.fsum(self.pace.values()) / len(self.pace) if self.pace else CHUNK_S
        most = math.ceil(len(queue) / (2 * self.pool.size))
        chunk: list[Task] = []
        seconds = 0.0
        while queue and len(chunk) < most and seconds < CHUNK_S:
            chunk.append(queue.popleft())
            seconds += self.pace.get(chunk[-1].scenario, typical)
        return tuple(chunk)

    def _learn(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            if not outcome.failed:
                digest = outcome.task.scenario
                self.pace[digest] = min(self.pace.get(digest, math.inf), outcome.seconds)


def _reason(task: Task) -> str:
    return (
        "the process that ran it ended twice without a result (out of memory, or killed);"
        f" seed {task.seed}, replicate {task.replicate}"
    )
