"""The licences that the Hub knows."""

from importlib.resources import files

from i2i import safe_yaml
from i2i.errors import UsageError
from i2i.plugins import suggest

LICENCES: frozenset[str] = frozenset(
    safe_yaml.load((files("i2i_hub") / "licences.yaml").read_text("utf-8"), "licences.yaml")
)


def check_licence(licence: str | None) -> None:
    """Refuse a licence that is not listed here, where the Hub itself is not asked.

    Raises:
        UsageError: If it is none of them.
    """
    if licence and licence not in LICENCES:
        raise UsageError(
            f"{licence!r} is no licence that the Hub is known to have.{nearest(licence)} "
            "A dry run cannot ask it; a push does."
        )


def nearest(licence: object) -> str:
    """Return the licence that was perhaps meant, in a sentence; nothing where this one is right, or none is near."""
    text = str(licence or "")
    return "" if text in LICENCES else suggest("-".join(text.lower().split()), sorted(LICENCES))
