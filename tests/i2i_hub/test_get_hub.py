"""A set arrives from the Hub at one revision, each file with the Hub's checksum; the real client asks a stand-in."""

import base64
import hashlib
import io
import logging
import resource
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bench import contents
from faults import Fault
from hub import Hub
from hub_state import Account
from huggingface_hub import constants
from scripted_server import Server, http

from i2i import images
from i2i.data.tables.detect import open_table
from i2i.errors import DataError, OutputError
from i2i.net import Retry
from i2i_hub import client
from i2i_hub.client import HubError
from i2i_hub.getting import Got, get_set
from i2i_hub.sets import classic_set, classic_sets

Get = Callable[..., Got]
NAME = "data/train-00000-of-00001.parquet"
FACADES = classic_set("facades")


def png(seed: int) -> bytes:
    return images.encode(np.random.default_rng(seed).integers(0, 256, (16, 20, 3), np.uint8), ".png")


def parquet(rows: int) -> bytes:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = {
        name: pa.array([{"bytes": png(2 * row + offset), "path": None} for row in range(rows)], kind)
        for offset, name in enumerate(("imageA", "imageB"))
    }
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, compression="none")
    return stream.getvalue()


DATA = parquet(3)
FILES = {NAME: DATA, "README.md": b"# facades", "evil.py": b"import os"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub().running() as hub:
        hub.state.put("huggan/facades", FILES, "dataset")
        yield hub


@pytest.fixture
def get(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Get:
    """Gets the set facades to the folder ``set``, from the hub where nothing else is said."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    )
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)

    def make(archive: str | None = None, **options: Any) -> Got:
        monkeypatch.setitem(classic_sets(), "facades", FACADES.model_copy(update={"archive": archive}))
        return get_set("facades", tmp_path / "set", quiet=True, **options)

    return make


def test_the_set_is_read_where_it_is_put_and_the_revision_is_noted(hub: Hub, get: Get, tmp_path: Path) -> None:
    got = get()
    revision = hub.state.repositories["dataset", "huggan/facades"].revisions["main"]
    assert got.card["origin"] == {"hub": "huggan/facades", "revision": revision}
    assert got.card["sha256"][NAME] == hashlib.sha256(DATA).hexdigest()
    assert got.splits == ["train"]
    assert contents(tmp_path / "set").keys() == {NAME, "README.md", "dataset.yaml"}
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


@pytest.mark.parametrize("kind", ["cut", "flip"])
def test_a_file_that_is_damaged_on_its_way_is_fetched_again(kind: Any, hub: Hub, get: Get, tmp_path: Path) -> None:
    hub.faults.append(Fault(kind, "GET", "/lfs/"))
    assert get().splits == ["train"]
    assert hub.faults[0].times == 0
    assert (tmp_path / "set" / NAME).read_bytes() == DATA


@pytest.mark.parametrize("name", ["../evil.parquet", "data/CON.parquet", "data\\evil.parquet"])
def test_names_that_lead_elsewhere_on_some_system_are_refused_before_anything_is_fetched(
    hub: Hub, get: Get, name: str
) -> None:
    hub.state.put("huggan/facades", {name: DATA}, "dataset")
    with pytest.raises(DataError, match="takes for something else"):
        get()
    assert not hub.asked("GET", "/resolve/")


@pytest.mark.parametrize("answer", [b"<html>Log in</html>", b"[]", b'{"sha": {}}'])
def test_a_mirror_that_is_no_hub_is_one_line(
    answer: bytes, server: Server, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RETRY", Retry(tries=1))
    server.answer = lambda request: http(200, answer, Content_Type="application/json")
    with pytest.raises(HubError) as raised:
        get(mirror=f"http://127.0.0.1:{server.port}")
    assert "\n" not in str(raised.value)


def test_the_archive_is_fetched_where_the_hub_has_nothing_and_that_is_said(
    hub: Hub, get: Get, server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hub.state.repositories.clear()
    with pytest.raises(HubError, match="huggan/facades is not on the Hub"):
        get()
    image, stream = images.encode(np.zeros((16, 32, 3), np.uint8), ".png"), io.BytesIO()  # A|B
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo("facades/train/1.png")
        info.size = len(image)
        tar.addfile(info, io.BytesIO(image))
    server.script(http(200, stream.getvalue()))
    url = f"http://localhost:{server.port}/facades.tar.gz"
    with caplog.at_level(logging.WARNING):
        assert get(archive=url).card["origin"] == {"archive": url}
    assert "huggan/facades is not on the Hub" in caplog.text
    assert (tmp_path / "set" / "train" / "1.png").read_bytes() == image


def test_a_file_that_cannot_be_written_ends_the_command_and_the_next_one_goes_on(get: Get, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(DATA) // 2, before[1]))
    try:
        with pytest.raises(OutputError, match=f"Cannot write '{tmp_path}/set"):  # no other way meets another disk
            get(archive="http://localhost:1/facades.tar.gz")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "set" / "dataset.yaml").exists()
    assert get().fetched
    assert (tmp_path / "set" / NAME).read_bytes() == DATA
