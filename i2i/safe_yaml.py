"""Loads YAML as people mean it: ``2e-4`` is a number, ``no`` a word (YAML 1.2); no tags, anchors or repeated keys."""

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.reader import ReaderError

from i2i.errors import UsageError

MAX_BYTES = 1_000_000
MAX_DEPTH = 50


class _Loader(yaml.SafeLoader):
    """SafeLoader with the core schema of YAML 1.2, less what a configuration never needs."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as the base class declares it
    depth = 0

    def fetch_flow_collection_start(self, token: Any) -> None:
        # the scanner looks a thousand brackets ahead, in a time that is quadratic in them
        if self.flow_level >= MAX_DEPTH:
            mark = self.get_mark()
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH}", problem_mark=mark)
        super().fetch_flow_collection_start(token)

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self.depth += 1
        problem = f"nested deeper than {MAX_DEPTH}" if self.depth > MAX_DEPTH else ""
        if getattr(event, "anchor", None) is not None:  # an alias has one too
            problem = "anchors and aliases are not allowed"
        elif getattr(event, "tag", None) is not None:
            problem = "tags are not allowed"
        if problem:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is a single word", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} is given twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]{,98})", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^({_pattern})$"), list(_first))


def load(text: str, where: str) -> Any:
    """Load plain data from YAML text.

    Args:
        text: The document.
        where: Its name in errors.

    Raises:
        UsageError: If it is not safe, plain YAML; the message has the line.
    """
    if len(text) > MAX_BYTES:
        raise UsageError(f"{where} has {len(text)} characters. A configuration has at most {MAX_BYTES}.")
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{where}{line}: {error.problem}.") from None
    except ReaderError as error:
        number = text.count("\n", 0, error.position) + 1
        raise UsageError(f"{where}, line {number}: the character U+{error.character:04X} is not allowed.") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{where}: {' '.join(str(error).split())}.") from None


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes by the same rules as `_Loader` reads."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(data: Any) -> str:
    """Return YAML text that `load` reads back equal; keys keep their order."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120)
