"""Nothing is written outside the folder, whatever an archive holds; damage is an error and never a short file."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path, PureWindowsPath

import pytest
from hostile_files import ESCAPES, assert_below, hostile_names
from hypothesis import given
from hypothesis import strategies as st

from i2i.errors import OutputError
from i2i.net import ArchiveError, Names, archives, extract
from i2i.net.archives import safe_parts

Pack = Callable[[bytes], bytes]


@pytest.fixture(params=[bytes, gzip.compress], ids=["plain", "gz"])
def pack(request: pytest.FixtureRequest) -> Pack:
    made: Pack = request.param
    return made


def make_tar(path: Path, members: Mapping[str, bytes], pack: Pack = bytes) -> Path:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    path.write_bytes(pack(stream.getvalue()))
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_members_arrive_as_they_are(pack: Pack, tmp_path: Path) -> None:
    members = {"facades/train/1.jpg": b"one", "facades/train/2.jpg": os.urandom(300_000), "./facades/empty": b""}
    extract(make_tar(tmp_path / "archive", members, pack), tmp_path / "out")
    assert tree(tmp_path / "out") == {name.removeprefix("./"): data for name, data in members.items()}


@pytest.mark.parametrize("name", ESCAPES)
def test_a_member_that_some_system_would_write_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "archive", {"good": b"1", name: b"evil"})
    with pytest.raises(ArchiveError, match="Refused"):
        extract(archive, tmp_path / "in" / "out")
    assert tree(tmp_path) == {"archive": archive.read_bytes(), "in/out/good": b"1"}


def test_no_name_makes_a_member_land_elsewhere(tmp_path: Path) -> None:
    written = 0
    (tmp_path / "in").mkdir()
    for name in hostile_names(150):
        archive = make_tar(tmp_path / "archive", {name: b"evil"})
        with suppress(ArchiveError, OutputError):  # a folder may be there under the name of a file
            extract(archive, tmp_path / "in" / "out")
            written += 1
        assert sorted(os.listdir(tmp_path)) == ["archive", "in"]
        assert os.listdir(tmp_path / "in") in ([], ["out"])
    assert written > 10


@pytest.mark.parametrize(
    "pair", [("a.png", "A.png"), ("a", "a/b"), ("a/b", "a"), ("a/b", "A"), ("caf\u00e9", "cafe\u0301"), ("a", "./a")]
)
def test_names_that_are_one_on_some_system_are_refused(pair: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="twice, on some systems"):
        extract(make_tar(tmp_path / "archive", dict.fromkeys(pair, b"1")), tmp_path / "out")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "archive", "w") as tar:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc"
        tar.addfile(info)
        tar.addfile(tarfile.TarInfo("link/evil"))
    with pytest.raises(ArchiveError, match="a link or a device"):
        extract(tmp_path / "archive", tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize("name", ["a", "b/c"])
def test_a_link_that_was_there_before_is_not_followed_out(name: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "outside" / "new")
    (tmp_path / "out" / "b").symlink_to(tmp_path / "outside")
    with pytest.raises(ArchiveError, match="outside the destination"):
        extract(make_tar(tmp_path / "archive", {name: b"new"}), tmp_path / "out")
    assert tree(tmp_path / "outside") == {}


def test_a_bomb_is_refused_before_it_is_written(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "archive", {"bomb": bytes(20 * 2**20)}, gzip.compress)
    assert archive.stat().st_size < 100_000
    with pytest.raises(ArchiveError, match="bomb"):
        extract(archive, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def test_limits_count_bytes_and_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_tar(tmp_path / "archive", {"a": b"123", "b": b"45", "c": b""})
    monkeypatch.setattr(archives, "MAX_BYTES", 5)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    extract(archive, tmp_path / "1")
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    with pytest.raises(ArchiveError, match="holds more than is allowed"):
        extract(archive, tmp_path / "2")
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    monkeypatch.setattr(archives, "MAX_BYTES", 4)
    with pytest.raises(ArchiveError, match="holds more than is allowed"):
        extract(archive, tmp_path / "3")


def test_a_header_of_any_length_is_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 2**30
    (tmp_path / "archive").write_bytes(gzip.compress(info.tobuf() + bytes(10_240)))
    with pytest.raises(ArchiveError, match="a header is too long"):
        extract(tmp_path / "archive", tmp_path / "out")


@pytest.mark.parametrize("share", [0.3, 0.95])
def test_a_cut_archive_and_a_flipped_byte_are_errors(pack: Pack, share: float, tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "archive", {str(number): os.urandom(20_000) for number in range(10)}, pack)
    data = archive.read_bytes()
    at = int(len(data) * share)
    flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    for damaged in [data[:at], *([flipped] if pack is gzip.compress else [])]:
        archive.write_bytes(damaged)
        with pytest.raises(ArchiveError, match="damaged"):
            extract(archive, tmp_path / "out")


def test_a_tar_that_was_cut_between_two_members_is_an_error(pack: Pack, tmp_path: Path) -> None:
    whole = make_tar(tmp_path / "whole.tar", {"1.png": b"1" * 100, "2.png": b"2" * 512}).read_bytes()
    for members in (1, 2):
        (tmp_path / "cut.tar").write_bytes(pack(whole[: 1024 * members]))
        with pytest.raises(ArchiveError, match="it is cut off"):
            extract(tmp_path / "cut.tar", tmp_path / "out")
    (tmp_path / "ends.tar").write_bytes(pack(whole[: 1024 * 2 + 512]))
    extract(tmp_path / "ends.tar", tmp_path / "out")


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", b"PK\x05\x06", b"\x1f\x8b", bytes(100)])
def test_what_is_no_archive_is_an_error(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(data)
    with pytest.raises(ArchiveError, match="damaged, or no tar archive"):
        extract(tmp_path / "archive", tmp_path / "out")


def test_what_is_accepted_stays_below_the_folder_for_pathlib_on_both_systems() -> None:
    accepted = 0
    for name in hostile_names(2_000):
        if (parts := safe_parts(name)) is not None:
            assert_below(name, parts)
            accepted += 1
    assert 100 < accepted < 1_000


@pytest.mark.parametrize("name", [*ESCAPES, "", ".", "./"])
def test_a_name_that_leads_elsewhere_or_nowhere_is_not_taken(name: str) -> None:
    with pytest.raises(ValueError, match="something else than a file below a folder"):
        Names().take(name)


@given(st.lists(st.text("abnuxCONZ019_ü-", min_size=1, max_size=8), min_size=1, max_size=4))
def test_ordinary_names_are_accepted(parts: list[str]) -> None:
    if not any(PureWindowsPath(part).is_reserved() for part in parts):
        assert safe_parts("/".join(parts)) == tuple(parts)
