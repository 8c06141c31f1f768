"""Puts the commands together and turns what a person can mend into one line and an exit code."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from i2i import __version__
from i2i.cli import evaluate, export, plugins, prepare, train, translate
from i2i.cli.console import complain, show_notes, stoppable, stopped, warn_of_problems
from i2i.cli.habits import answer_command, answer_option
from i2i.errors import ElsewhereError, I2iError, RankGoneError, UsageError
from i2i.kinds import COMMANDS
from i2i.plugins import installed
from i2i.system.chatter import own_stderr
from i2i.system.rank import LAUNCHED


class Commands(TyperGroup):
    """The commands, with one line for what was typed wrongly, in words of i2i, and for Ctrl-C."""

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """Find the command that was typed; answer the words of other tools with ours."""
        if self.get_command(ctx, args[0]) is None and (words := answer_command(args[0])):
            raise UsageError(words)
        name, command, rest = super().resolve_command(ctx, args)
        known = {option for parameter in getattr(command, "params", ()) for option in parameter.opts}
        if name is not None and (words := answer_option(name, rest, known)):
            raise UsageError(words)
        return name, command, rest

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command that was typed."""
        try:
            with stoppable(""):
                return super().invoke(ctx)
        except I2iError:
            if ctx.params["debug"]:
                traceback.print_exc()
            raise
        except typer.BadParameter as error:
            if error.__cause__ is not None:
                from pydantic import ValidationError

                from i2i.options import in_words

                if isinstance(error.__cause__, ValidationError):
                    error.message = in_words(error.__cause__)
            raise


def build_app() -> typer.Typer:
    """Build the command line with everything that is installed."""
    app = typer.Typer(
        name="i2i",
        cls=Commands,
        help="Image-to-image translation made of plugins: prepare photos, train a translator, translate.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
        ] = False,
        debug: Annotated[
            bool, typer.Option("--debug", help="Show the traceback of what fails too, such as a plugin's.")
        ] = False,
    ) -> None:
        pass

    for command in (prepare, train, evaluate, translate, export, plugins):
        command.register(app)
    app.add_typer(typer.Typer(help="Look into, fetch and share datasets.", no_args_is_help=True), name="data")
    extensions = installed(COMMANDS)
    extensions.add_commands(app)
    warn_of_problems(COMMANDS)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; always ends in `SystemExit`.

    Args:
        arguments: What was typed after ``i2i``; the process's own when not given.
    """
    # OpenMP's spinning costs 7-13 times on a busy machine of few cores; it reads this when torch is imported
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    own_stderr()
    show_notes()
    try:
        build_app()(args=arguments)
    except ElsewhereError as error:
        sys.exit(error.exit_code)
    except RankGoneError as error:
        if LAUNCHED not in os.environ:
            complain(f"Error: {error}", "red")
        sys.stderr.flush()
        os._exit(error.exit_code)  # else what was sent to it by a GPU would be waited for
    except I2iError as error:
        complain(f"Error: {error}", "red", of_one_process=error.is_of_one_process)
        sys.exit(error.exit_code)
    except KeyboardInterrupt as stop:  # while plugins are loaded: a command says more, see `stoppable`
        sys.exit(stopped(str(stop)).exit_code)
