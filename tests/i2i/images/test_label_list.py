"""Lists of labels: every format says the same, and what is ambiguous is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from i2i import safe_yaml
from i2i.errors import DataError, MissingInputError, UsageError
from i2i.images.label_list import MAX_BYTES, Label, read_labels

STREET = [
    Label(0, "unlabelled", (0, 0, 0)),
    Label(7, "road", (128, 64, 128)),
    Label(255, "traffic sign", (220, 220, 0)),
]
OBJECTS = [{"id": 7, "name": "road", "colour": "#804080"}, {"id": 0, "name": "unlabelled", "color": [0, 0, 0]}]
OBJECTS += [{"id": 255, "name": "traffic sign", "colour": "220, 220, 0"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.json", json.dumps(OBJECTS)),
        ("labels.JSON", json.dumps({"labels": OBJECTS, "by": "someone"})),
        ("labels.yaml", safe_yaml.dump(OBJECTS)),
        ("labels.yml", safe_yaml.dump({"labels": OBJECTS})),
        ("labels.csv", "id,name,colour\n7,road,#804080\n0,unlabelled,0 0 0\n255,traffic sign,#dcdc00\n"),
        (
            "labels.csv",
            "Name, ID, Red, Green, Blue\r\nroad,7,128,64,128\r\nunlabelled,0,0,0,0\r\ntraffic sign,255,220,220,0",
        ),
        ("labels.txt", "7 road 128 64 128\n0, unlabelled, 0, 0, 0\n255 traffic sign 220,220,0\n"),
        ("labels.txt", "\ufeff# the street\n7 road #804080\n0: unlabelled #000000\n\n255\ttraffic sign\t#DCDC00\n"),
    ],
)
def test_every_format_says_the_same(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert read_labels(tmp_path / name) == STREET


def test_names_alone_are_numbered_from_zero(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("background\n# not a label\ntraffic sign\n3d printer\n")
    assert read_labels(tmp_path / "names.txt") == [
        Label(0, "background"),
        Label(1, "traffic sign"),
        Label(2, "3d printer"),
    ]


def test_a_label_without_a_name_is_called_by_its_id(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("4\n12\n")
    (tmp_path / "ids.csv").write_text("id\n4\n12\n")
    assert read_labels(tmp_path / "ids.txt") == read_labels(tmp_path / "ids.csv") == [Label(4, "4"), Label(12, "12")]


def test_three_numbers_are_the_colour_and_fewer_belong_to_the_name(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("45, 64, 89\n0, 128, 0\n")
    assert read_labels(file) == [Label(0, "0", (45, 64, 89)), Label(1, "1", (0, 128, 0))]
    file.write_text("3 45 64 89\n9 0 128 0\n")
    assert read_labels(file) == [Label(3, "3", (45, 64, 89)), Label(9, "9", (0, 128, 0))]
    file.write_text("sky 45 64 89\nroute 66\nmile 5 6 #010203\n")
    assert read_labels(file) == [Label(0, "sky", (45, 64, 89)), Label(1, "route 66"), Label(2, "mile 5 6", (1, 2, 3))]


LABELS = st.lists(
    st.tuples(
        st.integers(0, 65535),
        st.from_regex(r"[a-z][a-z ]{0,8}[a-z]", fullmatch=True),
        st.tuples(*[st.integers(0, 255)] * 3),
    ),
    min_size=1,
    max_size=8,
    unique_by=(lambda label: label[0], lambda label: label[1], lambda label: label[2]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(labels=LABELS)
def test_what_is_written_is_read(tmp_path: Path, labels: list[tuple[int, str, tuple[int, int, int]]]) -> None:
    expected = sorted(Label(*label) for label in labels)
    rows = [(number, name, "#" + bytes(colour).hex()) for number, name, colour in labels]
    (tmp_path / "l.txt").write_text("\n".join(" ".join(map(str, row)) for row in rows))
    (tmp_path / "l.csv").write_text("id,name,colour\n" + "\n".join(",".join(map(str, row)) for row in rows))
    (tmp_path / "l.json").write_text(
        json.dumps([dict(zip(("id", "name", "colour"), row, strict=True)) for row in rows])
    )
    assert (
        read_labels(tmp_path / "l.txt")
        == read_labels(tmp_path / "l.csv")
        == read_labels(tmp_path / "l.json")
        == expected
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("l.json", "[{", "is no JSON"),
        ("l.json", "[" * 200_000, "is no JSON (nested deeper than 50)"),
        ("l.json", '[{"id": 1, "id": 2}]', "is no JSON ('id' is given twice)"),
        ("l.json", "{}", "is no list of labels"),
        ("l.json", "[]", "holds no label"),
        ("l.txt", "# nothing\n", "holds no label"),
        ("l.json", "[[1, 2]]", "label 1 has no id"),
        ("l.json", '[{"id": 65536}]', "has the id 65536"),
        ("l.json", '[{"id": -1}]', "has the id -1"),
        ("l.json", '[{"id": true}]', "has the id True"),
        ("l.json", '[{"id": 1, "colour": "red"}]', "has the colour 'red'"),
        ("l.json", '[{"id": 1, "colour": [0, 0, 256]}]', "has the colour [0, 0, 256]"),
        ("l.csv", "name,color\na,#000000\n", "has no column 'id'"),
        ("l.csv", "id,name\n1,a,b\n", "line 2 has more values"),
        ("l.csv", "id,red,green,blue\n1,2,3,\n", "has the colour '2 3 '"),
        ("l.txt", "0 sky\nroad\n", "line 2 has no id"),
        ("l.txt", "0 sky\n3 4\n", "line 2 has 2 numbers in a row"),
        ("l.txt", "0 sky 1 45 64 89\n", "line 1 has 4 numbers in a row"),
        ("l.txt", "0 45 64 89 255\n", "line 1 has 5 numbers in a row"),
        ("l.txt", "0 route 300 400 500\n", "has the colour '300 400 500'"),
        ("l.txt", "0 sky\n0 road\n", "'sky' and 'road' share the id 0"),
        ("l.txt", "0 sky\n1 sky\n", "share the name 'sky'"),
        ("l.txt", "0 sky #000000\n1 road #000000\n", "share the colour (0, 0, 0)"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as raised:
        read_labels(tmp_path / name)
    assert said in str(raised.value)
    assert repr(str(tmp_path / name)) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_lists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="There is no"):
        read_labels(tmp_path / "labels.txt")
    with pytest.raises(UsageError, match="by its suffix"):
        read_labels(tmp_path / "labels.png")
    (tmp_path / "latin.txt").write_bytes(b"0 stra\xdfe")
    with pytest.raises(DataError, match="as UTF-8"):
        read_labels(tmp_path / "latin.txt")
    (tmp_path / "long.txt").write_text("a" * (MAX_BYTES + 1))
    with pytest.raises(DataError, match="larger than"):
        read_labels(tmp_path / "long.txt")
