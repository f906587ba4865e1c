"""Columns of cells that steps of several formats write, with one meaning for all of them."""

from __future__ import annotations

from typing import NamedTuple

from cellfab.core.columns import column

PARTICLE = column("particle_um", "float32", "um", "largest particle between the electrodes; 0 without one")
ELECTROLYTE = column("electrolyte_g", "float32", "g", "true mass of electrolyte filled")
LEAK = column("leak", "float32", "1", "true log10 of leak rate over the limit; 0 for a tight cell")


class JointColumns(NamedTuple):
    """Names of the columns about the foil joints of one side: seams of a collector disc, or welds to a tab."""

    mohm: str
    unfused: str
    burnt: str
    particles: str
    rewelded: str
    torn: str


JOINTS = {
    side: JointColumns(
        column(f"{side}_weld_mohm", "float32", "mohm", f"true resistance of the {side} foil joints, in parallel"),
        column(f"{side}_weld_unfused", "uint8", "1", f"{side} joints (seams, tab welds) without fusion"),
        column(f"{side}_weld_burnt", "uint8", "1", f"{side} joints (seams, tab welds) burnt through or torn"),
        column(f"{side}_weld_particles", "uint8", "1", f"particles that welding leaves on the {side} end of the roll"),
        column(f"{side}_weld_rewelded", "uint8", "1", f"1 where the {side} joint was welded twice"),
        column(f"{side}_torn_fraction", "float32", "1", f"true share of the {side} foil or its flags torn off"),
    )
    for side in ("cathode", "anode")
}
"""By side."""
