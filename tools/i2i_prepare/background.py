"""Colours that are named in options."""

from PIL import ImageColor

from i2i.errors import UsageError
from i2i.images.colour import Colour


def colour_of(text: str, option: str) -> Colour:
    """Return the colour of a name of CSS, ``#rgb``, ``#rrggbb`` or ``rgb(red, green, blue)``.

    Args:
        text: What was typed.
        option: The option's name in errors.

    Raises:
        UsageError: If it is no opaque colour.
    """
    try:
        red, green, blue, *opacity = ImageColor.getrgb(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no colour. Give a name such as 'white', or '#rrggbb'.") from None
    if opacity:
        raise UsageError(f"{option} {text!r} has an opacity. Give a colour without one, such as '#rrggbb'.")
    return red, green, blue
