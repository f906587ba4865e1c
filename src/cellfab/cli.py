"""The command line: parse, call the API, print. Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from cellfab.errors import CellfabError

SCHEMA_VERSION = 1
INTERRUPTED = 130

app = typer.Typer(
    name="cellfab",
    help="Battery-cell manufacturing yield and process simulator.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Look at configurations.", no_args_is_help=True)
app.add_typer(config_app, name="config")

ConfigArgument = Annotated[
    str, typer.Argument(metavar="CONFIG", help="A YAML file, or the name of a shipped scenario or line.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value: line.stations.wind.parallel=16. Repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]


@app.command()
def run(
    config: ConfigArgument,
    overrides: SetOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers.")] = None,
    replicates: Annotated[int | None, typer.Option("--reps", min=1, help="Independent replicates.")] = None,
    engine: Annotated[
        Literal["auto", "simpy", "compiled"] | None, typer.Option(help="Force the engine of a bare line.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that the result folder is made in.")] = Path("runs"),
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Simulate one scenario; print yield, output and cost; write tables and report.html."""
    from cellfab.run import run_scenario
    from cellfab.scenario import load_scenario

    scenario = load_scenario(config, overrides or ())
    with _progress(scenario.name, shown=not (quiet or as_json)) as advance:
        result = run_scenario(scenario, seed=seed, replicates=replicates, engine=engine, progress=advance)
    from cellfab.report.folder import write_run_folder

    folder = write_run_folder(result, scenario.resolved_yaml(), out)
    if as_json:
        from cellfab.report.tables import kpi_document

        typer.echo(json.dumps(kpi_document(result, str(folder)), allow_nan=False))
    else:
        from cellfab.report.terminal import print_result

        print_result(result, folder)


@app.command()
def validate(config: ConfigArgument, overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """Check a configuration without running it; every problem is listed with its place in the file."""
    from cellfab.scenario import load_scenario

    scenario = load_scenario(config, overrides or ())
    if as_json:
        document = {
            "schema_version": SCHEMA_VERSION,
            "valid": True,
            "scenario": {"name": scenario.name, "digest": scenario.digest},
            "files": list(scenario.files),
            "assumptions": len(scenario.assumptions),
        }
        typer.echo(json.dumps(document))
    else:
        typer.echo(f"{config}: valid; {len(scenario.files)} files, {len(scenario.assumptions)} values are assumptions")


@app.command()
def schema(
    overlay: Annotated[
        bool, typer.Option("--overlay", help="For partial files that extend another: nothing is required.")
    ] = False,
) -> None:
    """Print the JSON Schema of scenario files, for editors and validators."""
    from cellfab.scenario import scenario_schema

    typer.echo(json.dumps(scenario_schema(overlay=overlay), indent=2))


@config_app.command("show")
def config_show(
    config: ConfigArgument,
    overrides: SetOption = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say for each value which file and line set it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the configuration after extends and --set."""
    from cellfab.config.loader import load
    from cellfab.config.show import render, render_json

    resolved = load(config, overrides or ())
    typer.echo(json.dumps(render_json(resolved)) if as_json else render(resolved, origin=origin))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder to put a starter configuration in.")],
) -> None:
    """Copy a starter: a scenario of your own that extends a shipped one, and a bare line."""
    from cellfab.starter import write_starter

    for path in write_starter(folder):
        typer.echo(str(path))
    typer.echo(f"next: cellfab run {folder / 'my_conversion.yaml'}")


@contextmanager
def _progress(name: str, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """A bar on stderr, on a terminal only; yields the function that is told the share done, 0-1."""
    if not shown or not sys.stderr.isatty():
        yield lambda _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def main() -> None:
    """Entry point: the command line with the exit codes of `cellfab.errors`."""
    try:
        app()
    except CellfabError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("interrupted: nothing was written", err=True)
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        raise SystemExit(0) from None
