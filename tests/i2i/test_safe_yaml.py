import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2i import safe_yaml
from i2i.errors import UsageError

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8"))
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcno1.", min_size=1), inner, max_size=3),
)


@given(DATA)
def test_what_is_written_reads_back_equal(data: object) -> None:
    again = safe_yaml.load(safe_yaml.dump(data), "test")
    assert again == data
    assert repr(again) == repr(data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-4", 2e-4),
        ("1e5", 1e5),
        ("no", "no"),
        ("1:30", "1:30"),
        ("010", 10),
        ("true", True),
        ("~", None),
        ("-.inf", -math.inf),
    ],
)
def test_scalars_read_as_people_mean_them(text: str, value: object) -> None:
    assert safe_yaml.load(text, "test") == value


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\na: 2", "'a' is given twice"),
        ("a: &x [1]\nb: *x", "anchors and aliases"),
        ("a: !!python/object/apply:os.system [ls]", "tags are not allowed"),
        ("a: !!binary aGk=", "tags are not allowed"),
        ("a: [1", "line 1"),
        ("[" * 100 + "]" * 100, "nested deeper"),
        ("{[1]: 2}", "a key is a single word"),
        ("1" * 5000, "more than 100 digits"),
        ("x" * 1_000_001, "at most 1000000"),
    ],
)
def test_hostile_documents_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        safe_yaml.load(text, "test.yaml")
