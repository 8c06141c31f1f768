"""A set arrives from the Hub at one revision, each file with the Hub's checksum; the real client asks a stand-in."""

import base64
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from faults import Fault
from hub import Hub
from hub_state import Account
from PIL import Image
from scripted_server import Server, http

from i2i.data.tables.detect import open_table
from i2i.errors import DataError
from i2i_datasets.fetching import HubUnreachableError
from i2i_datasets.getting import Got

Get = Callable[..., Got]


def png(seed: int) -> bytes:
    stream = io.BytesIO()
    Image.frombytes("RGB", (20, 16), hashlib.shake_128(bytes([seed])).digest(960)).save(stream, "PNG")
    return stream.getvalue()


def parquet(rows: int) -> bytes:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = {
        name: pa.array([{"bytes": png(2 * row + offset), "path": None} for row in range(rows)], kind)
        for offset, name in enumerate(("imageA", "imageB"))
    }
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


DATA = parquet(3)
NAME = "data/train-00000-of-00001.parquet"


FILES = {NAME: DATA, "README.md": b"# facades", "evil.py": b"import os"}


@pytest.fixture
def filled(hub: Hub) -> Hub:
    hub.state.put("huggan/facades", FILES, "dataset")
    return hub


def test_the_set_is_read_where_it_is_put_and_the_revision_is_noted(
    filled: Hub, get: Get, notices: list[str], tmp_path: Path
) -> None:
    got = get()
    revision = filled.state.repositories["dataset", "huggan/facades"].revisions["main"]
    assert got.card["origin"] == {"hub": "huggan/facades", "revision": revision}
    assert got.card["sha256"][NAME] == hashlib.sha256(DATA).hexdigest()
    assert (got.splits, notices) == (["train"], [])
    files = {path.relative_to(tmp_path / "set").as_posix() for path in (tmp_path / "set").rglob("*") if path.is_file()}
    assert files == {NAME, "README.md", "dataset.yaml"}
    table = open_table(tmp_path / "set", "train")
    assert [table.encoded(row, column) for row in range(3) for column in ("imageA", "imageB")] == [*map(png, range(6))]


def test_a_mirror_is_asked_instead_of_the_hub_and_its_password_is_written_nowhere(
    hub: Hub, get: Get, tmp_path: Path
) -> None:
    login = f"Basic {base64.b64encode(b'ada:very-secret').decode()}"
    with Hub({login: Account("ada")}).running() as mirror:
        mirror.state.put("huggan/facades", FILES, "dataset")
        got = get(mirror=mirror.url.replace("://", "://ada:very-secret@"))
    assert hub.requests == []
    assert got.card["origin"]["mirror"] == mirror.url
    assert "very-secret" not in (tmp_path / "set" / "dataset.yaml").read_text()


def test_a_download_that_was_cut_goes_on(filled: Hub, get: Get, tmp_path: Path) -> None:
    filled.faults.append(Fault("cut", "GET", "lfs|resolve"))
    assert get().splits == ["train"]
    assert (tmp_path / "set" / NAME).read_bytes() == DATA


def test_a_flipped_bit_is_caught_and_mended_by_the_next_call(filled: Hub, get: Get, tmp_path: Path) -> None:
    filled.faults.append(Fault("flip", "GET", "lfs-get|storage|objects|/lfs/"))
    with pytest.raises(DataError, match="came with another checksum than the Hub has"):
        get()
    assert filled.faults[0].times == 0
    assert not (tmp_path / "set" / "dataset.yaml").exists()
    assert get().splits == ["train"]
    assert (tmp_path / "set" / NAME).read_bytes() == DATA


@pytest.mark.parametrize("name", ["../evil.parquet", "data/CON.parquet", "data\\evil.parquet"])
def test_names_that_lead_elsewhere_on_some_system_are_refused_before_anything_is_fetched(
    hub: Hub, get: Get, name: str
) -> None:
    hub.state.put("huggan/facades", {**FILES, name: DATA}, "dataset")
    with pytest.raises(DataError, match="takes for something else"):
        get()
    assert not hub.asked("GET", "/resolve/")


@pytest.mark.parametrize("files", [None, {"facades.py": b"import os"}], ids=["missing", "no Parquet"])
def test_where_the_hub_does_not_have_it_a_mirror_that_was_named_is_an_error(
    files: dict[str, bytes] | None, hub: Hub, get: Get
) -> None:
    if files:
        hub.state.put("huggan/facades", files, "dataset")
    with pytest.raises(HubUnreachableError, match="huggan/facades") as raised:
        get(mirror=hub.url)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("answer", [b"<html>Log in</html>", b"[]", b'{"siblings": 7}', b'{"sha": {}}'])
def test_an_answer_that_is_not_the_hubs_is_one_line(answer: bytes, server: Server, get: Get) -> None:
    server.script(http(200, answer, Content_Type="application/json"))
    with pytest.raises(HubUnreachableError, match="cannot be fetched from the Hub") as raised:
        get(mirror=f"http://ada:very-secret@127.0.0.1:{server.port}")
    assert "\n" not in str(raised.value)
    assert "very-secret" not in str(raised.value)


def test_the_archive_is_fetched_where_the_hub_has_nothing_and_that_is_said(
    get: Get, notices: list[str], server: Server, tmp_path: Path
) -> None:
    image, stream = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (32, 16)).save(image, "PNG")  # A|B
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo("facades/train/1.png")
        info.size = len(image.getvalue())
        tar.addfile(info, io.BytesIO(image.getvalue()))
    server.script(http(200, stream.getvalue()))
    url = f"http://localhost:{server.port}/facades.tar.gz"
    assert get(archive=url).card["origin"] == {"archive": url}
    assert "huggan/facades cannot be fetched from the Hub" in notices[0]
    assert (tmp_path / "set" / "train" / "1.png").read_bytes() == image.getvalue()
