"""The result folder: written beside its final place and moved there whole, so that half of one never exists."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from cellfab.errors import UsageError
from cellfab.result import RunResult

_LONGEST_NAME = 50


def refuse_unwritable(parent: Path) -> None:
    """Find out before a long run, and without making anything, that its results could not be written.

    Raises
    ------
    UsageError
        If `parent`, or the closest folder above it that is there, is not a folder or not writable.
    """
    try:
        there = next(path for path in (parent, *parent.absolute().parents) if path.exists())
        if not there.is_dir():
            raise _unwritable(parent, f"'{there}' is not a folder")
    except OSError as error:
        raise _unwritable(parent, str(error.strerror)) from error
    if not os.access(there, os.W_OK | os.X_OK):
        raise _unwritable(parent, f"no permission to write in '{there}'")


def _unwritable(parent: Path, why: str) -> UsageError:
    return UsageError(f"cannot write results to '{parent}': {why}; choose another folder with --out")


def write_run_folder(result: RunResult, resolved_yaml: str, parent: Path) -> Path:
    """Write `parent/<name>-<digest8>-<seed>/` with every file of a run.

    A folder of that name holds the same run and is replaced.

    Parameters
    ----------
    result : RunResult
    resolved_yaml : str
        The configuration after extends and overrides, which reproduces the run.
    parent : Path
        Made if it is not there.

    Returns
    -------
    Path
        Of the folder.

    Raises
    ------
    UsageError
        If `parent` cannot be written to.
    """
    fill = partial(_fill, result=result, resolved_yaml=resolved_yaml)
    return write_whole_folder(parent, (result.name, result.digest, result.seed), fill)


def write_whole_folder(parent: Path, of: tuple[str, str, int], fill: Callable[[Path], None]) -> Path:
    """Have a folder filled beside its final place and moved there whole; one that is there is replaced.

    Parameters
    ----------
    parent : Path
        Made if it is not there.
    of : tuple of (name, digest, seed)
        What the folder is called by.
    fill : callable
        Given the folder, writes every file.

    Raises
    ------
    UsageError
        If `parent` cannot be written to.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".partial-", dir=parent))
    except OSError as error:
        raise _unwritable(parent, str(error.strerror)) from error
    try:
        fill(folder)
        folder.chmod(0o755)
        name, digest, seed = of
        return _move(folder, parent / f"{_file_name(name)}-{digest[:8]}-{seed}")
    except OSError as error:
        raise _unwritable(parent, str(error.strerror or error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(folder: Path, result: RunResult, resolved_yaml: str) -> None:
    from cellfab.report.page import write_report
    from cellfab.report.tables import write_tables

    # Wall-clock times go to the manifest alone, so that every table of a run can be compared byte by byte.
    manifest = {**result.manifest, "timing": dict(result.timing)}
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8", newline="\n")
    (folder / "resolved.yaml").write_text(resolved_yaml, encoding="utf-8", newline="\n")
    write_tables(replace(result, timing={}), folder)
    if result.records is not None:
        for path in sorted(result.records.glob("*.parquet")):
            _bring(path, folder / path.name)
    write_report(result, folder / "report.html")


def _bring(path: Path, target: Path) -> None:
    """Have the file at `target` as well: the same one where the file system can, for it may be large."""
    try:
        target.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, target)


@contextmanager
def records_folder(parent: Path, *, wanted: bool) -> Iterator[Path | None]:
    """A temporary folder beside the results for the files of single cells and postings; None where none are wanted.

    Raises
    ------
    UsageError
        If `parent` cannot be written to.
    """
    if not wanted:
        yield None
        return
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".records-", dir=parent))
    except OSError as error:
        raise _unwritable(parent, str(error.strerror)) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move(partial: Path, final: Path) -> Path:
    """Put the finished folder in its place; if that fails, the one that was there is put back."""
    if not final.exists():
        return partial.replace(final)
    aside = Path(tempfile.mkdtemp(prefix=".replaced-", dir=final.parent))
    try:
        old = final.replace(aside / final.name)
        try:
            return partial.replace(final)
        except BaseException:
            old.replace(final)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _file_name(name: str) -> str:
    """A scenario's name as part of a folder's name: letters, digits, '.', '_' and '-', not too long."""
    return re.sub(r"[^\w.-]+", "_", name)[:_LONGEST_NAME].lstrip(".") or "run"
