"""The command line: parse, call the API, print. Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

from cellfab.cli.app import app, main

__all__ = ["app", "main"]
