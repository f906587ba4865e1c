"""What has been computed, by what it is the result of: scenario, seed, replicate and code.

One process writes: the one that runs the study. Results lie in Parquet files whose name is the SHA-256 of their bytes,
so that each proves itself; a SQLite index (write-ahead log) says which results are in which file. A file is written
under another name, flushed to the disk and then renamed, and the index learns of it last: a power cut at any byte
leaves a file that nobody has heard of, never an entry without its file. Files hold everything that the index knows; an
index that is lost or damaged is made again from them. A damaged file is moved aside, and its results count as missing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from cellfab.errors import CellfabError, UsageError
from cellfab.study.part_file import code_of_result, decoded, encoded, status
from cellfab.study.task import Task
from cellfab.study.worker import Outcome

FORMAT = 1
INDEX, LOCK, PARTS, DAMAGED = "index.sqlite", "lock.sqlite", "parts", "damaged"
_TABLES = """
CREATE TABLE IF NOT EXISTS results (
    scenario TEXT NOT NULL, seed TEXT NOT NULL, replicate INTEGER NOT NULL, code TEXT NOT NULL, part TEXT NOT NULL,
    status TEXT NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (scenario, seed, replicate, code)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS results_of_part ON results (part);
"""


class StoreError(CellfabError):
    """The store cannot take results any more; what it has is kept, and the study can go on from there."""

    exit_code = 130


@dataclass(frozen=True)
class Damage:
    """A part that is not what it was when it was written."""

    part: str
    reason: str
    results: int
    """How many results were in it, as far as the index knew."""


class _Entry(NamedTuple):
    task: Task
    part: str
    seconds: float
    status: str


class Store:
    """A folder of results.

    Attributes
    ----------
    folder : Path
    damage : list of Damage
        Found since the store was opened.

    Raises
    ------
    UsageError
        If another process writes to it, or it cannot be written.
    """

    def __init__(self, folder: Path, code: str) -> None:
        self.folder = folder
        self.code = code
        self.damage: list[Damage] = []
        self._parts = folder / PARTS
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            self._lock = sqlite3.connect(folder / LOCK, timeout=0, isolation_level=None)
            self._lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UsageError(
                    f"'{folder}' is in use by another study: wait for it, or name another --store"
                ) from None
            raise UsageError(f"'{folder}' cannot be written: {error}") from None
        except OSError as error:
            raise UsageError(f"'{folder}' cannot be written: {error.strerror or error}") from None
        try:
            for left in self._parts.glob("*.tmp"):
                left.unlink(missing_ok=True)
            self._index = self._open_index()
            self._adopt()
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store; results are on the disk already."""
        self._index.close()
        self._lock.close()

    # ---- reading ------------------------------------------------------------------------------------------------

    def seconds(self, tasks: Iterable[Task]) -> dict[Task, float]:
        """The tasks of which there is a result, and how long each took; one whose worker died is tried again."""
        return {task: one.seconds for task in tasks if (one := self._entry(task)) is not None and one.status != "died"}

    def read(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Results of the tasks, as far as they are there and sound, in the order of their files."""
        by_part: dict[str, dict[Task, Task]] = {}
        for task in tasks:
            one = self._entry(task)
            if one is not None:
                by_part.setdefault(one.part, {})[one.task] = task
        for part, wanted in by_part.items():
            for code, outcome in self._part(part):
                asked = wanted.get(outcome.task)
                if asked is not None and code == code_of_result(self.code, outcome.task):
                    yield outcome.of(asked)

    def _entry(self, task: Task) -> _Entry | None:
        """What the index has of a task, or of the same one with more figures than it asks for."""
        for kept in dict.fromkeys((task, task._replace(rated=True))):
            row = self._index.execute(
                "SELECT part, seconds, status FROM results"
                " WHERE scenario = ? AND seed = ? AND replicate = ? AND code = ?",
                (kept.scenario, str(kept.seed), kept.replicate, code_of_result(self.code, kept)),
            ).fetchone()
            if row is not None:
                return _Entry(kept, *row)
        return None

    def _part(self, part: str) -> list[tuple[str, Outcome]]:
        """Everything in a file; nothing, and the file moved aside, if it is not what it was."""
        reason = ""
        data = b""
        try:
            data = (self._parts / part).read_bytes()
            if f"{sha256(data).hexdigest()}.parquet" != part:
                reason = "its bytes are not those that were written"
        except FileNotFoundError:
            reason = "it is gone"
        except OSError as error:
            reason = f"it cannot be read: {error.strerror or error}"
        if not reason:
            try:
                return list(decoded(data))
            except Exception as error:
                reason = f"it is not a part of this format: {error}"
        self._discard(part, reason)
        return []

    def _discard(self, part: str, reason: str) -> None:
        count = self._index.execute("SELECT count(*) FROM results WHERE part = ?", (part,)).fetchone()[0]
        self.damage.append(Damage(part, reason, int(count)))
        with suppress(OSError):
            (self.folder / DAMAGED).mkdir(exist_ok=True)
            (self._parts / part).replace(self.folder / DAMAGED / part)
        with self._index:
            self._index.execute("DELETE FROM results WHERE part = ?", (part,))

    # ---- writing ------------------------------------------------------------------------------------------------

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Keep results: when this returns they will survive a power cut.

        Raises
        ------
        StoreError
            If the disk is full or fails; the store is as it was before.
        """
        data = encoded(outcomes, self.code)
        part = f"{sha256(data).hexdigest()}.parquet"
        try:
            write_durably(self._parts / part, data)
            self._enter(part, ((code_of_result(self.code, outcome.task), outcome) for outcome in outcomes))
        except (OSError, sqlite3.Error) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise StoreError(
                f"'{self.folder}' cannot take more results: {reason}. What was finished before is kept: make room and"
                " run the same command again"
            ) from error

    def _enter(self, part: str, rows: Iterable[tuple[str, Outcome]]) -> None:
        with self._index:
            self._index.executemany(
                "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET part = excluded.part,"
                " status = excluded.status, seconds = excluded.seconds WHERE results.status = 'died'",
                [
                    (task.scenario, str(task.seed), task.replicate, code, part, status(outcome), outcome.seconds)
                    for code, outcome in rows
                    for task in (outcome.task,)
                ],
            )

    # ---- the index ----------------------------------------------------------------------------------------------

    def _open_index(self) -> sqlite3.Connection:
        path = self.folder / INDEX
        try:
            return _connected(path)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or (
                isinstance(error, sqlite3.OperationalError) and not path.exists()
            ):
                raise UsageError(f"'{self.folder}' cannot be written: {error}") from None
            self.damage.append(Damage(INDEX, f"{error}; made again from the files", 0))
            for name in (INDEX, f"{INDEX}-wal", f"{INDEX}-shm"):
                (self.folder / name).unlink(missing_ok=True)
            return _connected(path)

    def _adopt(self) -> None:
        """Enter the files that the index has not heard of."""
        known = {str(row[0]) for row in self._index.execute("SELECT DISTINCT part FROM results")}
        for file in sorted(self._parts.glob("*.parquet")):
            if file.name not in known:
                found = self._part(file.name)
                if found:
                    self._enter(file.name, found)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, FORMAT):
            raise UsageError(f"'{path.parent}' was written by another version of cellfab (format {version})")
        sound = connection.execute("PRAGMA quick_check").fetchone()[0]
        if sound != "ok":
            raise sqlite3.DatabaseError(str(sound))
        connection.executescript(_TABLES)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.commit()
        connection.execute(
            "SELECT scenario, seed, replicate, code, part, status, seconds FROM results LIMIT 1"
        ).fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that after a power cut it is there as a whole or not at all.

    Raises
    ------
    OSError
        If the disk is full or fails; nothing is left of the file then.
    """
    with NamedTemporaryFile(dir=path.parent, prefix=path.stem[:16], suffix=".tmp", delete=False) as stream:
        temporary = Path(stream.name)
        try:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        except BaseException:
            stream.close()
            temporary.unlink(missing_ok=True)
            raise
    try:
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name is in the folder only once that is flushed as well
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
