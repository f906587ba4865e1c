"""The result folder: written beside its final place and moved there whole, so that half of one never exists."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from cellfab.errors import UsageError
from cellfab.report.page import write_report
from cellfab.report.tables import write_tables
from cellfab.result import RunResult


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
    try:
        parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=parent))
    except OSError as error:
        raise UsageError(
            f"cannot write results to '{parent}': {error.strerror}; choose another folder with --out"
        ) from error
    try:
        (partial / "manifest.json").write_text(json.dumps(dict(result.manifest), indent=2, sort_keys=True) + "\n")
        (partial / "resolved.yaml").write_text(resolved_yaml)
        write_tables(result, partial)
        write_report(result, partial / "report.html")
        partial.chmod(0o755)
        final = parent / f"{result.name}-{result.digest[:8]}-{result.seed}"
        if final.exists():
            old = Path(tempfile.mkdtemp(prefix=".replaced-", dir=parent))
            os.replace(final, old / final.name)
            os.replace(partial, final)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(partial, final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return final
