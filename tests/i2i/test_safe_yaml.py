import math

import pytest
from hostile_documents import DOCUMENTS
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
        ("010", "010"),  # neither eight nor ten for sure
        ("0x1F", "0x1F"),
        ("1" * 5000, "1" * 5000),
        ("true", True),
        ("~", None),
        ("-.inf", -math.inf),
    ],
)
def test_scalars_read_as_people_mean_them(text: str, value: object) -> None:
    assert safe_yaml.load(text, "test") == value


def test_there_are_enough_hostile_documents() -> None:
    assert len(DOCUMENTS) >= 30


@pytest.mark.parametrize("name", DOCUMENTS)
def test_hostile_document_is_refused_with_its_line(name: str) -> None:
    text, complaint = DOCUMENTS[name]
    with pytest.raises(UsageError) as refused:
        safe_yaml.load(text, "test.yaml")
    assert str(refused.value).startswith(f"test.yaml{' ' if name == 'too long' else ', '}{complaint}")
    assert "\n" not in str(refused.value)
