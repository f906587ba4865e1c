"""Columns of cells that steps of several formats write, with one meaning for all of them."""

from __future__ import annotations

from cellfab.core.columns import column

PARTICLE = column("particle_um", "float32", "um", "largest particle between the electrodes; 0 without one")
ELECTROLYTE = column("electrolyte_g", "float32", "g", "true mass of electrolyte filled")
LEAK = column("leak", "float32", "1", "true log10 of leak rate over the limit; 0 for a tight cell")
