"""``i2i prepare``: one subcommand for each installed preparer, with its options as flags."""

import inspect
import json
import shlex
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from i2i import api
from i2i.cli.console import GOES_ON, complain, shown, stoppable, warn_of_versions
from i2i.cli.flags import as_data, flag_of, plain
from i2i.errors import DataError, UsageError, things
from i2i.kinds import COMMANDS
from i2i.places import is_url, without_secrets
from i2i.plugins import Provided, catalogue, lookup
from i2i.prepared import REPORT
from i2i.system.text import visible

if TYPE_CHECKING:
    from i2i.preparation import Report

FIRST = 3  # names of rejected images that are shown


class Preparers(TyperGroup):
    """The preparers as commands, looked up when one is asked for: some of them load image libraries."""

    def list_commands(self, ctx: object) -> list[str]:
        """Return names of all preparers."""
        return list(catalogue("preparer"))

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand:
        """Build the command of a preparer.

        Raises:
            UnknownNameError: If there is none of that name.
        """
        return make_command(cmd_name, lookup("preparer", cmd_name))


class PreparerCommand(TyperCommand):
    """The command of a preparer, which says what is missing where one of its places is."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what was typed.

        Raises:
            UsageError: If only one place was given: it is taken for a source, and OUT is what is missing.
        """
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            places, _, _ = self.make_parser(ctx).parse_args(typed)
            if error.param is None or error.param.name != "sources" or not (given := places.get("out")):
                raise
            name = ctx.info_name
            raise UsageError(
                f"{given!r} is the only place given, and OUT is missing: the dataset folder to make. "
                f"Say `i2i prepare {name} {shlex.quote(given)} my-{name}`."
            ) from None


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    help_text = "Make a dataset of pairs out of images. Interrupted, the same command goes on where it stopped."
    app.add_typer(typer.Typer(cls=Preparers, help=help_text, no_args_is_help=True), name="prepare")


def make_command(name: str, provided: Provided) -> TyperCommand:
    """Build the command that runs a preparer, or of one whose options cannot be flags, one that says why."""
    from i2i.preparation.settings import own_options

    summary = plain(inspect.getdoc(provided.cls) or "")
    sources, out, *shared = shared_parameters()
    try:
        own = own_options(name)
        flags = [flag_of(option, field) for option, field in own.items()]
    except UsageError as error:
        return _broken_command(name, error)

    def command(**values: Any) -> None:
        warn_of_versions(COMMANDS)
        given = {option: value for option, value in values.items() if value is not None}
        typed = {option: as_data(option, given[option], own[option]) for option in own if option in given}
        run(name, **given | typed)

    command.__signature__ = inspect.Signature([sources, out, *flags, *shared])  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False)
    app.command(
        name, cls=PreparerCommand, help=summary.partition("\n\nArgs:")[0], short_help=summary.partition("\n")[0]
    )(command)
    return cast(TyperCommand, typer.main.get_command(app))


def shared_parameters() -> list[inspect.Parameter]:
    """Return what every preparer's command takes: two places, a flag for each setting, and those of `run`."""
    from i2i.preparation.settings import Settings

    flags = []
    for option, field in Settings.model_fields.items():
        if option not in ("options", "range"):
            flag = flag_of(option, field)
            (info,) = flag.annotation.__metadata__
            info.show_default = str(field.default) if field.default not in (None, "") else False
            flags.append(flag.replace(default=None))  # a setting is not given unless it is typed
    places: list[inspect.Parameter] = []
    own: list[inspect.Parameter] = []
    for parameter in list(inspect.signature(run).parameters.values())[1:-1]:
        (own if parameter.kind is parameter.KEYWORD_ONLY else places).append(parameter)
    return [*places, *flags, *own]


def _broken_command(name: str, problem: UsageError) -> TyperCommand:
    """Build a command that takes anything and says what is wrong with it, so that the others are not hidden."""

    def command() -> None:
        raise problem

    app = typer.Typer(add_completion=False)
    anything = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(name, help=plain(f"Broken: {problem}"), context_settings=anything)(command)
    return cast(TyperCommand, typer.main.get_command(app))


def run(
    name: str,
    sources: Annotated[list[str], typer.Argument(metavar="SRC", help="Images, and folders of images.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="The dataset folder to make.")],
    *,
    range: Annotated[
        list[str] | None,
        typer.Option(metavar="LOW:HIGH", help="Values that stand for black and white; once, or once for each input."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but problems.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the sums as JSON, for programs.")] = False,
    **options: Any,
) -> None:
    """Prepare, and show how it goes and what came of it.

    Raises:
        DataError: If an input was rejected and little is to be said.
        Exit: If one was, after all has been said.
    """
    from i2i.cli.progress import WorkProgress

    if range:
        options["range"] = range
    if dry_run:
        text = api.prepare(name, sources, out, dry_run=True, **options)
        typer.echo(json.dumps({"plan": text.splitlines()}, indent=2) if as_json else visible(text))
        return
    with stoppable(GOES_ON), WorkProgress(name, silent=quiet or as_json) as progress:
        report = api.prepare(name, sources, out, on_progress=progress, **options)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    elif not quiet:
        print_report(report, out)
    problem = rejections(report)
    if problem is not None and (quiet or as_json):
        raise problem
    if problem is not None:  # said before what comes next, which is possible all the same
        complain(f"Error: {problem}", "red")
    if not (quiet or as_json):
        show_next(report, out)
    if problem is not None:
        raise typer.Exit(problem.exit_code)


def rejections(report: "Report") -> DataError | None:
    """Return what is to be said of inputs that could not be used; nothing where there are none."""
    rejected = sum(map(len, report.rejected.values()))
    if not rejected:
        return None
    inputs = f"{rejected} of {things(report.inputs, 'input')} {'was' if rejected == 1 else 'were'}"
    where = repr(str(report.folder / REPORT))
    there = f"; the dataset has the other {things(report.made, 'pair' if report.of_pairs else 'image')}"
    there = there if report.made else ""
    return DataError(f"{inputs} rejected{there}. What is wrong with each is in {where}.")


def print_report(report: "Report", out: str) -> None:
    """Print what came of everything."""
    from rich.console import Console
    from rich.table import Table

    console, out = Console(highlight=False, soft_wrap=True), without_secrets(out)
    if report.missing:
        console.print(
            f"This part is done: {report.missing} of {things(report.shards, 'shard')} are still missing. "
            f"The process that completes the last one finishes {shown(out)}."
        )
        return
    if not report.finished:
        console.print(f"This part is done: another process is finishing {shown(out)}.")
        return
    table = Table.grid(padding=(0, 2))
    shares = ", ".join(f"{count} {split}" for split, count in report.splits.items() if count)
    resumed = f"{report.resumed} of the inputs were done before" if report.resumed else ""
    table.add_row("[green]made[/]", str(report.made), "; ".join(part for part in (shares, resumed) if part))
    for reason, names in sorted(report.rejected.items()):
        more = ", ..." if len(names) > FIRST else ""
        table.add_row("[red]rejected[/]", str(len(names)), shown(f"{reason}: {', '.join(names[:FIRST])}{more}"))
        table.add_row("", "", shown(report.messages[reason]))
    if report.skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(report.skipped.items()))
        console.print(f"[yellow]Note: {report.skipped.total()} left out: {shown(reasons)}[/]")
    for remark in report.remarks:
        console.print(f"[yellow]Note: {shown(remark)}[/]")
    console.print(table)
    console.print(f"{shown(out)} took {report.seconds:.1f} s")


def show_next(report: "Report", out: str) -> None:
    """Print the command to type next."""
    if report.splits["train"]:
        # training reads no folders in object stores: what was uploaded is here as well
        data = str(report.folder) if is_url(out) else out
        typer.echo(f"Next: i2i train --plugin pix2pix --data {visible(shlex.quote(data))} --out RUN")
