"""Reading a shipped configuration part without the loader: `{value, source}` becomes the value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

CONFIGS = Path(__file__).parents[2] / "configs"


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return node["value"] if "value" in node else {key: _plain(child) for key, child in node.items()}
    return node


@pytest.fixture
def shipped():
    """Read `configs/NAME.yaml` as plain values."""
    return lambda name: _plain(yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.fixture
def shipped_with_sources():
    """Read `configs/NAME.yaml` as written."""
    return lambda name: yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
