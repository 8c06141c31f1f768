"""The Hugging Face Hub: sharing models and data sets, and using those of others, such as the sets of the paper."""

from pathlib import Path

import typer

from i2i import hookimpl
from i2i.cli.groups import group_of


@hookimpl
def i2i_commands(app: typer.Typer) -> None:
    """Add ``i2i push``, ``i2i pull``, ``i2i data push`` and ``i2i data get``."""
    from i2i_hub.commands import get, pull, push, push_data

    app.command()(push)
    app.command()(pull)
    group_of(app, "data").command("push")(push_data)
    group_of(app, "data").command()(get)


@hookimpl
def i2i_find_model(name: str, revision: str | None) -> Path | None:
    """Find a model on the Hub, where the name is USER/NAME."""
    if name.count("/") != 1:
        return None
    from i2i_hub.client import HubError, is_name
    from i2i_hub.pull import fetch

    if not is_name(name):
        return None

    try:
        return fetch(name, revision)
    except HubError as error:
        raise type(error)(f"There is no folder {name!r} here, and on the Hub: {error}") from error
