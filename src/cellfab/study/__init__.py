"""Studies: variants and designs run in replicates, stored so that they can be resumed, and compared with intervals."""
