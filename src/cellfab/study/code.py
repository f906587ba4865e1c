"""A digest of what turns a scenario into figures, so that figures of other code are never taken for these."""

from __future__ import annotations

import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_ASIDE = (
    "__main__.py", "starter.py", "compare.py", "records/query.py", "records/recall.py", "sizing.py", "costing.py",
    "processes.py",
)  # fmt: skip
"""Modules that only show, write or ask what a run has left, or start processes."""
_OF_A_WORKER = ("study/worker.py", "study/rated_figures.py")
_LIBRARIES = ("numpy", "numba", "simpy", "scipy")


@cache
def code_digest() -> str:
    """SHA-256 of the modules that a replicate runs through, and of the versions of what computes in them.

    Read once in a process: the code that was loaded is what counts.
    """
    digest = sha256()
    for file in sorted(_PACKAGE.rglob("*.py")):
        name = file.relative_to(_PACKAGE).as_posix()
        aside = name in _ASIDE or name.startswith(("cli/", "report/"))
        if aside or (name.startswith("study/") and name not in _OF_A_WORKER):
            continue
        digest.update(f"{name}\0".encode())
        digest.update(file.read_bytes())
    for name in _LIBRARIES:
        digest.update(f"{name} {version(name)}\0".encode())
    digest.update(".".join(platform.python_version_tuple()[:2]).encode())
    return digest.hexdigest()
