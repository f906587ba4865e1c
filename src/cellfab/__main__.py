"""`python -m cellfab`: the command line."""

from __future__ import annotations

from cellfab.cli import main

if __name__ == "__main__":
    main()
