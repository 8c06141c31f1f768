"""Cards: what the page of a repository says. Ours is one marked block and some keys; the rest is its owner's."""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined

from i2i.errors import DataError
from i2i.system import safe_yaml

CARD = "README.md"

BEGIN = "<!-- i2i: from here to the end mark, the next push writes anew -->"
END = "<!-- i2i: end -->"

FRONT_MATTER = re.compile(r"\A---\r?\n(.*?)^---\s*?\n", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


class Card(NamedTuple):
    """A card in its two parts."""

    keys: Mapping[str, Any]
    """Front matter: what the Hub searches and shows."""
    body: str

    def __str__(self) -> str:
        return f"---\n{safe_yaml.dump(dict(self.keys))}---\n\n{self.body.strip()}\n"


def parse(data: bytes, where: str) -> Card:
    """A card that somebody wrote.

    Raises:
        DataError: If it is no text, or its front matter is no YAML of keys and values.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise DataError(f"{where} is no UTF-8 text. Mend it on the Hub.") from None
    match = FRONT_MATTER.match(text)
    if match is None:
        return Card({}, text)
    keys = safe_yaml.load(match[1], where)
    if not isinstance(keys, dict | None):
        raise DataError(f"{where}: the front matter is no list of keys and values. Mend it on the Hub.")
    return Card(keys or {}, text[match.end() :])


def render(template: str, **facts: Any) -> str:
    """A body with our marks around it.

    Args:
        template: Name of a template of this package.
        facts: What it is about.
    """
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    environment.filters["cell"] = cell
    text = environment.from_string((files("i2i_hub") / template).read_text("utf-8")).render(**facts)
    text = text.replace("<!--", "&lt;!--")  # a fact that holds a mark would end our block
    return f"{BEGIN}\n\n{text.strip()}\n\n{END}"


def cell(value: object) -> str:
    """Plain data as text that cannot leave its cell of a table, nor become markup."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(_text(value).split()))


def _text(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_text, value))
        case dict():
            return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    return str(value)


def merged(ours: Card, theirs: Card | None, *, said: frozenset[str] = frozenset()) -> Card:
    """Our card with everything of theirs that is not ours to write.

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
    stale = OURS - ours.keys.keys() if BLOCK.search(theirs.body) else frozenset()
    keys = {key: value for key, value in theirs.keys.items() if key not in stale}
    for key, value in ours.keys.items():
        before = keys.get(key)
        if key in OURS or key in said or before is None:
            keys[key] = value
        elif isinstance(value, list) and isinstance(before, list):
            keys[key] = before + [item for item in value if item not in before]
    body = BLOCK.sub(lambda _: ours.body, theirs.body, count=1) if BLOCK.search(theirs.body) else theirs.body
    return Card(keys, body if body.strip() else ours.body)


OURS = frozenset({"library_name", "pipeline_tag", "model-index", "widget", "dataset_info", "configs"})
"""Keys that describe the files beside the card, so that an old value would be wrong."""
