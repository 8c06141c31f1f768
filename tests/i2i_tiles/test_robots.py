"""The rules of RFC 9309, by its own examples and words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2i_tiles.robots import Robots, Rule

SITE = "https://tiles.example.org"

# section 5.1 of the RFC
SIMPLE = """
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("agent", "path", "allowed"),
    [
        ("i2i", "/", True),
        ("i2i", "/a/b.gif", False),
        ("i2i", "/a/b.gif?c", True),
        ("i2i", "/example/page.html", False),
        ("foobot", "/", False),
        ("foobot", "/example/page.html", True),
        ("foobot", "/publications/", False),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/a/b.gif", True),
        ("quxbot", "/example/page.html", True),
    ],
)
def test_the_example_of_the_standard_is_understood(agent: str, path: str, allowed: bool) -> None:
    assert Robots.parse(SIMPLE, agent).allow(SITE + path) is allowed


@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        ("Allow: /\nDisallow: /3/", False),  # the longest decides, not the first
        ("Disallow: /\nAllow: /3/", True),
        ("Disallow: /*.png$", False),
        ("Disallow: /*/7/", True),
        ("Disallow: /3/*/2", False),
        ("Allow: /3/1/2.png\nDisallow: /3/1/2.png", True),  # of two as long, the one that allows
        ("Disallow: /3/1/2.png$", False),
        ("Disallow: /3/1/2.pn$", True),
        ("Disallow: /3/1/2%2Epng", True),  # reserved or not, what is encoded is compared as it was sent
        ("Disallow:", True),
        ("disallow : /3 # all of it", False),
        ("Noindex: /3", True),
        ("", True),
    ],
)
def test_a_rule_is_about_what_it_says(lines: str, allowed: bool) -> None:
    assert Robots.parse(f"\ufeffuser-agent: *\r\n{lines}", "i2i").allow(f"{SITE}/3/1/2.png") is allowed


def test_groups_of_one_name_are_one_and_other_names_that_hold_ours_are_not_ours() -> None:
    text = (
        "User-agent: i2i\nDisallow: /a\nSitemap: /s\nUser-agent: i2i-evil\nDisallow: /\nUser-agent: I2I\nDisallow: /b\n"
    )
    robots = Robots.parse(text, "i2i")
    assert [robots.allow(SITE + path) for path in ("/a", "/b", "/c")] == [False, False, True]


@pytest.mark.parametrize(("value", "delay"), [("5", 5.0), ("0.5", 0.5), ("soon", 0.0), ("-1", 0.0), ("1e9", 0.0)])
def test_a_delay_is_a_number_of_seconds(value: str, delay: float) -> None:
    assert Robots.parse(f"User-agent: *\nCrawl-delay: {value}\nDisallow:", "i2i").delay == delay


paths = st.text("ab/*", max_size=8).map("/".__add__)


@given(path=paths, ends=st.booleans(), target=st.text("ab/", max_size=8).map("/".__add__))
def test_a_star_is_anything_as_in_a_regular_expression(path: str, ends: bool, target: str) -> None:
    pattern = ".*".join(map(re.escape, path.split("*")))
    expected = re.fullmatch(pattern if ends else f"{pattern}.*", target) is not None
    assert Rule(False, path + "$" * ends).matches(target) is expected
