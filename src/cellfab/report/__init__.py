"""What a run is read from: one HTML page, tables for other programs, and a summary for the terminal.

Each module is imported when it is needed (`page` loads plotly and jinja2, `tables` pyarrow, `terminal` rich), and
all of them only read a `cellfab.result.RunResult`: nothing here runs anything.
"""
