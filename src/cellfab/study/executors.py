"""Who runs the chunks: processes of this machine, a dask cluster, or whatever executor the caller has.

Anything with the protocol of `concurrent.futures.Executor` will do. What differs is how the death of a worker shows,
and whether the executor can go on after it.
"""

from __future__ import annotations

import gc
import logging
import re
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any, Protocol

from cellfab.errors import CellfabError, UsageError
from cellfab.processes import cores, main_hidden, new_processes
from cellfab.study.worker import Chunk, Outcome, run_chunk

DASK = "dask:"
_ADDRESS = re.compile(r"\w+://.+")
_ANSWER_S = 10


class PoolLostError(CellfabError):
    """The executor does not work any more; what was finished is kept."""

    exit_code = 130


class Pool(Protocol):
    """What the conduct of a study asks of an executor."""

    size: int
    """Chunks that run at the same time."""

    def submit(self, chunk: Chunk) -> Future[list[Outcome]]:
        """Have a chunk run."""

    def death(self, error: BaseException) -> bool:
        """Whether a chunk failed because its worker died."""

    def renew(self) -> None:
        """Make the executor fit after a death; PoolLostError if it cannot be."""

    def check(self) -> None:
        """PoolLostError if there is nobody who could run chunks."""

    def close(self) -> None:
        """Stop at once: what runs is given up."""


def open_pool(executor: str | Executor | None = None, workers: int | None = None) -> Pool:
    """The pool that a user means.

    Parameters
    ----------
    executor : str or Executor, optional
        "dask:tcp://host:port", or any object with the executor protocol, which the caller closes. Default: processes
        of this machine.
    workers : int, optional
        How many; 0 for this process itself. Default: one for each core that this process may use; of an executor that
        was handed in, as many chunks are kept running.

    Raises
    ------
    UsageError
        If the executor is unknown, or no scheduler answers at the address.
    """
    if isinstance(executor, str):
        if not executor.startswith(DASK):
            raise UsageError(f"unknown executor '{executor}': write dask:tcp://host:port")
        if not _ADDRESS.fullmatch(executor.removeprefix(DASK)):
            raise UsageError(f"'{executor}' has no address of a scheduler: write dask:tcp://host:port")
        if workers is not None:
            raise UsageError("--workers and --executor do not go together: the cluster knows its workers")
        return DaskPool(executor.removeprefix(DASK))
    if executor is not None:
        return HandedPool(executor, workers or cores())
    if workers == 0:
        return SerialPool()
    return LocalPool(cores() if workers is None else workers)


class SerialPool:
    """This process, one chunk after the other."""

    size = 1

    def submit(self, chunk: Chunk) -> Future[list[Outcome]]:
        """Run a chunk now."""
        future: Future[list[Outcome]] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(run_chunk(chunk))
        except Exception as error:
            future.set_exception(error)
        return future

    def death(self, error: BaseException) -> bool:
        """Never: this process would not be there to tell."""
        return False

    def renew(self) -> None:
        """Nothing to do."""

    def check(self) -> None:
        """Always fit."""

    def close(self) -> None:
        """Nothing to do."""


class LocalPool:
    """Processes of this machine (`cellfab.processes`)."""

    def __init__(self, workers: int) -> None:
        self.size = workers
        self._executor: ProcessPoolExecutor | None = None

    def submit(self, chunk: Chunk) -> Future[list[Outcome]]:
        """Have a chunk run by the next free process."""
        if self._executor is None:
            self._executor = new_processes(self.size)
        with main_hidden():
            return self._executor.submit(run_chunk, chunk)

    def death(self, error: BaseException) -> bool:
        """A pool breaks as a whole when one of its processes dies."""
        return isinstance(error, BrokenExecutor)

    def renew(self) -> None:
        """New processes, at the next chunk."""
        self.close()

    def check(self) -> None:
        """Always fit: processes can be started."""

    def close(self) -> None:
        """End the processes."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        processes: dict[int, Any] = dict(getattr(executor, "_processes", None) or {})
        for process in processes.values():
            process.kill()
        executor.shutdown(wait=True, cancel_futures=True)
        del executor, processes
        gc.collect()  # its locks are shared with the system, which warns of those that outlive us


class HandedPool:
    """An executor of the caller's."""

    def __init__(self, executor: Executor, size: int) -> None:
        self.size = size
        self._executor = executor

    def submit(self, chunk: Chunk) -> Future[list[Outcome]]:
        """Have a chunk run."""
        return self._executor.submit(run_chunk, chunk)

    def death(self, error: BaseException) -> bool:
        """The errors of `concurrent.futures`."""
        return isinstance(error, BrokenExecutor)

    def renew(self) -> None:
        """Not ours to make again."""
        raise PoolLostError(
            "a worker of the executor died, and with it the executor; what was finished is kept: hand in another one to"
            " go on"
        )

    def check(self) -> None:
        """Nothing is known about it."""

    def close(self) -> None:
        """Left to the caller."""


class DaskPool:
    """The workers of a dask scheduler."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError:
            raise UsageError("--executor dask:... needs dask: pip install 'cellfab[cluster]'") from None
        self.address = address
        # What it would log, with tracebacks, when the scheduler is gone is told by `check` in a sentence.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        client: Any = distributed.Client
        try:
            self._client = client(address, timeout=_ANSWER_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(f"no dask scheduler answers at '{address}': {str(error).partition(chr(10))[0]}") from None
        try:
            self._client.wait_for_workers(1, timeout=_ANSWER_S)
        except TimeoutError:
            self._client.close()
            raise UsageError(
                f"the dask scheduler at '{address}' has no workers: start some with `dask worker`"
            ) from None
        self.size = max(1, sum(self._client.nthreads().values()))
        self._executor = self._client.get_executor(pure=False)

    def submit(self, chunk: Chunk) -> Future[list[Outcome]]:
        """Have a chunk run by the cluster."""
        self.check()
        future: Future[list[Outcome]] = self._executor.submit(run_chunk, chunk)
        return future

    def death(self, error: BaseException) -> bool:
        """Dask has tried the chunk on other workers before it says this."""
        from distributed.scheduler import KilledWorker

        return isinstance(error, KilledWorker)

    def renew(self) -> None:
        """The cluster replaces its workers itself."""
        self.check()

    def check(self) -> None:
        """The scheduler must be there."""
        if self._client.status != "running":
            raise PoolLostError(
                f"the dask scheduler at '{self.address}' does not answer any more; what was finished is kept: run the"
                " same command again to go on, with this scheduler, another one or none"
            )

    def close(self) -> None:
        """Leave the cluster, which forgets our chunks."""
        self._client.close(timeout=2)
