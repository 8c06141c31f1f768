"""Pages on which anybody draws and sees what a trained model makes of it: files for any host, no server."""

import i2i
from i2i_web.exporter import Web

__all__ = ["Web"]


@i2i.hookimpl
def i2i_exporters() -> dict[str, type]:
    """Provide exporters."""
    return {"web": Web}
