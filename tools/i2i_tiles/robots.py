"""What robots.txt allows (RFC 9309): the standard library's parser knows no wildcards and no longest match."""

import re
from collections.abc import Iterator
from typing import NamedTuple, Self

from i2i.net.urls import encoded, parse

_SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)


class Rule(NamedTuple):
    """One line ``Allow`` or ``Disallow``."""

    allows: bool
    path: str
    """Percent-encoded; ``*`` stands for anything, and ``$`` at the end for the end (section 2.2.3)."""

    def matches(self, target: str) -> bool:
        """Whether the rule is about a path and query."""
        first, *others = self.path.removesuffix("$").split("*")
        ends = self.path.endswith("$")
        if not others:
            return target == first if ends else target.startswith(first)
        if not target.startswith(first):
            return False
        place = len(first)
        for part in others[:-1] if ends else others:
            if (found := target.find(part, place)) < 0:
                return False
            place = found + len(part)
        return not ends or target.endswith(others[-1], place)


class Robots(NamedTuple):
    """What a server wants of one program."""

    rules: tuple[Rule, ...] = ()
    delay: float = 0.0
    """Seconds between two requests: ``Crawl-delay``, which is in no standard but in many files."""

    @classmethod
    def parse(cls, text: str, agent: str) -> Self:
        """The groups for a program; those for ``*`` where none names it (section 2.2.1).

        Args:
            text: Content of robots.txt.
            agent: What the program is called there, lower case.
        """
        groups: dict[str, list[tuple[str, str]]] = {}
        names: list[str] = []
        heads = False
        for field, value in _fields(text):
            if field == "user-agent":
                names = [*names, value.lower()] if heads else [value.lower()]
                groups.setdefault(names[-1], [])
            else:
                for name in names:
                    groups[name].append((field, value))
            heads = field == "user-agent"
        lines = groups.get(agent, groups.get("*", []))
        rules = (Rule(field == "allow", encoded(value)) for field, value in lines if field != "crawl-delay" and value)
        delays = (float(value) for field, value in lines if field == "crawl-delay" and _SECONDS.fullmatch(value))
        return cls(tuple(rules), max(delays, default=0.0))

    def allow(self, url: str) -> bool:
        """Whether a URL may be asked: the longest rule about it says so, of two as long the one that allows."""
        target = parse(url).target
        said = max(((len(rule.path), rule.allows) for rule in self.rules if rule.matches(target)), default=(0, True))
        return said[1]


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Name and value of each line that is of use here."""
    for line in text.removeprefix("\ufeff").splitlines():
        name, _, value = line.partition("#")[0].partition(":")
        if (field := name.strip().lower()) in ("user-agent", "allow", "disallow", "crawl-delay"):
            yield field, value.strip()
