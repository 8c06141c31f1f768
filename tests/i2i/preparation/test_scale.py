"""The same bytes from one process, from ranks, from Ray and through an object store; nothing is lost on the way."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

from i2i.errors import DataError, MissingInputError, OutputError, UsageError
from i2i.preparation import engines, prepare, runner, tasks, verify
from i2i.preparation.listing import absolute, list_sources
from i2i.preparation.request import check_request
from i2i.system import files
from i2i.system.files import make_folder

Photos = Callable[..., Path]
Tree = Callable[[Path], dict[str, str]]
CARD = "dataset.yaml"  # spells the sources as they were given


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.cut, "__defaults__", (4,))


@pytest.fixture
def source(photos: Photos) -> Path:
    folder = photos(19)
    (folder / "broken.png").write_bytes(b"broken")
    (folder / "clip.mp4").touch()
    return folder


def test_ranks_make_the_dataset_of_one_process_and_the_last_finishes_it(
    source: Path, tmp_path: Path, tree: Tree
) -> None:
    whole = prepare("negative", [source], tmp_path / "whole", val=0.3, workers=1)
    out = tmp_path / "out"
    told = []
    for rank in (2, 0, 1):
        report = prepare("negative", [source], out, val=0.3, workers=1, rank=rank, world_size=3)
        told.append((report.shards, report.missing, report.rows != []))
        assert (out / CARD).is_file() == (rank == 1)
    assert told == [(5, 4, False), (5, 2, False), (5, 0, True)]
    assert tree(out) == tree(tmp_path / "whole")
    assert report.to_dict() | {"folder": "", "seconds": 0, "resumed": 0} == whole.to_dict() | {
        "folder": "",
        "seconds": 0,
        "resumed": 0,
    }
    again = prepare("negative", [source], out, val=0.3, workers=1, rank=0, world_size=3)
    assert again.rows == whole.rows


def test_ranks_that_stopped_go_on_as_one_process_or_as_more_ranks(source: Path, tmp_path: Path, tree: Tree) -> None:
    prepare("negative", [source], tmp_path / "whole", workers=1)
    log = tmp_path / "log"
    options = {"log": str(log)}
    out = tmp_path / "out"
    prepare("negative", [source], out, options=options, workers=1, rank=0, world_size=2)
    prepare("negative", [source], out, options=options, workers=1, rank=1, world_size=4)
    report = prepare("negative", [source], out, options=options, workers=1)
    assert report.resumed == 16
    assert log.stat().st_size == 19  # no picture was done twice
    assert {**tree(out), CARD: ""} == {**tree(tmp_path / "whole"), CARD: ""}


@pytest.mark.parametrize(
    ("held", "rank", "world_size", "refused"),
    [
        ("lock", 0, 2, True),
        ("lock-0-of-2", 0, 2, True),
        ("lock-1-of-2", 0, 2, False),
        ("lock-1-of-3", 0, 2, True),
        ("lock-1-of-3", 0, 1, True),
    ],
)
def test_no_two_processes_do_the_same_shard(
    held: str, rank: int, world_size: int, refused: bool, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "preparing").mkdir(parents=True)
    with files.lock(out / "preparing" / held):
        if refused:
            with pytest.raises(UsageError, match="is at work"):
                prepare("negative", [source], out, workers=1, rank=rank, world_size=world_size)
        else:
            assert prepare("negative", [source], out, workers=1, rank=rank, world_size=world_size).missing


SCRIPT = """
import sys; sys.path.insert(0, sys.argv[1])
import odd_preparers
from i2i import plugins, preparation
from i2i.preparation import tasks
if __name__ == "__main__":
    tasks.cut.__defaults__ = (4,)
    installed = plugins.Plugins()
    installed.register(odd_preparers.Plugin(), "odd")
    plugins.installed = lambda group: installed
    rank, world_size = int(sys.argv[5]), int(sys.argv[6])
    options = {"pause": 0.02, "log": sys.argv[4]}
    preparation.prepare("negative", [sys.argv[2]], sys.argv[3], options=options, workers=1, val=0.3,
                        rank=rank, world_size=world_size)
"""


def kill_after(pictures: int, log: Path, *words: object) -> None:
    """Start a process that prepares, and kill it and its workers when that many pictures are begun."""
    script = log.with_name("script.py")
    script.write_text(SCRIPT)
    line = [sys.executable, *map(str, (script, Path(__file__).parent, *words))]
    process = subprocess.Popen(line, start_new_session=True)
    deadline = time.monotonic() + 30
    while (log.stat().st_size if log.exists() else 0) < pictures and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_killed_rank_goes_on_and_repeats_only_what_was_in_flight(source: Path, tmp_path: Path, tree: Tree) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    settings: dict[str, Any] = {"options": {"pause": 0.02, "log": str(log)}, "val": 0.3, "workers": 1}
    prepare("negative", [source], tmp_path / "whole", **settings)
    log.unlink()
    kill_after(3, log, source, out, log, 1, 2)
    torn = [path for path in out.rglob("*.png") if not path.read_bytes().endswith(b"IEND\xaeB`\x82")]
    assert torn == []
    for rank in (0, 1):
        assert prepare("negative", [source], out, rank=rank, world_size=2, **settings).missing == 2 * (1 - rank)
    assert tree(out) == tree(tmp_path / "whole")
    assert log.stat().st_size <= 19 + 1


def test_rank_that_looks_for_its_work_while_another_finishes_the_dataset_does_nothing_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    options = {"log": str(log)}
    take_stock = engines.Backlog

    def late(*arguments: Any) -> engines.Backlog:
        monkeypatch.setattr(runner, "Backlog", take_stock)
        prepare("negative", [source], out, options=options, workers=1, rank=0, world_size=2)
        return take_stock(*arguments)

    assert prepare("negative", [source], out, options=options, workers=1, rank=1, world_size=2).missing
    monkeypatch.setattr(runner, "Backlog", late)
    report = prepare("negative", [source], out, options=options, workers=1, rank=1, world_size=2)
    assert report.finished
    assert report.made == 19
    assert log.stat().st_size == 19


def test_shard_of_which_all_was_made_before_a_kill_and_nothing_closed_is_not_made_again(
    source: Path, tmp_path: Path
) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    settings: Any = {"options": {"log": str(log)}, "workers": 1, "rank": 0, "world_size": 2}
    prepare("negative", [source], out, **settings)
    made = log.stat().st_size
    assert made
    closed = list((out / "preparing" / "shards").glob("*.jsonl"))
    assert closed
    for journal in closed:
        journal.replace(journal.with_suffix(".killed.part"))
    prepare("negative", [source], out, **settings)
    assert log.stat().st_size == made


def test_shards_that_ray_hands_out_are_done_once_and_wherever_it_likes(
    source: Path, tmp_path: Path, tree: Tree
) -> None:
    # `benchmarks/ray_cluster.py` does the same on a cluster of which a worker and a node are killed
    out, options = tmp_path / "out", {"log": str(tmp_path / "log")}
    prepare("negative", [source], tmp_path / "whole", options=options, val=0.3, workers=1)
    (tmp_path / "log").unlink()
    request = check_request("negative", [source], out, {"options": options, "val": 0.3})
    make_folder(request.dataset.staging)
    request.dataset.begin(request.command, "new")
    request.dataset.make_room()
    inputs = request.find_inputs(lambda done, total: None)
    for shard in (*reversed(tasks.cut(inputs.tasks)), tasks.cut(inputs.tasks)[0]):  # the first once more
        engines.do_shard(shard, request)
    assert prepare("negative", [source], out, options=options, val=0.3).resumed == 20
    assert tree(out) == tree(tmp_path / "whole")
    assert (tmp_path / "log").stat().st_size == 19


def test_sources_in_a_store_make_the_same_pairs(source: Path, tmp_path: Path, tree: Tree) -> None:
    prepare("negative", [source], tmp_path / "whole", val=0.3, workers=1)
    prepare("negative", [f"file://{source}/"], tmp_path / "out", val=0.3, workers=1)
    assert {**tree(tmp_path / "out"), CARD: ""} == {**tree(tmp_path / "whole"), CARD: ""}
    assert prepare("negative", [f"file://{source}"], tmp_path / "out", val=0.3, workers=1).resumed == 20
    (source / "000.png").write_bytes((source / "001.png").read_bytes() + b"more" * 9)
    with pytest.raises(UsageError, match="other images"):
        prepare("negative", [f"file://{source}"], tmp_path / "out", val=0.3, workers=1)


def test_store_is_listed_as_a_folder_is() -> None:
    store = fsspec.filesystem("memory")
    for name in ("a/1.png", "a/b/2.JPG", "a/.git/3.png", "a/notes.txt", "a/out/4.png"):
        store.pipe_file(f"/listed/{name}", b"x" * len(name))
    listing = list_sources([absolute("memory://listed/a/")], [absolute("memory://listed/a/out")])
    assert [(found.name, found.inner, found.file) for found in listing.files] == [
        ("1.png", "1.png", "memory:///listed/a/1.png"),
        ("b/2.JPG", "b/2.JPG", "memory:///listed/a/b/2.JPG"),
    ]
    assert [found.stamp.split()[0] for found in listing.files] == ["7", "9"]
    assert listing.skipped == [(".git/3.png", "junk"), ("notes.txt", ".txt")]
    with pytest.raises(MissingInputError, match="nothing at"):
        list_sources(["memory://nowhere"], [])
    with pytest.raises(UsageError, match="download the images first"):
        list_sources(["https://host/a"], [])
    with pytest.raises(UsageError, match="cannot be opened"):
        absolute("nosuch://host/a")
    with pytest.raises(UsageError, match="Give sources of one place"):
        list_sources(["memory://listed/a", "/tmp"], [])


def stored(url: str) -> dict[str, bytes]:
    store, root = fsspec.core.url_to_fs(url)
    return {path[len(root) + 1 :]: store.cat_file(path) for path in store.find(root)}


def test_dataset_is_uploaded_whole_and_again_only_what_is_missing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    url, work = "memory://bucket/whole", tmp_path / "work"
    sent: list[str] = []
    real = MemoryFileSystem.put_file

    def put_file(self: Any, here: str, there: str, **options: Any) -> None:
        if len(sent) == 15:
            sent.append("")
            raise ConnectionError("the line is dead")
        sent.append(there.rpartition("/whole/")[2])
        real(self, here, there, **options)

    monkeypatch.setattr(MemoryFileSystem, "put_file", put_file)
    with pytest.raises(OutputError, match=r"cannot be written: .*the line is dead\. The same command goes on"):
        prepare("negative", [source], url, work=work, workers=1)
    assert CARD not in stored(url)
    assert len(stored(url)) >= 15
    report = prepare("negative", [source], url, work=work, workers=1)
    here = {path.relative_to(work).as_posix(): path.read_bytes() for path in work.rglob("*") if path.is_file()}
    assert stored(url) == here
    assert report.made == 19
    names = [name for name in sent if name]
    assert sorted(names) == sorted(here)  # nothing twice
    assert (names[0], names[-1]) == ("report.jsonl", CARD)
    prepare("negative", [source], url, work=work, workers=1)
    assert len(sent) == len(names) + 1


def test_every_flipped_bit_and_every_missing_file_is_found(source: Path, tmp_path: Path) -> None:
    out, rng = tmp_path / "out", random.Random(0)
    prepare("negative", [source], out, val=0.3, workers=1)
    assert verify(out) == []
    made = sorted(path for path in out.glob("*/image?/*"))
    expected = {}
    for path in rng.sample(made, 20):
        if rng.random() < 0.2:
            path.unlink()
            expected[path.relative_to(out).as_posix()] = "missing"
        else:
            data = bytearray(path.read_bytes())
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            path.write_bytes(data)
            expected[path.relative_to(out).as_posix()] = "damaged"
    assert dict(verify(out)) == expected
    (out / "report.jsonl").write_text(json.dumps({"name": 1}))
    with pytest.raises(DataError, match="missing or damaged"):
        verify(out)
