"""Groups of commands, such as ``i2i data``, to which plugins may add commands of their own."""

import typer

from i2i.errors import UnknownNameError, suggest


def group_of(app: typer.Typer, name: str) -> typer.Typer:
    """Return the group of that name, for a plugin's ``i2i_commands(app)`` to add commands to.

    Raises:
        UnknownNameError: If the command line has no such group.

    Example:
        >>> app, data = typer.Typer(), typer.Typer()
        >>> app.add_typer(data, name="data")
        >>> group_of(app, "data") is data
        True
    """
    groups = {info.name: info.typer_instance for info in app.registered_groups}
    group = groups.get(name)
    if group is None:
        known = [known for known in groups if known]
        raise UnknownNameError(
            f"i2i has no group of commands {name!r}.{suggest(name, known)} Groups: {', '.join(known)}."
        )
    return group
