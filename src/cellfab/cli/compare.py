"""The command that sets two results side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cellfab.cli.options import JsonOption, SetOption
from cellfab.cli.terminal import interruptible, progress_bar, warn
from cellfab.errors import UsageError

if TYPE_CHECKING:
    from cellfab import compare as comparing


def compare(
    context: typer.Context,
    before: Annotated[
        str, typer.Argument(metavar="A", help="Folder of a run or of a study; or a scenario, which is then run.")
    ],
    after: Annotated[str, typer.Argument(metavar="B", help="The same; A again to compare weeks of one run.")],
    cost: Annotated[Literal["full", "cash", "net"], typer.Option(help="Kind of cost per kWh.")] = "full",
    weeks_a: Annotated[
        str, typer.Option(metavar="FIRST:END", help="Of A: 0:16, -13: (the last 13), or the name of a phase.")
    ] = ":",
    weeks_b: Annotated[str, typer.Option(metavar="FIRST:END", help="Of B.")] = ":",
    overrides: SetOption = None,
    match: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VARIANT_A=VARIANT_B", help="Of studies: compare variants of different names. Repeatable."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the waterfall as one HTML page.")] = None,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Two runs: a waterfall of cost per kWh that adds up to the cent; two studies: what differs, and how surely."""
    if _is_study(before) or _is_study(after):
        _compare_studies(context, before, after, match or (), as_json=as_json)
        return
    if match:
        raise UsageError("--match is for studies, whose variants have names")
    from cellfab import compare as comparing
    from cellfab.report.compare_text import comparison_document, comparison_text

    sides: dict[str, comparing.Side] = {}
    for name in dict.fromkeys((before, after)):
        sides[name] = _side(name, overrides or (), shown=not (quiet or as_json))
    found = comparing.compare(sides[before], sides[after], cost, (weeks_a, weeks_b))
    if html is not None:
        from cellfab.report.compare_chart import write_comparison

        try:
            write_comparison(found, html)
        except OSError as error:
            raise UsageError(f"cannot write '{html}': {error.strerror or error}") from error
        typer.echo(f"page: {html}", err=True)
    typer.echo(json.dumps(comparison_document(found), allow_nan=False) if as_json else comparison_text(found))


def _side(name: str, overrides: Sequence[str], *, shown: bool) -> comparing.Side:
    """A run read from its folder, or a scenario simulated."""
    from cellfab import compare as comparing

    if Path(name).is_dir():
        if overrides:
            raise UsageError(f"--set changes scenarios, and '{name}' is the folder of a run that has been made")
        return comparing.read_side(Path(name))
    from cellfab.scenario import load_scenario

    scenario = load_scenario(name, overrides)
    warn(scenario)
    from cellfab.run import run_scenario

    with interruptible(), progress_bar(scenario.name, shown=shown) as advance:
        return comparing.side_of(run_scenario(scenario, progress=advance))


def _is_study(name: str) -> bool:
    """Whether it is the folder of a study, or of several; a study that has not been run is refused."""
    path = Path(name)
    if path.is_dir():
        return (path / "results.parquet").is_file() or (path / "index.sqlite").is_file()
    if not path.is_file():
        return False
    from cellfab.study.file import is_study

    if is_study(path):
        raise UsageError(f"'{name}' is the file of a study: run it (cellfab study), and name the folder of its tables")
    return False


def _compare_studies(context: typer.Context, before: str, after: str, match: Sequence[str], *, as_json: bool) -> None:
    for name, said in (("cost", "--cost"), ("weeks_a", "--weeks-a"), ("weeks_b", "--weeks-b"),
                       ("overrides", "--set"), ("html", "--html")):  # fmt: skip
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            raise UsageError(f"{said} is for runs, and '{before if _is_study(before) else after}' is a study")
    for one, other in ((before, after), (after, before)):
        if not _is_study(one):
            raise UsageError(f"'{other}' is a study and '{one}' is none: compare runs with runs, studies with studies")
    from cellfab.report.study_compare_text import study_comparison_document, study_comparison_text
    from cellfab.study.compare import compare_studies
    from cellfab.study.opened import open_study

    pairs = []
    for text in match:
        names = tuple(name.strip() for name in text.split("="))
        if len(names) != 2 or not all(names):
            raise UsageError(f"--match '{text}' is not VARIANT_A=VARIANT_B")
        pairs.append((names[0], names[1]))
    found = compare_studies(open_study(before), open_study(after), pairs)
    typer.echo(
        json.dumps(study_comparison_document(found), allow_nan=False) if as_json else study_comparison_text(found)
    )
