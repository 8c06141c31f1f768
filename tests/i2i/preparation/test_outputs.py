"""Names of outputs are distinct and legal everywhere, and depend on the names of the inputs alone."""

import os
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath
from random import Random

import pytest
from hostile_files import hostile_names
from hypothesis import given
from hypothesis import strategies as st

from i2i.preparation.outputs import composed, output_stems
from i2i.system.files import NOT_IN_NAMES

PARTS = st.text(alphabet="aAéE\u0301e.~ -_x1:\\\n", min_size=1, max_size=6).filter(lambda part: part not in (".", ".."))
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("photo.jpg", "photo"),
        ("cats/tabby 1.jpg", "cats__tabby 1"),
        ("img.v2.png", "img.v2"),
        ("photo.v2", "photo.v2"),
        ("日本 🎨.webp", "日本 🎨"),
        ("-rf.jpg", "-rf"),
        ("photo", "photo"),
        ('a:b"c?.png', "a_b_c_"),
        ("two\nlines.png", "two_lines"),
        (os.fsdecode(b"caf\xe9.png"), "caf_"),
        ("con.png", "con_"),
        ("aux.v1.png", "aux_.v1"),
        ("COM¹ .png", "COM¹_"),
        ("e\u0301.png", "é"),
        ("trailing. .png", "trailing"),
    ],
)
def test_stem_is_the_name_made_legal(name: str, stem: str) -> None:
    assert output_stems([name]) == [stem]


@pytest.mark.parametrize(
    "twins",
    [
        ("a.jpg", "a.png"),
        ("a/1.jpg", "a__1.jpg"),
        ("Photo.jpg", "photo.jpg"),
        ("é.jpg", "e\u0301.jpg"),
        ("a:.jpg", "a?.jpg"),
        ("x" * 240 + "1.jpg", "x" * 240 + "2.jpg"),
    ],
)
def test_twins_get_names_of_their_own(twins: tuple[str, str]) -> None:
    alone = output_stems(["other.jpg", twins[0]])
    together = output_stems([*twins, "other.jpg"])
    assert together[2] == alone[0] == "other"
    assert len({stem.casefold() for stem in together}) == 3
    assert output_stems(["other.jpg", *reversed(twins)]) == ["other", together[1], together[0]]


def test_name_that_looks_like_a_twins_is_distinct_too() -> None:
    hashed = output_stems(["a.jpg", "a.png"])[0]
    assert len(set(output_stems(["a.jpg", "a.png", f"{hashed}.png"]))) == 3


@given(st.lists(NAMES, unique=True, max_size=8))
def test_stems_are_distinct_and_legal_on_every_system(names: list[str]) -> None:
    stems = output_stems(names)
    assert len({unicodedata.normalize("NFC", stem.casefold()) for stem in stems}) == len(names)
    for stem in stems:
        assert not NOT_IN_NAMES.search(stem)
        assert not PureWindowsPath(stem).is_reserved()
        assert stem == stem.strip(" .") != ""
        assert len(stem.encode()) < 250


def test_no_stem_leads_out_of_its_folder_for_pathlib_on_any_system() -> None:
    names = sorted(set(hostile_names(4_000)))
    stems = output_stems(names)
    assert len({stem.casefold() for stem in stems}) == len(names)
    for stem in stems:
        for kind, top in ((PurePosixPath, "/top/out"), (PureWindowsPath, "D:\\top\\out")):
            assert (kind(top) / f"{stem}.png").relative_to(top).parts == (f"{stem}.png",)
        assert not PureWindowsPath(f"{stem}.png").is_reserved()


@given(st.lists(NAMES, unique=True, max_size=6), st.randoms())
def test_stems_do_not_depend_on_the_order(names: list[str], random: Random) -> None:
    stems = dict(zip(names, output_stems(names), strict=True))
    random.shuffle(names)
    assert dict(zip(names, output_stems(names), strict=True)) == stems


def test_suffix_is_the_last_part_and_hidden_files_have_none() -> None:
    assert composed("a.b/c.d.png") == "a.b/c.d"
    assert composed("a.b/c") == "a.b/c"
    assert composed(".png") == ".png"
