"""Names the plugin whose code raises while a run trains or validates."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from i2i.assembly import Selection, providers
from i2i.errors import ContractError, I2iError
from i2i.plugins import describe
from i2i.system.devices import is_out_of_memory


@contextmanager
def naming_the_plugin(selection: Selection) -> Iterator[None]:
    """Turn what a recipe or a component raises into one line with its plugin and the place in its code.

    A ``ValueError`` is the component's way to refuse what it is given, and lack of memory is nobody's fault.

    Raises:
        ContractError: If the innermost frame outside of libraries is a plugin's.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (I2iError, ValueError)) or is_out_of_memory(error):
            raise
        found = {provided.cls.__module__: provided for provided in providers(selection).values()}
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_globals["__name__"] in found]
        if not frames:
            raise
        name = frames[-1].f_globals["__name__"]
        line = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame is frames[-1]][-1]
        provided, place = found[name], f"{Path(frames[-1].f_code.co_filename)}:{line}"
        origin = f"plugin {provided.plugin!r} ({provided.distribution} {provided.version})"
        raise ContractError(f"{origin} fails in training: {describe(error)} (at {place}). Mend it.") from error
