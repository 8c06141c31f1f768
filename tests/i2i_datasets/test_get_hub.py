"""A set arrives from the Hub at one revision, each file with the Hub's checksum; the real client asks a stand-in."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from faults import Fault
from hub import Hub
from PIL import Image
from scripted_server import Server, http

from i2i.data.tables.detect import open_table

SCRIPT = """
import json, sys
from pathlib import Path
from i2i.errors import I2iError
from i2i_datasets.getting import get_set
from i2i_datasets.sets import classic_sets
notices, options = [], json.loads(sys.argv[1])
sets = classic_sets()
sets["facades"] = sets["facades"].model_copy(update={"archive": options.pop("archive", None)})
try:
    got = get_set("facades", Path("set"), quiet=True, on_notice=notices.append, **options)
    print(json.dumps({"card": got.card, "splits": got.splits, "notices": notices}))
except I2iError as error:
    print(json.dumps({"error": type(error).__name__, "message": str(error), "notices": notices}))
"""


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


def get(hub: Hub, tmp_path: Path, **options: Any) -> dict[str, Any]:
    environment = os.environ | hub.environment(tmp_path / "home", token=None)
    script = [sys.executable, "-c", SCRIPT, json.dumps(options)]
    done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def filled(hub: Hub) -> Hub:
    hub.state.put("huggan/facades", FILES, "dataset")
    return hub


def test_the_set_is_read_where_it_is_put_and_the_revision_is_noted(filled: Hub, tmp_path: Path) -> None:
    answer = get(filled, tmp_path)
    revision = filled.state.repositories["dataset", "huggan/facades"].revisions["main"]
    assert answer["card"]["origin"] == {"hub": "huggan/facades", "revision": revision}
    assert answer["card"]["sha256"][NAME] == hashlib.sha256(DATA).hexdigest()
    assert (answer["splits"], answer["notices"]) == (["train"], [])
    files = {path.relative_to(tmp_path / "set").as_posix() for path in (tmp_path / "set").rglob("*") if path.is_file()}
    assert files == {NAME, "README.md", "dataset.yaml"}
    table = open_table(tmp_path / "set", "train")
    assert [table.encoded(row, column) for row in range(3) for column in ("imageA", "imageB")] == [*map(png, range(6))]


def test_a_mirror_is_asked_instead_of_the_hub(filled: Hub, tmp_path: Path) -> None:
    with Hub().running() as other:
        answer = get(other, tmp_path, mirror=filled.url)
        assert other.requests == []
    assert answer["card"]["origin"]["mirror"] == filled.url


def test_a_download_that_was_cut_goes_on(filled: Hub, tmp_path: Path) -> None:
    filled.faults.append(Fault("cut", "GET", "lfs|resolve"))
    assert get(filled, tmp_path)["splits"] == ["train"]
    assert (tmp_path / "set" / NAME).read_bytes() == DATA


def test_a_flipped_bit_is_caught_and_mended_by_the_next_call(filled: Hub, tmp_path: Path) -> None:
    filled.faults.append(Fault("flip", "GET", "lfs-get|storage|objects|/lfs/"))
    answer = get(filled, tmp_path)
    assert (answer["error"], filled.faults[0].times) == ("DataError", 0)
    assert "came with another checksum than the Hub has" in answer["message"]
    assert not (tmp_path / "set" / "dataset.yaml").exists()
    assert get(filled, tmp_path)["splits"] == ["train"]
    assert (tmp_path / "set" / NAME).read_bytes() == DATA


@pytest.mark.parametrize("name", ["../evil.parquet", "data/CON.parquet", "data\\evil.parquet"])
def test_names_that_lead_elsewhere_on_some_system_are_refused_before_anything_is_fetched(
    hub: Hub, tmp_path: Path, name: str
) -> None:
    hub.state.put("huggan/facades", {**FILES, name: DATA}, "dataset")
    answer = get(hub, tmp_path)
    assert answer["error"] == "DataError"
    assert "takes for something else" in answer["message"]
    assert not hub.asked("GET", "/resolve/")


@pytest.mark.parametrize("files", [None, {"facades.py": b"import os"}], ids=["missing", "no Parquet"])
def test_where_the_hub_does_not_have_it_a_mirror_that_was_named_is_an_error(
    files: dict[str, bytes] | None, hub: Hub, tmp_path: Path
) -> None:
    if files:
        hub.state.put("huggan/facades", files, "dataset")
    answer = get(hub, tmp_path, mirror=hub.url)
    assert answer["error"] == "HubUnreachableError"
    assert "huggan/facades" in answer["message"]
    assert "\n" not in answer["message"]


def test_the_archive_is_fetched_where_the_hub_has_nothing_and_that_is_said(
    hub: Hub, server: Server, tmp_path: Path
) -> None:
    image, stream = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (32, 16)).save(image, "PNG")  # A|B
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo("facades/train/1.png")
        info.size = len(image.getvalue())
        tar.addfile(info, io.BytesIO(image.getvalue()))
    server.script(http(200, stream.getvalue()))
    url = f"http://localhost:{server.port}/facades.tar.gz"
    answer = get(hub, tmp_path, archive=url)
    assert answer["card"]["origin"] == {"archive": url}
    assert "huggan/facades cannot be fetched from the Hub" in answer["notices"][0]
    assert (tmp_path / "set" / "train" / "1.png").read_bytes() == image.getvalue()
