"""Defects that a cell can carry unseen: one bit of the column `defects` each."""

from __future__ import annotations

from cellfab.core.columns import column

DEFECTS = column("defects", "uint16", "1", "true defects of the cell, bit k for the k-th of MECHANISMS")
MECHANISMS = (
    "soft_short", "no_fusion", "burn_through", "separator_fault", "overhang", "under_wetted", "leak", "anode_limited",
    "plating",
)  # fmt: skip


def bit(mechanism: str) -> int:
    """Value of the bit that marks a mechanism in the column."""
    return 1 << MECHANISMS.index(mechanism)
