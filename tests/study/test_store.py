"""The store: what was written is there, whatever happens to the disk, the power or the files."""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from cellfab.errors import UsageError
from cellfab.study.store import INDEX, PARTS, Store, StoreError, write_durably
from cellfab.study.task import Task
from cellfab.study.worker import Outcome

CODE = "c0de"


def filled(folder: Path, outcomes) -> list[Outcome]:
    """A store with three parts of two results each."""
    written = outcomes("a", *range(6))
    with Store(folder, CODE) as store:
        for first in (0, 2, 4):
            store.write(written[first : first + 2])
    return written


def everything(store: Store, outcomes: list[Outcome]) -> dict[Task, Outcome]:
    return {found.task: found for found in store.read(outcome.task for outcome in outcomes)}


def parts(folder: Path) -> list[Path]:
    return sorted((folder / PARTS).iterdir())


def test_what_was_written_is_read_as_it_was(tmp_path, outcomes):
    written = [
        *filled(tmp_path, outcomes),
        Outcome(Task("b", 2**63 + 1, 0), (), "StallError: nothing moves", seconds=1.5),
        Outcome(Task("b", 2**63 + 1, 1), (), "ended twice", died=True),
    ]
    with Store(tmp_path, CODE) as store:
        store.write(written[-2:])
        assert everything(store, written) == {outcome.task: outcome for outcome in written}
    with Store(tmp_path, CODE) as store:
        assert everything(store, written) == {outcome.task: outcome for outcome in written}
        assert store.damage == []


def test_results_of_other_code_and_of_dead_workers_count_as_missing(tmp_path, outcomes):
    written = filled(tmp_path, outcomes)
    tasks = [outcome.task for outcome in written]
    with Store(tmp_path, CODE) as store:
        assert store.seconds([*tasks, Task("a", 1, 6), Task("a", 2, 0)]) == dict.fromkeys(tasks, 0.25)
        dead = Outcome(Task("a", 1, 6), (), "ended twice", died=True)
        store.write([dead])
        assert store.seconds([dead.task]) == {}
    with Store(tmp_path, "other") as store:
        assert store.seconds(tasks) == {}
        assert list(store.read(tasks)) == []


@pytest.mark.parametrize("index_lost", [False, True])
def test_a_result_takes_the_place_of_a_dead_worker_for_good(tmp_path, outcomes, index_lost):
    (alive,) = outcomes("a", 0)
    for reason in ("x", "y"):  # one of the names of these parts sorts before that of the result, or both do
        with Store(tmp_path, CODE) as store:
            store.write([Outcome(alive.task, (), reason, died=True)])
    with Store(tmp_path, CODE) as store:
        store.write([alive])
    if index_lost:
        (tmp_path / INDEX).unlink()
    with Store(tmp_path, CODE) as store:
        assert list(store.read([alive.task])) == [alive]


def test_only_one_process_writes(tmp_path, outcomes):
    with Store(tmp_path, CODE), pytest.raises(UsageError, match="in use by another study"):
        Store(tmp_path, CODE)
    filled(tmp_path, outcomes)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        Store(tmp_path / "file", CODE)


@pytest.mark.parametrize("harm", ["bit", "cut", "empty", "gone", "swapped"])
def test_a_damaged_part_is_found_and_the_rest_is_read(tmp_path, outcomes, harm):
    written = filled(tmp_path, outcomes)
    victim, other, _ = parts(tmp_path)
    data = victim.read_bytes()
    if harm == "bit":
        place = len(data) // 2
        victim.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    elif harm == "cut":
        victim.write_bytes(data[:-9])
    elif harm == "empty":
        victim.write_bytes(b"")
    elif harm == "gone":
        victim.unlink()
    else:
        shutil.copy(other, victim)
    with Store(tmp_path, CODE) as store:
        found = everything(store, written)
        assert len(found) == 4
        assert all(outcome in written for outcome in found.values())
        assert [(damage.part, damage.results) for damage in store.damage] == [(victim.name, 2)]
        assert not victim.exists()
        lost = [outcome for outcome in written if outcome.task not in found]
        assert store.seconds(outcome.task for outcome in lost) == {}
        store.write(lost)
        assert len(everything(store, written)) == 6


@pytest.mark.parametrize("harm", ["gone", "garbage", "cut", "bits"])
def test_an_index_that_is_lost_is_made_again_from_the_parts(tmp_path, outcomes, harm):
    written = filled(tmp_path, outcomes)
    index = tmp_path / INDEX
    data = index.read_bytes()
    if harm == "gone":
        index.unlink()
    elif harm == "garbage":
        index.write_bytes(b"not a database" * 100)
    elif harm == "cut":
        index.write_bytes(data[: len(data) // 2])
    else:
        index.write_bytes(data[:4096] + random.Random(1).randbytes(len(data) - 4096))
    with Store(tmp_path, CODE) as store:
        assert everything(store, written) == {outcome.task: outcome for outcome in written}
        assert [damage.part for damage in store.damage] == ([] if harm == "gone" else [INDEX])


def test_a_power_cut_at_any_byte_of_a_part(tmp_path, outcomes):
    """The new part is there as a whole or in part, under its name or not, and the index has not heard of it."""
    before = filled(tmp_path / "before", outcomes)
    shutil.copytree(tmp_path / "before", tmp_path / "after")
    (new,) = outcomes("b", 0)
    with Store(tmp_path / "after", CODE) as store:
        store.write([new])
    (part,) = {path.name for path in parts(tmp_path / "after")} - {path.name for path in parts(tmp_path / "before")}
    data = (tmp_path / "after" / PARTS / part).read_bytes()
    for length in [*range(0, len(data), 397), len(data) - 1, len(data)]:
        for name in (part, "half-written.tmp"):
            folder = tmp_path / "cut"
            shutil.copytree(tmp_path / "before", folder)
            (folder / PARTS / name).write_bytes(data[:length])
            with Store(folder, CODE) as store:
                assert everything(store, before) == {outcome.task: outcome for outcome in before}
                arrived = name == part and length == len(data)
                assert list(store.read([new.task])) == ([new] if arrived else [])
                store.write([new])
                assert list(store.read([new.task])) == [new]
                assert not list((folder / PARTS).glob("*.tmp"))
            shutil.rmtree(folder)


def test_a_disk_too_full_for_an_index_is_no_damage(tmp_path, outcomes, monkeypatch):
    filled(tmp_path, outcomes)
    before = (tmp_path / INDEX).read_bytes()

    def full(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:")
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("CREATE TABLE big (one)")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr("cellfab.study.store._connected", full)
        with pytest.raises(UsageError, match="cannot be written: database or disk is full"):
            Store(tmp_path, CODE)
    assert (tmp_path / INDEX).read_bytes() == before


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_store_as_it_was(tmp_path, outcomes, monkeypatch, call):
    before = filled(tmp_path, outcomes)
    listed = parts(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (new,) = outcomes("b", 0)
    with Store(tmp_path, CODE) as store:
        with monkeypatch.context() as patch:
            patch.setattr(os if call == "fsync" else Path, call, full)
            with pytest.raises(StoreError, match=r"cannot take more results: No space left.*make room"):
                store.write([new])
        assert parts(tmp_path) == listed
        assert list(store.read([new.task])) == []
        assert len(everything(store, before)) == 6
        store.write([new])
        assert list(store.read([new.task])) == [new]
    assert StoreError.exit_code == 130


def test_an_index_that_cannot_grow_loses_nothing(tmp_path, outcomes):
    """The part is written, and the index full: on the next opening the part is found."""
    filled(tmp_path, outcomes)
    (new,) = outcomes("b", 0)
    with Store(tmp_path, CODE) as store:
        store._index.execute("PRAGMA query_only = ON")
        with pytest.raises(StoreError, match="readonly"):
            store.write([new])
    with Store(tmp_path, CODE) as store:
        assert list(store.read([new.task])) == [new]


def test_a_store_of_another_format_is_left_alone(tmp_path, outcomes):
    filled(tmp_path, outcomes)
    connection = sqlite3.connect(tmp_path / INDEX)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()
    with pytest.raises(UsageError, match="another version of cellfab"):
        Store(tmp_path, CODE)
    assert len(parts(tmp_path)) == 3


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    write_durably(path, b"old")

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="broken"):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
