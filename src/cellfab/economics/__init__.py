"""From postings to cost: pure functions over ledger totals and specs."""
