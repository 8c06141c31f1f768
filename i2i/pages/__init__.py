"""Pages to look at: HTML files that need nothing but themselves, light and dark, narrow and wide."""

import base64
import io
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

from i2i import __version__, images
from i2i.pairs import Pixels
from i2i.system.text import visible

FRAME = "frame.html.j2"
EXACT = 160
"""Pictures with no longer side are shown as they are; of larger ones the smaller of PNG and JPEG is."""

QUALITY = 80
"""Of pictures to glance at, which are WebP."""


def render(package: str, template: str, **values: object) -> bytes:
    """Fill in a template, which extends ``frame.html.j2``: blocks ``title``, ``style`` and ``content``.

    Whatever is filled in is escaped, and what a terminal would obey is spelt out, as names of files may hold. Filters:
    ``code`` makes code of what stands between backticks.

    Args:
        package: Where the template is.
        template: Name of its file.
        **values: What it names; ``version`` is i2i's.

    Returns:
        The page, in UTF-8.
    """
    frame, own = ((files(place) / name).read_text("utf-8") for place, name in ((__name__, FRAME), (package, template)))
    made: str = _compiled(frame, own).render(version=__version__, **values)
    return made.encode()


@lru_cache(maxsize=8)  # a run has its page made again and again
def _compiled(frame: str, own: str) -> Any:
    from jinja2 import DictLoader, Environment, StrictUndefined

    environment = Environment(
        loader=DictLoader({FRAME: frame, "": own}),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.filters["code"] = _code
    return environment.get_template("")


def address(pixels: Pixels) -> str:
    """Return a picture, (H, W, 1 or 3) uint8, as a ``data:`` address, which holds all of it."""
    png = images.encode(pixels, ".png")
    jpeg = images.encode(pixels, ".jpg") if max(pixels.shape[:2]) > EXACT else png
    kind, data = ("jpeg", jpeg) if len(jpeg) < len(png) else ("png", png)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def glance(pixels: Pixels) -> str:
    """Return a picture, (H, W, 3) uint8, as a ``data:`` address of few bytes, near enough to glance at."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=QUALITY, method=2)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def _code(text: str) -> object:
    from markupsafe import Markup, escape

    return Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(visible(text)))))
