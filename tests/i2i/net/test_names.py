"""A name is taken only if it leads to one place below a folder, on every system."""

from pathlib import PureWindowsPath

import pytest
from hostile_files import ESCAPES, assert_below, hostile_names
from hypothesis import given
from hypothesis import strategies as st

from i2i.net.names import Names, safe_parts


def test_what_is_accepted_stays_below_the_folder_for_pathlib_on_both_systems() -> None:
    accepted = 0
    for name in hostile_names(20_000):
        if (parts := safe_parts(name)) is not None:
            assert_below(name, parts)
            accepted += 1
    assert 1000 < accepted < 10_000


@pytest.mark.parametrize("name", [*ESCAPES, "", ".", "./"])
def test_a_name_that_leads_elsewhere_or_nowhere_is_not_taken(name: str) -> None:
    with pytest.raises(ValueError, match="something else than a file below a folder"):
        Names().take(name)


@given(st.lists(st.from_regex(r"[a-zA-Z0-9_ü-]{1,8}(\.png)?", fullmatch=True), min_size=1, max_size=4))
def test_ordinary_names_are_accepted(parts: list[str]) -> None:
    if not any(PureWindowsPath(part).is_reserved() for part in parts):
        assert safe_parts("/".join(parts)) == tuple(parts)
