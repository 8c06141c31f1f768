"""The licences that the Hub knows."""

from collections.abc import Callable
from importlib.resources import files

from i2i.errors import UsageError
from i2i.plugins import suggest
from i2i.system import safe_yaml

LICENCES: frozenset[str] = frozenset(
    safe_yaml.load((files("i2i_hub") / "licences.yaml").read_text("utf-8"), "licences.yaml")
)


def check_licence(licence: str | None, ask: Callable[[str], None] | None = None) -> None:
    """Refuse a licence that the Hub does not know, before there is much to do in vain.

    Args:
        licence: As it would stand on the card, if there is one.
        ask: Asks the Hub about a licence that is not listed here, since its list grows; nobody is asked when not given.

    Raises:
        UsageError: If the licence is not listed here and nobody can be asked.
        I2iError: What ``ask`` raises.
    """
    if not licence or licence in LICENCES:
        return
    if ask is None:
        raise UsageError(
            f"{licence!r} is no licence that the Hub is known to have.{nearest(licence)} "
            "A dry run cannot ask it; a push does."
        )
    ask(licence)


def nearest(licence: object) -> str:
    """Return the licence that was perhaps meant, in a sentence; nothing where this one is right, or none is near."""
    text = str(licence or "")
    return "" if text in LICENCES else suggest("-".join(text.lower().split()), sorted(LICENCES))
