"""A set arrives from an archive as its authors packed it, whole or not at all."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from scripted_server import Request, Server, http
from typer.testing import CliRunner

import i2i_datasets
from i2i import safe_yaml
from i2i.data.tables.detect import open_table
from i2i.errors import DataError, UnknownNameError, UsageError
from i2i.net import ArchiveError, NetworkError, UnsafeUrlError
from i2i_datasets.getting import get_set
from i2i_datasets.sets import UNPAIRED, classic_sets


def whole(seed: int) -> bytes:
    """An A|B file of 64x32 px."""
    done, data = cv2.imencode(".png", np.random.default_rng(seed).integers(0, 256, (32, 64, 3), np.uint8))
    assert done
    return data.tobytes()


FILES = {f"facades/{split}/{seed}.png": whole(seed) for split, seed in (("train", 1), ("train", 2), ("val", 3))}


def packed(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(stream.getvalue(), mtime=0)


ARCHIVE = packed(FILES)


def url_of(server: Server) -> str:
    return f"http://localhost:{server.port}/sets/"


def tree(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def run(*arguments: object) -> Any:
    """The command as a plugin adds it to the group ``data``."""
    app, data = typer.Typer(), typer.Typer()
    data.callback()(lambda: None)
    app.add_typer(data, name="data")
    i2i_datasets.i2i_commands(app)
    return CliRunner().invoke(app, ["data", "get", *map(str, arguments)])


def test_the_folder_holds_the_files_and_can_be_read_as_pairs(server: Server, tmp_path: Path) -> None:
    server.script(http(200, ARCHIVE))
    got = get_set("facades", tmp_path / "set", base_url=url_of(server))
    assert [request.target for request in server.requests] == ["/sets/facades.tar.gz"]
    found = tree(tmp_path / "set")
    card = safe_yaml.load(found.pop("dataset.yaml").decode(), "card")
    assert {f"facades/{name}": data for name, data in found.items()} == FILES
    assert card == got.card
    assert card["sha256"] == {"facades.tar.gz": hashlib.sha256(ARCHIVE).hexdigest()}
    assert card["origin"] == {"archive": f"{url_of(server)}facades.tar.gz"}
    assert (got.splits, got.fetched) == (["train", "val"], True)
    table = open_table(tmp_path / "set", "val")
    stored = cv2.imdecode(np.frombuffer(FILES["facades/val/3.png"], np.uint8), cv2.IMREAD_COLOR_RGB)
    assert stored is not None
    np.testing.assert_array_equal(table.picture(0, table.columns[0]).pixels, stored[:, :32])
    np.testing.assert_array_equal(table.picture(0, table.columns[1]).pixels, stored[:, 32:])


def test_a_set_that_is_here_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    server.script(http(200, ARCHIVE))
    first = get_set("facades", tmp_path / "set", base_url=url_of(server))
    again = get_set("facades", tmp_path / "set", base_url=url_of(server))
    assert again == first._replace(fetched=False)
    assert len(server.requests) == 1


def test_an_interrupted_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
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
        get_set("facades", tmp_path / "set", base_url=url_of(server))
    assert not any(name.startswith(("train", "val", "dataset")) for name in tree(tmp_path / "set"))
    server.answer = give_rest
    get_set("facades", tmp_path / "set", base_url=url_of(server))
    assert server.requests[-1].headers["range"] == f"bytes={half}-"
    assert set(tree(tmp_path / "set")) == {name.removeprefix("facades/") for name in FILES} | {"dataset.yaml"}


def test_a_call_that_was_stopped_while_it_moved_files_is_mended(server: Server, tmp_path: Path) -> None:
    server.script(http(200, ARCHIVE))
    get_set("facades", tmp_path / "set", base_url=url_of(server))
    before = tree(tmp_path / "set")
    (tmp_path / "set" / "dataset.yaml").unlink()
    (tmp_path / "set" / "train" / "1.png").unlink()
    (tmp_path / "set" / ".i2i-get").mkdir()
    get_set("facades", tmp_path / "set", base_url=url_of(server))
    assert tree(tmp_path / "set") == before


@pytest.mark.parametrize("name", ["../evil.png", "/tmp/evil.png", "facades/train/../../../../evil.png"])
def test_an_archive_that_would_write_elsewhere_is_refused(name: str, server: Server, tmp_path: Path) -> None:
    server.script(http(200, packed({**FILES, name: b"evil"})))
    with pytest.raises(ArchiveError, match="Refused"):
        get_set("facades", tmp_path / "in" / "set", base_url=url_of(server))
    assert not list(tmp_path.rglob("evil.png"))
    assert not (tmp_path / "in" / "set" / "train").exists()


@pytest.mark.parametrize("content", [{"facades/readme.txt": b"gone"}, {"facades/train.txt": b"1", "x": b"2"}])
def test_an_archive_without_pairs_is_refused(content: dict[str, bytes], server: Server, tmp_path: Path) -> None:
    server.script(http(200, packed(content)))
    with pytest.raises(DataError, match=r"What came for facades from .* is no set of pairs"):
        get_set("facades", tmp_path / "set", base_url=url_of(server))
    assert not (tmp_path / "set" / "dataset.yaml").exists()


def test_a_folder_that_holds_something_else_is_left_alone(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="holds something else"):
        get_set("facades", tmp_path / "mine", base_url=url_of(server))
    server.script(http(200, ARCHIVE))
    get_set("facades", tmp_path / "set", base_url=url_of(server))
    with pytest.raises(UsageError, match="is another dataset"):
        get_set("maps", tmp_path / "set", base_url=url_of(server))
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


def test_an_unknown_set_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'facades'"):
        get_set("facade", Path("set"))


def test_a_set_without_pairs_is_named_as_such() -> None:
    with pytest.raises(UsageError, match="without pairs, and i2i trains on pairs"):
        get_set("horse2zebra", Path("set"))
    assert not UNPAIRED & set(classic_sets())


def test_a_mirror_and_a_folder_of_archives_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="Give one of them"):
        get_set("facades", Path("set"), mirror="http://a", base_url="http://b")
    with pytest.raises(UsageError, match="no copy on the Hub"):
        get_set("edges2handbags", Path("set"), mirror="http://a")
    assert not Path("set").exists()


def test_an_address_that_is_not_asked_leaves_no_folder() -> None:
    with pytest.raises(UnsafeUrlError, match="not http or https"):
        get_set("facades", Path("set"), base_url="ftp://example.org/sets")
    assert not Path("set").exists()


@pytest.mark.parametrize("bad", [ARCHIVE[:-40], packed({**FILES, "../evil": b""}), packed({"facades/readme.txt": b""})])
def test_an_archive_that_is_of_no_use_is_named_and_fetched_again(bad: bytes, server: Server, tmp_path: Path) -> None:
    server.script(http(200, bad), http(200, ARCHIVE))
    with pytest.raises(DataError, match=f"{url_of(server)}facades.tar.gz .*'facades.tar.gz'|is no set of pairs"):
        get_set("facades", tmp_path / "set", base_url=url_of(server))
    assert get_set("facades", tmp_path / "set", base_url=url_of(server)).splits == ["train", "val"]


def test_the_command_shows_licence_size_source_and_what_is_next(server: Server) -> None:
    server.script(http(200, ARCHIVE))
    result = run("facades", "--base-url", url_of(server))
    assert result.exit_code == 0, result.exception
    text = " ".join(result.output.split())
    facts = classic_sets()["facades"]
    for told in (
        "licence unknown",
        "606 pairs, 93 MB from the Hub or 31 MB as an archive",
        "400 train, 100 val, 106 test",
        facts.cite,
        facts.terms,
    ):
        assert told in text
    assert "Next: i2i train --plugin pix2pix --data facades --out RUN" in text
    assert "is not encrypted and has no known checksum" in text
    assert Path("facades/train/1.png").is_file()
    assert "is here already" in run("facades").output
    assert run("facades", "--quiet").output == ""


def test_without_a_name_all_sets_are_listed() -> None:
    output = run().output
    assert [name for name in classic_sets() if name not in output] == []


def test_every_set_can_be_fetched_from_somewhere_and_says_whose_it_is() -> None:
    assert {"facades", "maps", "cityscapes", "edges2shoes", "edges2handbags", "night2day"} == set(classic_sets())
    for facts in classic_sets().values():
        assert facts.hub or facts.archive
        assert facts.sizes.keys() <= {way for way in ("hub", "archive") if getattr(facts, way)}
        assert facts.sizes.keys() >= ({"hub"} if facts.hub else {"archive"})  # of what is tried first
        assert facts.terms
        assert facts.cite
