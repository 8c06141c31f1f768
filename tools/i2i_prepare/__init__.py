"""Preparers that come with i2i: each makes pairs out of one kind of source."""

from collections.abc import Mapping
from typing import Any

from i2i import hookimpl


@hookimpl
def i2i_preparers() -> Mapping[str, type[Any]]:
    """Return the preparers of this package."""
    # imported here, since this module is loaded whenever the command line starts
    from i2i_prepare.colorize import Colorize, Grayscale
    from i2i_prepare.downscale import Downscale
    from i2i_prepare.edges import Edges
    from i2i_prepare.frames import Frames
    from i2i_prepare.halves import Concat, SplitAB
    from i2i_prepare.inpaint import Inpaint
    from i2i_prepare.labels import Labels
    from i2i_prepare.mask import Mask
    from i2i_prepare.palette import Palette
    from i2i_prepare.resize import Resize
    from i2i_prepare.split import Split

    return {
        "colorize": Colorize,
        "concat": Concat,
        "downscale": Downscale,
        "edges": Edges,
        "frames": Frames,
        "grayscale": Grayscale,
        "inpaint": Inpaint,
        "labels": Labels,
        "mask": Mask,
        "palette": Palette,
        "resize": Resize,
        "split": Split,
        "split-ab": SplitAB,
    }
