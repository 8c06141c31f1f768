"""The preparer ``tiles``: pairs out of two maps of one place, however they are stored or served."""

from collections.abc import Mapping
from typing import Any

from i2i import hookimpl


@hookimpl
def i2i_preparers() -> Mapping[str, type[Any]]:
    """Provide the preparer of this package."""
    # imported here, since this module is loaded whenever the command line starts
    from i2i_tiles.tiles import Tiles

    return {"tiles": Tiles}
