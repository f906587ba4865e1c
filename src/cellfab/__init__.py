"""cellfab."""
