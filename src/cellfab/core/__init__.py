"""Lots, genealogy, ledger: what moves through a line, as arrays."""
