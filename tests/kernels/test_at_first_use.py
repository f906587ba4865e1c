"""Kernel modules that are named with `AtFirstUse`: what neither mypy nor import-linter sees of them."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

import cellfab

PACKAGE = Path(cellfab.__file__).parent
TREES = {
    str(file.relative_to(PACKAGE)): ast.parse(file.read_text(encoding="utf-8"))
    for file in sorted(PACKAGE.rglob("*.py"))
    if file.parent.name != "kernels"
}


def named(tree: ast.Module) -> dict[str, str]:
    """Variables that stand for a module of kernels, and which."""
    return {
        node.targets[0].id: node.value.args[0].value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("AtFirstUse(")
    }


def bind(function: Any, call: ast.Call) -> None:
    """Raise TypeError if the function does not take so many arguments, or these keywords."""
    signature = inspect.signature(getattr(function, "py_func", function))
    plain = [given for given in call.args if not isinstance(given, ast.Starred)]
    keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    all_seen = len(plain) == len(call.args) and len(keywords) == len(call.keywords)
    (signature.bind if all_seen else signature.bind_partial)(*plain, **keywords)


USERS = {name: tree for name, tree in TREES.items() if named(tree)}


@pytest.mark.parametrize("user", USERS)
def test_every_module_is_used_and_has_what_is_asked_of_it(user: str) -> None:
    names = named(USERS[user])
    modules = {variable: importlib.import_module(f"cellfab.kernels.{name}") for variable, name in names.items()}
    calls = {node.func: node for node in ast.walk(USERS[user]) if isinstance(node, ast.Call)}
    used = set()
    for node in ast.walk(USERS[user]):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            used.add(node.value.id)
            asked = getattr(modules[node.value.id], node.attr)
            if node in calls:
                bind(asked, calls[node])
    assert used == set(modules)


def test_no_function_imports_kernels() -> None:
    importing = [
        f"{name}:{statement.lineno}"
        for name, tree in TREES.items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for statement in ast.walk(function)
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("cellfab.kernels")
    ]
    assert importing == []
