"""A preparation that is stopped at any instant goes on to the same result, and finished work is not done again."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from i2i.errors import I2iError, UsageError
from i2i.preparation import prepare
from i2i.system import files

Photos = Callable[..., Path]
Tree = Callable[[Path], dict[str, str]]


class KilledError(BaseException):
    """Stands for a kill within this process."""


class _Killer:
    """Raises at the n-th change to the file system below a folder, once armed."""

    def __init__(self) -> None:
        self.folder = ""
        self.left = 0
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folder or event not in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir"):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        if any(self.folder in str(path) for path in arguments[:2]):
            self.left -= 1
            if self.left < 0:
                self.folder = ""
                raise KilledError

    @contextmanager
    def armed(self, folder: Path, left: int) -> Iterator[None]:
        self.folder, self.left = str(folder), left
        try:
            yield
        finally:
            self.folder = ""


@pytest.fixture(scope="module")
def killer() -> _Killer:
    return _Killer()


def test_stopping_at_any_change_of_the_last_phase_loses_nothing(
    tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer
) -> None:
    source, out = photos(2), tmp_path / "out"
    settings: dict[str, Any] = {"val": 0.5, "layout": "ab", "workers": 1}
    prepare("negative", [source], tmp_path / "whole", **settings)
    with pytest.raises(KilledError), killer.armed(tmp_path / "made" / "report.jsonl", 0):
        prepare("negative", [source], tmp_path / "made", **settings)
    made = tree(tmp_path / "made")
    assert sum(name.endswith(".png") for name in made) == 2
    assert not any(name.startswith(("train", "val")) for name in made)
    for stop in range(200):
        shutil.copytree(tmp_path / "made", out)
        try:
            with killer.armed(out, stop):
                prepare("negative", [source], out, **settings)
        except KilledError:
            prepare("negative", [source], out, **settings)
            assert tree(out) == tree(tmp_path / "whole"), stop
            shutil.rmtree(out)
        else:
            break
    assert 20 < stop < 199


def test_finished_dataset_is_left_as_it_is(tmp_path: Path, photos: Photos, tree: Tree) -> None:
    source, out, log = photos(3), tmp_path / "out", tmp_path / "log"
    first = prepare("negative", [source], out, options={"log": str(log)}, workers=1)
    (out / "dataset.yaml").write_text((out / "dataset.yaml").read_text().replace("licence: ''", "licence: CC0-1.0"))
    before = tree(out)
    second = prepare("negative", [source], out, options={"log": str(log)}, workers=1)
    assert second.rows == first.rows
    assert second.resumed == 3
    assert tree(out) == before
    assert log.stat().st_size == 3


@pytest.mark.parametrize("made", [0, 1])
def test_other_settings_are_refused_from_the_first_pair_on(made: int, tmp_path: Path, photos: Photos) -> None:
    source, out = photos(3), tmp_path / "out"

    def stop(done: int, total: int) -> None:
        if done == made:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare("negative", [source], out, workers=1, on_progress=stop)
    if made:
        with pytest.raises(UsageError, match=r"begun with other settings: --layout ab instead of folders"):
            prepare("negative", [source], out, workers=1, layout="ab")
    else:
        assert prepare("negative", [source], out, workers=1, layout="ab").made == 3


def stopped(source: Path, out: Path, killer: _Killer) -> None:
    with pytest.raises(KilledError), killer.armed(out / "report.jsonl", 0):
        prepare("negative", [source], out, workers=1)


OTHER_SETTINGS: dict[str, dict[str, Any]] = {
    "--strength 2 instead of 1": {"options": {"strength": 2}},
    "--val 0.5 instead of 0.1": {"val": 0.5},
    "--seed 1 instead of 0": {"seed": 1},
    "--layout ab instead of folders": {"layout": "ab"},
    "--max-pixels 1000000 instead of 40000000": {"max_pixels": 10**6},
    "preparer troubled instead of negative": {"name": "troubled"},
}


@pytest.mark.parametrize("finished", [True, False])
def test_other_settings_are_refused(
    finished: bool, tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer
) -> None:
    source, out = photos(2), tmp_path / "out"
    if finished:
        prepare("negative", [source], out, workers=1)
    else:
        stopped(source, out, killer)
    before = tree(out)
    for message, changed in OTHER_SETTINGS.items():
        with pytest.raises(UsageError, match=f"{message}.*--overwrite"):
            prepare(**{"name": "negative", "sources": [source], "out": out, "workers": 1, **changed})
        assert tree(out) == before


def test_an_overwriting_that_can_make_nothing_costs_nothing_that_was_begun(
    tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer
) -> None:
    source, out = photos(2), tmp_path / "out"
    stopped(source, out, killer)
    before = {name: checksum for name, checksum in tree(out).items() if name != "preparing/lock"}
    with pytest.raises(I2iError, match="died as it started"):
        prepare("fussy", [source], out, options={"how": "die"}, workers=1, overwrite=True)
    assert before.items() <= tree(out).items()


def test_overwriting_that_is_stopped_at_any_change_never_mixes_two_datasets(
    tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer
) -> None:
    source = photos(1)
    new: dict[str, Any] = {"layout": "ab", "val": 0, "workers": 1}
    prepare("negative", [source], tmp_path / "old", val=0, workers=1)
    prepare("negative", [source], tmp_path / "fresh", **new)
    old = tree(tmp_path / "old")
    for stop in range(6, 100):  # before, no more than the folder of what is in work is made
        out = tmp_path / str(stop)
        shutil.copytree(tmp_path / "old", out)
        with pytest.raises(KilledError), killer.armed(out, stop):
            prepare("negative", [source], out, overwrite=True, **new)
        there = tree(out)
        assert "dataset.yaml" not in there or old.items() <= there.items()  # whole, or no dataset
        begun = "preparing/command.json" in there
        if there.keys() & {"dataset.yaml", "report.jsonl"} and not begun:
            with pytest.raises(UsageError, match="--overwrite"):
                prepare("negative", [source], out, **new)
        if begun or stop % 3 == 0:
            prepare("negative", [source], out, overwrite=not begun, **new)
            assert tree(out) == tree(tmp_path / "fresh"), stop
        if begun:
            break
    assert 10 < stop < 99


def test_repeated_overwriting_resumes_what_it_has_begun(
    tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer
) -> None:
    source, out, log = photos(3), tmp_path / "out", tmp_path / "log"
    arguments: dict[str, Any] = {"options": {"log": str(log)}, "workers": 1, "layout": "ab"}
    prepare("negative", [source], out, workers=1)
    with pytest.raises(KilledError), killer.armed(out / "preparing" / "finishing", 0):
        prepare("negative", [source], out, overwrite=True, **arguments)
    prepare("negative", [source], out, overwrite=True, **arguments)
    assert log.stat().st_size == 3
    assert prepare("negative", [source], out, **arguments).resumed == 3


def test_a_file_of_yours_in_the_way_is_not_lost(tmp_path: Path, photos: Photos) -> None:
    source, out = photos(2), tmp_path / "out"
    prepare("negative", [source], out, val=0, layout="ab", workers=1)
    mine = out / "train" / "imageA" / "001.png"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(UsageError, match=r"001\.png' is not of the dataset and would be lost"):
        prepare("negative", [source], out, val=0, workers=1, overwrite=True)
    assert mine.read_text() == "mine"
    mine.unlink()
    assert prepare("negative", [source], out, val=0, workers=1).made == 2


def test_finished_dataset_of_other_images_is_not_touched(tmp_path: Path, photos: Photos, tree: Tree) -> None:
    source, out = photos(3), tmp_path / "out"
    prepare("negative", [source], out, workers=1)
    before, photo = tree(out), (source / "000.png").read_bytes()
    new, changed = source / "003.png", source / "001.png"
    changes: list[Callable[[], object]] = [
        lambda: new.write_bytes(photo),
        lambda: new.rename(source / "004.png"),
        lambda: changed.write_bytes(photo + b"more"),
        lambda: changed.unlink(),
    ]
    for change in changes:
        change()
        with pytest.raises(UsageError, match="was made from other images"):
            prepare("negative", [source], out, workers=1)
        assert tree(out) == before


def test_what_changed_or_was_lost_while_it_was_stopped_is_done_again(
    tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer
) -> None:
    source, out = photos(7), tmp_path / "out"
    stopped(source, out, killer)
    shutil.copy(source / "000.png", source / "001.png")
    (source / "002.png").unlink()
    os.utime(source / "003.png", ns=(1, 1))
    (journal,) = (out / "preparing" / "shards").iterdir()
    journal.write_bytes(journal.read_bytes()[:-20])  # of 006.png
    (out / "preparing" / "files" / "imageB" / "004.png").unlink()
    five = out / "preparing" / "files" / "imageB" / "005.png"
    five.write_bytes(five.read_bytes()[:-1])  # as a power cut leaves it
    (out / f"{files.TEMPORARY_PREFIX}1-x").touch()  # of a report that was being written
    assert prepare("negative", [source], out, workers=1).resumed == 1  # 000.png
    prepare("negative", [source], tmp_path / "fresh", workers=1)
    assert tree(out) == tree(tmp_path / "fresh")
