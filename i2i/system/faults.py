"""What the code of a plugin raises, in one line with the plugin and the place in its code."""

import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from i2i.errors import ContractError, I2iError, UsageError
from i2i.kinds import COMPONENTS, group_of
from i2i.plugins import Provided, catalogue, describe, kinds
from i2i.system.devices import is_out_of_memory


@contextmanager
def naming_plugins(at_work: type | None = None) -> Iterator[None]:
    """Turn what a component raises into one line.

    Args:
        at_work: The component on whose behalf torch works, which has no frame of its own then.

    Raises:
        I2iError: See `fault`.
    """
    try:
        yield
    except Exception as error:
        if (named := fault(error, at_work)) is None:
            raise
        raise named from error


def fault(error: Exception, at_work: type | None = None) -> UsageError | None:
    """Return the one line about what a component raised; None if no component did, or the error is such a line.

    A ``ValueError`` is a component's way to refuse what it is given, and lack of memory is nobody's fault.

    Args:
        error: What was raised.
        at_work: See `naming_plugins`.
    """
    if isinstance(error, I2iError) or is_out_of_memory(error):
        return None
    trained = [kind for kind in kinds() if group_of(kind) == COMPONENTS]
    components = [provided for kind in trained for provided in catalogue(kind).values()]
    # the engine's own components are no strangers: what they raise is a bug of i2i
    found = {each.cls.__module__: each for each in components if not each.cls.__module__.startswith("i2i.")}
    module, where = place(error, found)
    guilty = found.get(module or (at_work.__module__ if at_work else ""))
    if guilty is None:
        return None
    if isinstance(error, ValueError):
        return UsageError(f"{_named(guilty)} refuses: {describe(error)}{where}.")
    return ContractError(f"{_named(guilty)} fails: {describe(error)}{where}. Mend it.")


def place(error: Exception, modules: Collection[str]) -> tuple[str, str]:
    """Return the module of the innermost frame that is in one of some modules, and `` (at file:line)``; or nothing."""
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    for frame, line in reversed(frames):
        if (module := str(frame.f_globals.get("__name__"))) in modules:
            return module, f" (at {frame.f_code.co_filename}:{line})"
    return "", ""


def _named(provided: Provided) -> str:
    return f"plugin {provided.plugin!r} ({provided.distribution} {provided.version})"
