import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2i import safe_json

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(DATA)
def test_what_json_writes_reads_back_equal(data: object) -> None:
    assert safe_json.load(json.dumps(data)) == data
    assert safe_json.load(json.dumps(data).encode()) == data


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "Expecting value"),
        ("[1] 2", "Extra data"),
        (b'"\xff"', "can't decode byte 0xff"),
        ('{"a": {"b": 1, "b": 2}}', "'b' is given twice"),
        ("[" * 51 + "]" * 51, "nested deeper than 50"),
        ("[" * 200_000, "nested deeper than 50"),
        ('{"a":' * 200_000, "nested deeper than 50"),
        ('["]", ' * 51, "nested deeper than 50"),
        ('["\\"]", ' * 51, "nested deeper than 50"),
        ('["' + '\\"' * 2_000_000 + "[" * 60, "Unterminated string"),
        ("[" * 60 + "\\" + '"[' * 500_000, "nested deeper than 50"),
        ("9" * 10_000, "4300 digits"),
    ],
)
def test_what_is_refused_is_said_in_one_line_and_at_once(text: str | bytes, complaint: str) -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match=complaint) as refused:
        safe_json.load(text)
    assert time.monotonic() - began < 2
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_brackets_that_do_not_nest_are_no_depth() -> None:
    pairs = [[{"place": [number]}] for number in range(1000)]
    assert safe_json.load(json.dumps(pairs)) == pairs
    assert safe_json.load(json.dumps(["[" * 1000, '\\"{' * 1000])) == ["[" * 1000, '\\"{' * 1000]
    assert safe_json.load("[" * 50 + "]" * 50) == json.loads("[" * 50 + "]" * 50)
    assert safe_json.load(b"\xef\xbb\xbf{}") == {}
