"""Nothing is written outside the folder, whatever an archive holds; damage is an error and never a short file."""

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hostile_files import ESCAPES, hostile_names

from i2i.errors import OutputError
from i2i.net import ArchiveError, extract
from i2i.net.archives import Limits

Make = Callable[[Path, Mapping[str, bytes]], Path]


def make_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, data in members.items():
            whole.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return path


def make_tar(path: Path, members: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def compressed(by: Callable[[bytes], bytes]) -> Make:
    def make(path: Path, members: Mapping[str, bytes]) -> Path:
        path.write_bytes(by(make_tar(path, members).read_bytes()))
        return path

    return make


KINDS: dict[str, Make] = {
    "zip": make_zip,
    "tar": make_tar,
    "gz": compressed(gzip.compress),
    "bz2": compressed(bz2.compress),
    "xz": compressed(lzma.compress),
}


@pytest.fixture(params=list(KINDS))
def make(request: pytest.FixtureRequest) -> Make:
    return KINDS[request.param]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_members_arrive_as_they_are(make: Make, tmp_path: Path) -> None:
    members = {"facades/train/1.jpg": b"one", "facades/train/2.jpg": os.urandom(3_000_000), "./facades/empty": b""}
    archive = make(tmp_path / "archive", members)
    files = extract(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {name.removeprefix("./"): data for name, data in members.items()}
    assert [str(file.relative_to(tmp_path / "out")) for file in files] == [n.removeprefix("./") for n in members]


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_that_some_system_would_write_elsewhere_is_refused(kind: str, name: str, tmp_path: Path) -> None:
    archive = KINDS[kind](tmp_path / "archive", {"good": b"1", name: b"evil"})
    with pytest.raises(ArchiveError, match="Refused"):
        extract(archive, tmp_path / "in" / "out")
    assert tree(tmp_path) == {"archive": archive.read_bytes(), "in/out/good": b"1"}


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_no_name_makes_a_member_land_elsewhere(kind: str, tmp_path: Path) -> None:
    written = 0
    (tmp_path / "in").mkdir()
    for name in hostile_names(500):
        with suppress(UnicodeEncodeError):  # zip holds no bytes that are not UTF-8
            archive = KINDS[kind](tmp_path / "archive", {name: b"evil"})
            with suppress(ArchiveError, OutputError):  # a folder may be there under the name of a file
                extract(archive, tmp_path / "in" / "out")
                written += 1
            assert sorted(os.listdir(tmp_path)) == ["archive", "in"]
            assert os.listdir(tmp_path / "in") in ([], ["out"])
    assert written > 30


@pytest.mark.parametrize(
    "pair", [("a.png", "A.png"), ("a", "a/b"), ("a/b", "a"), ("a/b", "A"), ("caf\u00e9", "cafe\u0301"), ("a", "./a")]
)
def test_names_that_are_one_on_some_system_are_refused(pair: tuple[str, str], make: Make, tmp_path: Path) -> None:
    archive = make(tmp_path / "archive", dict.fromkeys(pair, b"1"))
    with pytest.raises(ArchiveError, match="twice, on some systems"):
        extract(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_of_tar_are_refused(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "archive", "w") as tar:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc"
        tar.addfile(info)
        info = tarfile.TarInfo("link/evil")
        tar.addfile(info)
    with pytest.raises(ArchiveError, match="a link or a device"):
        extract(tmp_path / "archive", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_links_of_zip_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive", "w") as whole:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        whole.writestr(info, "/etc")
    with pytest.raises(ArchiveError, match="a link or an encrypted file"):
        extract(tmp_path / "archive", tmp_path / "out")


def test_a_link_that_was_there_before_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "outside").write_bytes(b"precious")
    (tmp_path / "out" / "a").symlink_to(tmp_path / "outside")
    extract(make_tar(tmp_path / "archive", {"a": b"new"}), tmp_path / "out")
    assert (tmp_path / "outside").read_bytes() == b"precious"
    assert (tmp_path / "out" / "a").read_bytes() == b"new"


def test_a_folder_that_is_a_link_to_elsewhere_is_refused(make: Make, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "outside")
    with pytest.raises(ArchiveError, match="is a link out of"):
        extract(make(tmp_path / "archive", {"a/b": b"new"}), tmp_path / "out")
    assert tree(tmp_path / "outside") == {}


@pytest.mark.parametrize("kind", ["zip", "gz", "xz"])
def test_a_bomb_is_refused_before_it_is_written(kind: str, tmp_path: Path) -> None:
    archive = KINDS[kind](tmp_path / "archive", {"bomb": bytes(40 * 2**20)})
    assert archive.stat().st_size < 100_000
    with pytest.raises(ArchiveError, match="bomb"):
        extract(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_limits_count_bytes_and_members(make: Make, tmp_path: Path) -> None:
    archive = make(tmp_path / "archive", {"a": b"123", "b": b"45", "c": b""})
    assert len(extract(archive, tmp_path / "1", limits=Limits(bytes=5, members=3))) == 3
    with pytest.raises(ArchiveError, match="holds more than is allowed"):
        extract(archive, tmp_path / "2", limits=Limits(bytes=4))
    with pytest.raises(ArchiveError, match="more than the 2 files"):
        extract(archive, tmp_path / "3", limits=Limits(members=2))


def test_a_header_of_any_length_is_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 2**30
    (tmp_path / "archive").write_bytes(gzip.compress(info.tobuf() + bytes(10_240)))
    with pytest.raises(ArchiveError, match="a header is too long"):
        extract(tmp_path / "archive", tmp_path / "out")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_archive_is_an_error(make: Make, share: float, tmp_path: Path) -> None:
    archive = make(tmp_path / "archive", {str(number): os.urandom(20_000) for number in range(10)})
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ArchiveError, match=r"damaged|less than"):
        extract(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", ["zip", "gz", "bz2", "xz"])
def test_a_flipped_byte_is_an_error(kind: str, tmp_path: Path) -> None:
    archive = KINDS[kind](tmp_path / "archive", {"a": os.urandom(50_000)})
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match="damaged"):
        extract(archive, tmp_path / "out")


def test_a_zip_that_lies_about_a_size_is_an_error(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "archive", {"a": bytes(1000)})
    data = archive.read_bytes()
    archive.write_bytes(data.replace(struct.pack("<I", 1000), struct.pack("<I", 10)))
    with pytest.raises(ArchiveError, match="damaged"):
        extract(archive, tmp_path / "out")


def test_a_zip_that_is_packed_in_an_unknown_way_is_named_as_such(tmp_path: Path) -> None:
    data = make_zip(tmp_path / "archive", {"a": bytes(1000)}).read_bytes()
    deflated, deflate64 = struct.pack("<H", 8), struct.pack("<H", 9)
    newer = data.replace(b"PK\x01\x02\x14\x03\x14\x00", b"PK\x01\x02\x14\x03\x63\x00")
    for other in (data.replace(deflated, deflate64), newer):
        assert other != data
        (tmp_path / "archive").write_bytes(other)
        with pytest.raises(ArchiveError, match="packed in a way that is not known here") as raised:
            extract(tmp_path / "archive", tmp_path / "out")
        assert "again" not in str(raised.value)  # to fetch it again would bring the same


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", b"PK\x05\x06", b"\x1f\x8b", bytes(100)])
def test_what_is_no_archive_is_an_error(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(data)
    with pytest.raises(ArchiveError, match="damaged, or no archive"):
        extract(tmp_path / "archive", tmp_path / "out")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_a_tar_that_was_cut_between_two_members_is_an_error(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    whole = make_tar(tmp_path / "whole.tar", {"1.png": b"1" * 100, "2.png": b"2" * 512}).read_bytes()
    for members in (1, 2):
        (tmp_path / "cut.tar").write_bytes(pack(whole[: 1024 * members]))
        with pytest.raises(ArchiveError, match="it is cut off"):
            extract(tmp_path / "cut.tar", tmp_path / "out")
    (tmp_path / "ends.tar").write_bytes(pack(whole[: 1024 * 2 + 512]))
    assert len(extract(tmp_path / "ends.tar", tmp_path / "out")) == 2
