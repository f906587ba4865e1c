"""The wheel, installed away from the clone: shipped configurations are in it and found by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from this checkout without a build environment of its own, so without network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("cellfab-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """`cellfab` of a new environment with the wheel in it and nothing else.

    Its dependencies are those of the running environment, found by a path file: installing them again would take
    minutes. Path files of that environment (which point at this checkout) are not followed from there.
    """
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=False)
    python = next((folder / "bin").glob("python3"))
    target = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()
    )  # fmt: skip
    assert folder in target.parents
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--quiet", wheel],
        check=True, timeout=120,
    )  # fmt: skip
    (target / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin" / "cellfab"


def run(command: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables["XDG_CACHE_HOME"] = str(command.parent.parent / "cache")
    return subprocess.run(
        [command, *arguments], cwd=folder, env=variables, check=False, capture_output=True, text=True, timeout=120
    )


def test_the_wheel_holds_code_configurations_and_licence_only(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / "configs").rglob("*.yaml")}
    assert {f"cellfab/{name}" for name in shipped} <= names
    modules = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert modules <= names
    assert "cellfab/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert all(name.startswith(("cellfab/", "cellfab-")) for name in names)
    assert not [name for name in names if "__pycache__" in name or "tests/" in name or "/test_" in name]


def test_it_runs_from_an_empty_folder(installed, tmp_path):
    """Part by part: the compiled engine says nothing about packaging, and would be compiled anew for this place."""
    done = run(installed, tmp_path, "run", "mm1", "--json", "--set", "run.horizon_h=200", "--engine", "simpy")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["scenario"]["name"] == "mm1"
    manifest = json.loads((tmp_path / document["out_dir"] / "manifest.json").read_text(encoding="utf-8"))
    (file,) = manifest["files"]
    assert str(ROOT) not in file, "the configuration is the wheel's, not the checkout's"
    assert Path(file).parts[-3:] == ("configs", "lines", "mm1.yaml")


def test_it_validates_the_main_job_from_an_empty_folder(installed, tmp_path):
    done = run(installed, tmp_path, "validate", "ess_from_4680", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["valid"] is True
    assert all(str(ROOT) not in file for file in document["files"])
    assert list(tmp_path.iterdir()) == []


def test_its_starter_extends_what_was_installed(installed, tmp_path):
    assert run(installed, tmp_path, "init", "mine").returncode == 0
    done = run(installed, tmp_path, "validate", "mine/my_conversion.yaml")
    assert done.returncode == 0, done.stderr
