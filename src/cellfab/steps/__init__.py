"""One file per process step."""
