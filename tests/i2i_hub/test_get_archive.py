"""A set arrives from an archive as its authors packed it, whole or not at all."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from bench import contents
from scripted_server import Request, Server, http

from i2i.data.tables.detect import open_table
from i2i.errors import DataError, UnknownNameError, UsageError
from i2i.net import ArchiveError, NetworkError, UnsafeUrlError
from i2i.system.files import make_folder
from i2i_hub.getting import Got, get_set
from i2i_hub.sets import UNPAIRED, classic_sets

Cli = Callable[..., tuple[int, str, str]]


def whole(seed: int) -> bytes:
    """An A|B file of 64x32 px."""
    done, data = cv2.imencode(".png", np.random.default_rng(seed).integers(0, 256, (32, 64, 3), np.uint8))
    assert done
    return data.tobytes()


FILES = {f"facades/{split}/{seed}.png": whole(seed) for split, seed in (("train", 1), ("train", 2), ("val", 3))}


def packed(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


ARCHIVE = packed(FILES)


@pytest.fixture
def url(server: Server) -> str:
    return f"http://localhost:{server.port}/sets/"


@pytest.fixture
def fetch(url: str, tmp_path: Path) -> Callable[..., Got]:
    """Gets facades to the folder ``set``."""
    return lambda name="facades", folder="set", **options: get_set(
        name, tmp_path / folder, **({"base_url": url} | options)
    )


def test_the_folder_holds_the_files_and_can_be_read_as_pairs(
    server: Server, url: str, fetch: Callable[..., Got], tmp_path: Path
) -> None:
    server.script(http(200, ARCHIVE))
    got = fetch()
    assert [request.target for request in server.requests] == ["/sets/facades.tar.gz"]
    found = contents(tmp_path / "set")
    del found["dataset.yaml"]
    assert {f"facades/{name}": data for name, data in found.items()} == FILES
    assert got.card["sha256"] == {"facades.tar.gz": hashlib.sha256(ARCHIVE).hexdigest()}
    assert got.card["origin"] == {"archive": f"{url}facades.tar.gz"}
    assert (got.splits, got.fetched) == (["train", "val"], True)
    table = open_table(tmp_path / "set", "val")
    stored = cv2.imdecode(np.frombuffer(FILES["facades/val/3.png"], np.uint8), cv2.IMREAD_COLOR_RGB)
    assert stored is not None
    for column, half in zip(table.columns, np.hsplit(stored, 2), strict=True):
        np.testing.assert_array_equal(table.picture(0, column).pixels, half)
    assert fetch() == got._replace(fetched=False)  # what is here is not fetched again
    assert len(server.requests) == 1


def test_an_interrupted_download_goes_on_where_it_stopped(
    server: Server, fetch: Callable[..., Got], tmp_path: Path
) -> None:
    half = len(ARCHIVE) // 2

    def give_rest(request: Request) -> bytes:
        start = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
        place = f"bytes {start}-{len(ARCHIVE) - 1}/{len(ARCHIVE)}"
        return http(206, ARCHIVE[start:], Content_Range=place, ETag='"1"')

    server.script(
        http(200, ARCHIVE[:half], Content_Length=len(ARCHIVE), ETag='"1"', Connection="close"),
        http(503, Retry_After=0),
    )
    with pytest.raises(NetworkError):
        fetch()
    assert [name for name in os.listdir(tmp_path / "set") if name[0] != "."] == []
    server.answer = give_rest
    fetch()
    assert server.requests[-1].headers["range"] == f"bytes={half}-"
    assert {f"facades/{name}" for name in contents(tmp_path / "set")} == {*FILES, "facades/dataset.yaml"}


def test_a_call_that_was_stopped_while_it_moved_files_is_mended(
    server: Server, fetch: Callable[..., Got], tmp_path: Path
) -> None:
    server.script(http(200, ARCHIVE))
    fetch()
    before = contents(tmp_path / "set")
    (tmp_path / "set" / "dataset.yaml").unlink()
    (tmp_path / "set" / "train" / "1.png").unlink()
    make_folder(tmp_path / "set" / ".i2i-get")
    fetch()
    assert contents(tmp_path / "set") == before


@pytest.mark.parametrize(
    "bad", [ARCHIVE[:-40], packed({**FILES, "../evil.png": b"evil"}), packed({"facades/readme.txt": b""})]
)
def test_an_archive_that_is_of_no_use_is_named_and_fetched_again(
    bad: bytes, server: Server, url: str, fetch: Callable[..., Got], tmp_path: Path
) -> None:
    server.script(http(200, bad), http(200, ARCHIVE))
    with pytest.raises((ArchiveError, DataError), match=f"{url}facades.tar.gz .*('facades.tar.gz'|is no set of pairs)"):
        fetch()
    assert {*os.listdir(tmp_path), *os.listdir(tmp_path / "set")} == {"set", ".i2i-get"}
    assert fetch().splits == ["train", "val"]


def test_a_folder_that_holds_something_else_is_left_alone(
    server: Server, fetch: Callable[..., Got], tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="holds something else"):
        fetch(folder="mine")
    server.script(http(200, ARCHIVE))
    fetch()
    with pytest.raises(UsageError, match="is another dataset"):
        fetch("maps")
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


@pytest.mark.parametrize(
    ("name", "options", "error", "said"),
    [
        ("facade", {}, UnknownNameError, "Did you mean 'facades'"),
        ("horse2zebra", {}, UsageError, "without pairs, and i2i trains on pairs"),
        ("facades", {"mirror": "http://a"}, UsageError, "Give one of them"),
        ("edges2handbags", {"mirror": "http://a", "base_url": None}, UsageError, "no copy on the Hub"),
        ("facades", {"base_url": "ftp://example.org/sets"}, UnsafeUrlError, "not http or https"),
    ],
)
def test_what_cannot_be_asked_for_leaves_no_folder(
    name: str, options: dict[str, Any], error: type[Exception], said: str, fetch: Callable[..., Got], tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        fetch(name, **options)
    assert os.listdir(tmp_path) == []


def test_the_command_shows_licence_size_source_and_what_is_next(
    server: Server, url: str, run_cli: Cli, tmp_path: Path
) -> None:
    server.script(http(200, ARCHIVE))
    code, out, err = run_cli("data", "get", "facades", tmp_path / "set", "--base-url", url)
    assert code == 0, err
    text, facts = " ".join(out.split()), classic_sets()["facades"]
    sizes = "606 pairs, 93 MB from the Hub or 31 MB as an archive"
    for told in ("licence unknown", sizes, "400 train, 100 val, 106 test", facts.cite, facts.terms):
        assert told in text
    assert f"Next: i2i train --plugin pix2pix --data {tmp_path}/set --out RUN" in text
    assert "is not encrypted and has no known checksum" in err
    assert "is here already" in run_cli("data", "get", "facades", tmp_path / "set")[1]
    assert run_cli("data", "get", "facades", tmp_path / "set", "--quiet")[1] == ""


def test_every_set_is_listed_can_be_fetched_from_somewhere_and_says_whose_it_is(run_cli: Cli) -> None:
    listed = run_cli("data", "get")[1]
    assert {"facades", "maps", "cityscapes", "edges2shoes", "edges2handbags", "night2day"} == set(classic_sets())
    assert not UNPAIRED & set(classic_sets())
    for name, facts in classic_sets().items():
        assert name in listed
        assert facts.hub or facts.archive
        assert facts.sizes.keys() <= {way for way in ("hub", "archive") if getattr(facts, way)}
        assert facts.sizes.keys() >= ({"hub"} if facts.hub else {"archive"})  # of what is tried first
        assert facts.terms
        assert facts.cite


def test_ctrl_c_says_how_to_go_on_and_keeps_what_came(server: Server, url: str, tmp_path: Path) -> None:
    server.script(http(200, bytes(100_000), Content_Length=200_000, ETag='"1"'))
    line = [sys.executable, "-m", "i2i", "data", "get", "facades", "set", "--base-url", url]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as stopped:
        assert stopped.stdout is not None
        assert stopped.stderr is not None
        while "0.1 of 0.2 MB" not in (said := stopped.stdout.readline()):
            assert said
        stopped.send_signal(signal.SIGINT)
        assert stopped.stderr.read().endswith("\nStopped. The same command goes on from here.\n")
    assert stopped.returncode == 130
    (part,) = (tmp_path / "set").rglob("*.part")
    assert 0 < part.stat().st_size <= 100_000
