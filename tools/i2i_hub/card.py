"""Build and merge cards, the pages of repositories. A marked block and some keys are ours, the rest its owner's.

`huggingface_hub.ModelCard` reads YAML 1.1, by which a person's ``language: no`` would come back as ``false``, and its
``metadata_update`` is a commit of its own; so cards are read and merged here.
"""

import logging
import re
import shutil
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from huggingface_hub.constants import REPOCARD_NAME
from huggingface_hub.repocard import REGEX_YAML_BLOCK
from jinja2 import Environment, StrictUndefined

from i2i import __version__, images, safe_yaml
from i2i.errors import DataError, I2iError, UsageError, suggest
from i2i.pairs import Pixels
from i2i.places import without_secrets
from i2i.system.files import make_folder

NOTES = logging.getLogger("i2i.hub")
"""What the user should know of a publication, before anything is sent."""

README = REPOCARD_NAME
"""The file that the Hub shows as the card."""

SAMPLES, DATA = "samples", "data"
"""Folders of a repository: pictures for its card, and the Parquet files of a dataset."""

MAX_SAMPLES = 4

LICENCES = frozenset(safe_yaml.load((files("i2i_hub") / "licences.yaml").read_text("utf-8"), "licences.yaml"))
"""Those that the Hub is known to have."""

BEGIN = "<!-- i2i: from here to the end mark, the next push writes anew -->"
END = "<!-- i2i: end -->"
BLOCK = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)

OURS = frozenset({"library_name", "pipeline_tag", "model-index", "widget"})
"""Keys that describe the files beside the card, so that an old value would be wrong."""

FOUND = frozenset({"dataset_info", "configs"})
"""Keys about Parquet files, which name and describe themselves; those of other files would be wrong."""


class Card(NamedTuple):
    """A card in its two parts."""

    keys: Mapping[str, Any]
    """Front matter: what the Hub searches and shows."""
    body: str

    @property
    def licence(self) -> str:
        """Return the licence.

        Raises:
            UsageError: If there is none.
        """
        if licence := self.keys.get("license"):
            return str(licence)
        raise UsageError(
            "No licence is given, so nobody may use it. Give one as the Hub spells it, such as --licence apache-2.0, "
            "cc-by-4.0, cc-by-nc-4.0, or other."
        )

    def __str__(self) -> str:
        return f"---\n{safe_yaml.dump(dict(self.keys))}---\n\n{self.body.strip()}\n"


def check_licence(licence: str | None) -> None:
    """Refuse a licence that is not listed here, where the Hub itself is not asked.

    Raises:
        UsageError: If it is none of them.
    """
    if licence and licence not in LICENCES:
        raise UsageError(
            f"{licence!r} is no licence that the Hub is known to have.{nearest_licence(licence)} A dry run cannot ask "
            "it; a push does."
        )


def nearest_licence(licence: str) -> str:
    """Return the licence that was perhaps meant, in a sentence; nothing where this one is right, or none is near."""
    return "" if licence in LICENCES else suggest("-".join(licence.lower().split()), sorted(LICENCES))


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
    stale = FOUND | OURS - ours.keys.keys() if marked else FOUND
    keys = {key: value for key, value in theirs.keys.items() if key not in stale}
    for key, value in ours.keys.items():
        before = keys.get(key)
        if key in OURS or key in said or before is None:
            keys[key] = value
        elif isinstance(value, list) and isinstance(before, list):
            keys[key] = before + [item for item in value if item not in before]
    body = BLOCK.sub(lambda _: ours.body, theirs.body, count=1) if marked else theirs.body
    return Card(keys, body if body.strip() else ours.body)


def write_samples(folder: Path, samples: Iterable[Mapping[str, Pixels]]) -> list[str]:
    """Write pictures of some pairs into ``samples/``; none, and a note, where a pair cannot be shown.

    Args:
        folder: What will be published.
        samples: The pictures of each pair, by name.

    Returns:
        Names of files, up to the name of a picture: ``samples/1`` and so on.
    """
    names = []
    try:
        for number, pictures in enumerate(samples, start=1):
            make_folder(folder / SAMPLES)
            names.append(f"{SAMPLES}/{number}")
            for name, picture in pictures.items():
                images.write(folder / f"{names[-1]}-{name}.png", images.as_rgb(picture))
    except I2iError as error:  # such as numbers whose range only the user knows
        shutil.rmtree(folder / SAMPLES, ignore_errors=True)
        NOTES.warning("No samples: %s", error)
        return []
    return names


def render_body(template: str, **facts: Any) -> str:
    """Return a body with our marks around it.

    Args:
        template: Name of a template of this package.
        facts: What it is about.
    """
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    environment.filters |= {"plain": plain, "code": code, "fenced": fenced}
    text = environment.from_string((files("i2i_hub") / template).read_text("utf-8")).render(
        version=__version__, **facts
    )
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
    r"""Return plain data without what is private: addresses lose their secrets, absolute paths their folders.

    Example:
        >>> publishable(["/ada/a.tif", "file:///ada/a.tif", r"C:\\ada\\a.tif", "a/b.tif", "s3://me:key@bucket/a"])
        ['a.tif', 'a.tif', 'a.tif', 'a/b.tif', 's3://bucket/a']
    """
    if isinstance(value, list):
        return [publishable(item) for item in value]
    if isinstance(value, dict):
        return {name: publishable(item) for name, item in value.items()}
    if not isinstance(value, str):
        return value
    path = value.removeprefix("file://")
    absolute = [found for kind in (PurePosixPath, PureWindowsPath) if (found := kind(path)).is_absolute()]
    return absolute[0].name if absolute else without_secrets(value)
