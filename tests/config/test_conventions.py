"""Rules that hold for every spec and for the configuration code as a whole."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import cellfab.config
import cellfab.steps
from cellfab.config.shape import Choice, Items, Names, Number, Shape, record_of
from cellfab.config.spec import Spec
from cellfab.units import is_dimensionless


def holds_fractions(shape: Shape) -> bool:
    match shape:
        case Number(integer=integer):
            return not integer
        case Names(values=values) | Items(values=values):
            return holds_fractions(values)
        case Choice(options=options):
            return any(holds_fractions(option) for option in options)
    return False


def all_specs() -> list[type[Spec]]:
    for package in (cellfab.config, cellfab.steps):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    found = [Spec]
    for spec in found:
        found += [child for child in spec.__subclasses__() if child.__module__.startswith("cellfab.")]
    return found


def test_every_number_says_its_unit_or_is_known_to_have_none():
    specs = all_specs()
    assert len(specs) > 30
    unnamed = [
        f"{spec.__module__}.{spec.__qualname__}.{key}"
        for spec in specs
        for key, slot in record_of(spec).fields.items()
        if holds_fractions(slot.shape) and slot.unit is None and not is_dimensionless(key)
    ]
    assert unnamed == []


def test_loading_and_validating_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from cellfab.config.loader import load, validate\n"
        "from cellfab.config.line_checks import line_problems\n"
        "from cellfab.config.line_spec import Line\n"
        "from cellfab.config.schema import json_schema\n"
        "from cellfab.config.show import render\n"
        "resolved = load('ess_from_4680')\n"
        "line_problems(validate(resolved, Line, at='line'))\n"
        "heavy = {'numba', 'numpy', 'pandas', 'scipy', 'plotly', 'pyarrow', 'simpy', 'typer', 'rich', 'jsonschema'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
