"""What may be stored and printed of an address; and which expression makes partners of names."""

import re

import pytest

from i2i.partners import propose
from i2i.places import hide_secrets, without_secrets


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("s3://bucket/photos", "s3://bucket/photos"),
        ("https://ada:pa:ss@host:80/a@b/{z}?key=1&v=2#x", "https://host:80/a@b/{z}"),
        ("https://TOKEN@host", "https://host"),
        ("https://host?TOKEN", "https://host"),
        ("https://host/a#TOKEN?b", "https://host/a"),
        ("photos/ada:pw@home?x=1", "photos/ada:pw@home?x=1"),
    ],
)
def test_user_password_and_query_of_an_address_are_not_shown(place: str, shown: str) -> None:
    assert without_secrets(place) == shown
    assert without_secrets(shown) == shown


def test_what_others_say_about_an_address_is_shown_without_its_secrets() -> None:
    place = "https://ada:sesame@host/a?key=1234567890&v=2"
    said = f"cannot open {place}: user ada:sesame, password sesame, key=1234567890, 1234567890 is no key of host"
    assert not re.search(r"sesame|1234567890", hide_secrets(said, place))
    assert "host/a" in hide_secrets(said, place)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["left_17", "left_18"], ["17-right", "18-right"]),
        (["anna_A", "ben_A"], ["anna_B", "ben_B"]),
        (["anna", "ben"], ["anna_labels", "ben_labels"]),
        (["in anna", "in ben"], ["out-anna", "out-ben"]),
        (["2021/1", "2021/2"], ["2021/1x", "2021/2x"]),
        (["frame10_cam1", "frame11_cam1"], ["10", "11"]),
    ],
)
def test_proposed_expression_makes_partners_of_all(left: list[str], right: list[str]) -> None:
    text = propose([left, right])
    assert text is not None
    keys = [[re.search(text, name)[1] for name in names] for names in (left, right)]  # type: ignore[index]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == len(left)


@pytest.mark.parametrize(
    ("left", "right"), [(["a1", "a2"], ["a2", "a3"]), (["a1"], ["a1", "a2"]), (["anna"], ["ben"]), ([], [])]
)
def test_nothing_is_proposed_where_some_would_stay_without_partner(left: list[str], right: list[str]) -> None:
    assert propose([left, right]) is None
