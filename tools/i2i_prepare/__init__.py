"""Preparers that come with i2i: each makes pairs out of one kind of source."""

from collections.abc import Mapping
from typing import Any

from i2i import hookimpl


@hookimpl
def i2i_preparers() -> Mapping[str, type[Any]]:
    """The preparers of this package."""
    # imported here, since this module is loaded whenever the command line starts
    from i2i_prepare.concat import Concat
    from i2i_prepare.edges import Edges
    from i2i_prepare.grayscale import Grayscale

    return {"concat": Concat, "edges": Edges, "grayscale": Grayscale}
