"""Build and merge cards, the pages of repositories. A marked block and some keys are ours, the rest its owner's.

`huggingface_hub.ModelCard` reads YAML 1.1, by which a person's ``language: no`` would come back as ``false``, and its
``metadata_update`` is a commit of its own; so cards are read and merged here.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from huggingface_hub.constants import REPOCARD_NAME
from huggingface_hub.repocard import REGEX_YAML_BLOCK
from jinja2 import Environment, StrictUndefined

from i2i import safe_yaml
from i2i.errors import DataError
from i2i.places import without_secrets

README = REPOCARD_NAME
"""The file that the Hub shows as the card."""

BEGIN = "<!-- i2i: from here to the end mark, the next push writes anew -->"
END = "<!-- i2i: end -->"
BLOCK = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)

OURS = frozenset({"library_name", "pipeline_tag", "model-index", "widget", "dataset_info", "configs"})
"""Keys that describe the files beside the card, so that an old value would be wrong."""


class Card(NamedTuple):
    """A card in its two parts."""

    keys: Mapping[str, Any]
    """Front matter: what the Hub searches and shows."""
    body: str

    def __str__(self) -> str:
        return f"---\n{safe_yaml.dump(dict(self.keys))}---\n\n{self.body.strip()}\n"


def parse_card(data: bytes, where: str) -> Card:
    """Read a card that somebody wrote.

    Raises:
        DataError: If it is no text, or its front matter is no YAML of keys and values.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise DataError(f"{where} is no UTF-8 text. Mend it on the Hub.") from None
    match = REGEX_YAML_BLOCK.search(text)
    if match is None:
        return Card({}, text)
    keys = safe_yaml.load(match[2], where)
    if not isinstance(keys, dict | None):
        raise DataError(f"{where}: the front matter is no list of keys and values. Mend it on the Hub.")
    return Card(keys or {}, text[match.end() :])


def merge_cards(ours: Card, theirs: Card | None, *, said: frozenset[str] = frozenset()) -> Card:
    """Return our card with everything of theirs that is not ours to write.

    Of the front matter, what describes the files is ours; lists are joined; the rest is theirs once it is there, unless
    it was said again for this push. Of the body only our block is replaced; a card without one keeps its body. Beside a
    block of ours, what described files that are there no more goes.

    Args:
        ours: What this push would write.
        theirs: What is on the Hub.
        said: Keys that the user gave a value for now.
    """
    if theirs is None:
        return ours
    marked = BLOCK.search(theirs.body)
    stale = OURS - ours.keys.keys() if marked else frozenset()
    keys = {key: value for key, value in theirs.keys.items() if key not in stale}
    for key, value in ours.keys.items():
        before = keys.get(key)
        if key in OURS or key in said or before is None:
            keys[key] = value
        elif isinstance(value, list) and isinstance(before, list):
            keys[key] = before + [item for item in value if item not in before]
    body = BLOCK.sub(lambda _: ours.body, theirs.body, count=1) if marked else theirs.body
    return Card(keys, body if body.strip() else ours.body)


def render_body(template: str, **facts: Any) -> str:
    """Return a body with our marks around it.

    Args:
        template: Name of a template of this package.
        facts: What it is about.
    """
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    environment.filters |= {"plain": plain, "code": code, "fenced": fenced}
    text = environment.from_string((files("i2i_hub") / template).read_text("utf-8")).render(**facts)
    return f"{BEGIN}\n\n{text.strip()}\n\n{END}"


def plain(value: object) -> str:
    """Return data as text of one line that is no markup, and cannot leave its cell of a table."""
    return re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", _line(_text(value))).replace("&", "&amp;")


def code(value: object) -> str:
    """Return data as a span of code, which nothing in it ends."""
    return f"`{_line(str(value).replace('`', '´'))}`"


def fenced(text: str) -> str:
    """Return lines that cannot end the block of code, nor our part of the card, in which they stand."""
    shown = "".join(letter for letter in text if letter.isprintable() or letter == "\n")
    return shown.replace("```", "'''").replace("<!--", "<! --")


def _line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _text(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_text, value))
        case dict():
            return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    return str(value)


def publishable(value: Any) -> Any:
    """Return plain data without what is private: addresses lose their secrets, absolute paths their folders."""
    if isinstance(value, list):
        return [publishable(item) for item in value]
    if isinstance(value, dict):
        return {name: publishable(item) for name, item in value.items()}
    return without_secrets(without_folders(value)) if isinstance(value, str) else value


def without_folders(text: str) -> str:
    r"""Return the last part of an absolute path, of this system or another; any other text as it is.

    Example:
        >>> without_folders("/home/ada/a.tif"), without_folders(r"C:\\ada\\a.tif"), without_folders("a/b.tif")
        ('a.tif', 'a.tif', 'a/b.tif')
    """
    absolute = [path for kind in (PurePosixPath, PureWindowsPath) if (path := kind(text)).is_absolute()]
    return absolute[0].name if absolute else text
