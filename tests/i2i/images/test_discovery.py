"""Which files are found, in which order, and what is said about the others."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i2i.errors import MissingInputError
from i2i.images import ImageError, discover, printable, read


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def names(root: Path, *more: Path, **options: Any) -> list[str]:
    return discover([root, *more], **options).names


def test_names_are_sorted_whatever_the_depth(tmp_path: Path) -> None:
    wanted = ["B.PNG", "a/1.jpg", "a/10.jpg", "a/2.webp", "a/b/c/deep.tif", "b.npy", "é.jpeg"]
    assert names(tree(tmp_path, *reversed(wanted))) == wanted


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("._x.jpg", "junk"),
        (".DS_Store", "junk"),
        ("Thumbs.db", "junk"),
        ("desktop.ini", "junk"),
        (".hidden.png", "junk"),
        ("clip.MP4", ".mp4"),
        ("raw.cr2", ".cr2"),
        ("drawing.svg", ".svg"),
        ("paper.pdf", ".pdf"),
        ("layers.psd", ".psd"),
        ("photos.zip", ".zip"),
        ("photo.jpg.xmp", ".xmp"),
        ("README", "no suffix"),
    ],
)
def test_what_is_no_image_is_skipped_and_counted(name: str, reason: str, tmp_path: Path) -> None:
    tree(tmp_path, "in/photo.jpg", f"in/deep/{name}")
    found = discover([tmp_path / "in"])
    assert [file.name for file in found.files] == ["photo.jpg"]
    assert Counter(found.skipped) == {(f"deep/{name}", reason): 1}


@pytest.mark.parametrize("folder", ["__MACOSX", "@eaDir", ".thumbnails", ".git", "$RECYCLE.BIN"])
def test_junk_folders_are_not_entered(folder: str, tmp_path: Path) -> None:
    found = discover([tree(tmp_path, "photo.jpg", f"{folder}/photo.jpg", f"{folder}/deeper/photo.jpg")])
    assert len(found.files) == 1
    assert found.skipped == [(folder, "junk")]


def test_folder_with_the_name_of_an_image_is_entered(tmp_path: Path) -> None:
    assert names(tree(tmp_path, "x.jpg/1.png")) == ["x.jpg/1.png"]


def test_what_was_named_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    tree(tmp_path, ".secret/photo.jpg", "photo")
    assert names(tmp_path / ".secret", tmp_path / "photo") == [".secret/photo.jpg", "photo"]


def test_several_sources_are_named_from_their_common_parent(tmp_path: Path) -> None:
    tree(tmp_path, "a/in/1.jpg", "b/in/1.jpg", "b/in/2.jpg")
    assert names(tmp_path / "a/in", tmp_path / "b/in") == ["a/in/1.jpg", "b/in/1.jpg", "b/in/2.jpg"]
    assert names(tmp_path / "b/in/2.jpg", tmp_path / "b/in/1.jpg") == ["1.jpg", "2.jpg"]


def test_what_is_reached_twice_is_found_once(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "a/b/2.jpg")
    assert names(tmp_path / "a", tmp_path / "a/b", tmp_path / "a/1.jpg") == ["1.jpg", "b/2.jpg"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    tree(tmp_path, "in/real/1.jpg", "elsewhere/2.jpg")
    (tmp_path / "in/real/loop").symlink_to("..")
    (tmp_path / "in/a-link").symlink_to("real")
    (tmp_path / "in/elsewhere").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/3.jpg").symlink_to("real/1.jpg")
    assert names(tmp_path / "in") == ["3.jpg", "elsewhere/2.jpg", "real/1.jpg"]


def test_what_cannot_be_opened_is_left_for_reading_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "dangling.jpg").symlink_to("gone")
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe")
    found = discover([tmp_path])
    assert [file.name for file in found.files] == ["dangling.jpg", "pipe.jpg", "self.jpg"]
    assert found.skipped == [("pipe", "no suffix")]
    for file in found.files:
        with pytest.raises(ImageError):
            read(file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open any folder")
def test_locked_folder_is_not_lost(tmp_path: Path) -> None:
    tree(tmp_path, "locked/1.jpg")
    (tmp_path / "locked").chmod(0)
    found = discover([tmp_path])
    (tmp_path / "locked").chmod(0o700)
    assert [file.name for file in found.files] == ["locked"]


def test_output_inside_the_source_is_not_entered(tmp_path: Path) -> None:
    tree(tmp_path, "1.jpg", "out/train/2.jpg")
    assert names(tmp_path, exclude=tmp_path / "out") == ["1.jpg"]
    (tmp_path / "link").symlink_to("out")
    assert names(tmp_path, exclude=tmp_path / "out") == ["1.jpg"]
    assert names(tmp_path, exclude=tmp_path / "not-there-yet") == ["1.jpg", "out/train/2.jpg"]


def test_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="nowhere"):
        discover([tmp_path / "nowhere"])


def test_names_that_are_not_utf8_are_found_and_printable(tmp_path: Path) -> None:
    tree(tmp_path, os.fsdecode(b"caf\xe9.jpg"), "café.jpg", "two\nlines.jpg", os.fsdecode(b"clip\xff.m\xffv"))
    found = discover([tmp_path])
    assert [os.fsencode(name) for name in found.names] == [
        "café.jpg".encode(),
        b"caf\xe9.jpg",
        b"two\nlines.jpg",
    ]
    assert printable(os.fsdecode(b"caf\xe9.jpg")) == r"caf\xe9.jpg"
    assert found.skipped[0].reason == r".m\xffv"


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=1) | st.text(alphabet=r"\nx01é", min_size=1).map(os.fsencode), unique=True))
def test_printable_names_are_printable_and_distinct(names: list[bytes]) -> None:
    texts = [printable(os.fsdecode(name)) for name in names]
    assert all(text.isprintable() for text in texts)
    assert len(set(texts)) == len(names)
