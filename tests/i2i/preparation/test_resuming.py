"""A preparation that is stopped at any instant goes on to the same result, and finished work is not done again."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from i2i.errors import DataError, I2iError, UsageError
from i2i.preparation import plan, prepare
from i2i.system import files

Photos = Callable[..., Path]
Tree = Callable[[Path], dict[str, str]]

SCRIPT = """
import sys; sys.path.insert(0, sys.argv[1])
import odd_preparers
from pathlib import Path
from i2i import plugins, preparation
if __name__ == "__main__":
    installed = plugins.Plugins()
    installed.register(odd_preparers.Plugin(), "odd")
    plugins.installed = lambda group: installed
    options = {"pause": 0.01, "log": sys.argv[4]}
    preparation.prepare("negative", [Path(sys.argv[2])], Path(sys.argv[3]), options=options, workers=2, val=0.2)
"""


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
    source = photos(4)
    (source / "broken.png").write_bytes(b"broken")
    prepare("negative", [source], tmp_path / "whole", val=0.3, workers=1)
    with pytest.raises(KilledError), killer.armed(tmp_path / "all-made" / "report.jsonl", 0):
        prepare("negative", [source], tmp_path / "all-made", val=0.3, workers=1)
    made = tree(tmp_path / "all-made")
    assert sum(name.endswith(".png") for name in made) == 8
    assert not any(name.startswith(("train", "val")) for name in made)
    for stop in range(200):
        out = tmp_path / "out"
        shutil.copytree(tmp_path / "all-made", out)
        try:
            with killer.armed(out, stop):
                prepare("negative", [source], out, val=0.3, workers=1)
        except KilledError:
            prepare("negative", [source], out, val=0.3, workers=1)
            assert tree(out) == tree(tmp_path / "whole"), stop
            shutil.rmtree(out)
        else:
            break
    assert 20 < stop < 199


def test_killed_preparation_goes_on_and_repeats_only_what_was_in_flight(
    tmp_path: Path, photos: Photos, tree: Tree
) -> None:
    source, log = photos(60), tmp_path / "log"
    here = str(Path(__file__).parent)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def start(out: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, script, here, source, out, log], start_new_session=True)

    assert start(tmp_path / "whole").wait() == 0
    assert log.stat().st_size == 60
    log.unlink()
    kills, rng = 0, random.Random(0)
    for _ in range(2):
        process = start(tmp_path / "out")
        before = log.stat().st_size if log.exists() else 0
        deadline = time.monotonic() + 30
        goal = before + rng.randint(1, 12)
        while (
            process.poll() is None
            and time.monotonic() < deadline
            and (log.stat().st_size if log.exists() else 0) < goal
        ):
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        torn = [path for path in (tmp_path / "out").rglob("*.png") if not path.read_bytes().endswith(b"IEND\xaeB`\x82")]
        assert torn == []
    assert kills == 2
    assert start(tmp_path / "out").wait() == 0
    assert tree(tmp_path / "out") == {**tree(tmp_path / "whole")}
    assert log.stat().st_size <= 60 + kills * 2


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


def test_what_is_gone_of_a_finished_dataset_is_made_again(tmp_path: Path, photos: Photos, tree: Tree) -> None:
    source, out, log = photos(5), tmp_path / "out", tmp_path / "log"
    arguments: dict[str, Any] = {"options": {"log": str(log)}, "workers": 1, "val": 0.4}
    first = prepare("negative", [source], out, **arguments)
    whole, (one, two, three, *_) = tree(out), [row for row in first.rows if row.split == "train"]
    (out / "train" / one.outputs[0].file).unlink()
    for output in two.outputs:
        (out / "train" / output.file).unlink()
    (out / "val" / "metadata.jsonl").unlink()
    assert "4 files of the dataset, such as" in plan("negative", [source], out, **arguments)
    second = prepare("negative", [source], out, **arguments)
    assert tree(out) == whole
    assert (second.made, second.resumed, log.stat().st_size) == (5, 3, 5 + 2)
    assert any("4 files" in remark and "made again" in remark for remark in second.remarks)
    edited = out / "train" / three.outputs[0].file  # it may be meant: never taken away
    edited.write_bytes(edited.read_bytes() + b"more")
    (out / "train" / three.outputs[1].file).unlink()
    third = prepare("negative", [source], out, **arguments)
    assert tree(out).keys() == whole.keys()
    assert {name for name, sha256 in tree(out).items() if sha256 != whole[name]} == {f"train/{three.outputs[0].file}"}
    assert any("another size" in remark and "left alone" in remark for remark in third.remarks)


def test_what_is_gone_is_not_made_again_with_other_bytes(
    tmp_path: Path, photos: Photos, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = photos(2), tmp_path / "out"
    row = prepare("negative", [source], out, workers=1).rows[0]
    report = (out / "report.jsonl").read_text()
    (out / "report.jsonl").write_text(report.replace(row.outputs[0].sha256, "0" * 64))  # as another library would write
    (out / f"{row.split}" / row.outputs[0].file).unlink()
    before = tree(out)
    with pytest.raises(DataError, match=r"would not be the same if made again.*--overwrite"):
        prepare("negative", [source], out, workers=1)
    assert tree(out) == before


def test_stopping_while_what_is_gone_is_made_again_loses_nothing(
    tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer
) -> None:
    source, whole = photos(3), tmp_path / "whole"
    prepare("negative", [source], whole, workers=1)
    for stop in range(100):
        out = tmp_path / "out"
        shutil.copytree(whole, out)
        shutil.rmtree(out / "train" / "imageB")
        try:
            with killer.armed(out, stop):
                prepare("negative", [source], out, workers=1)
        except KilledError:
            prepare("negative", [source], out, workers=1)
            assert tree(out) == tree(whole), stop
            shutil.rmtree(out)
        else:
            break
    assert 5 < stop < 99


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


def test_stopped_dataset_is_overwritten_on_request(tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer) -> None:
    source = photos(2)
    stopped(source, tmp_path / "out", killer)
    for out in ("out", "fresh"):
        prepare("negative", [source], tmp_path / out, options={"strength": 2}, workers=1, overwrite=out == "out")
    assert tree(tmp_path / "out") == tree(tmp_path / "fresh")


@pytest.mark.parametrize("how", ["refuse", "fail", "die"])
def test_an_overwriting_that_can_make_nothing_costs_nothing_that_was_begun(
    how: str, tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer
) -> None:
    source, out = photos(2), tmp_path / "out"
    stopped(source, out, killer)
    before = tree(out)
    with pytest.raises(I2iError, match=r"do not go together|no weights|died as it started"):
        prepare("fussy", [source], out, options={"how": how}, workers=1, overwrite=True)
    assert before.items() <= tree(out).items()


def test_overwriting_removes_what_the_new_dataset_has_not(tmp_path: Path, photos: Photos, tree: Tree) -> None:
    source, out = photos(5), tmp_path / "out"
    prepare("negative", [source], out, val=0.4, test=0.2, workers=1)
    (source / "000.png").unlink()
    prepare("negative", [source], out, val=0.0, workers=1, overwrite=True)
    prepare("negative", [source], tmp_path / "fresh", val=0.0, workers=1)
    assert tree(out) == tree(tmp_path / "fresh")


def test_overwriting_that_is_stopped_never_mixes_two_datasets(
    tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer
) -> None:
    source = photos(2)
    prepare("negative", [source], tmp_path / "old", workers=1)
    old = tree(tmp_path / "old")
    outcomes = []
    for stop in range(9):
        out = tmp_path / str(stop)
        shutil.copytree(tmp_path / "old", out)
        with pytest.raises(KilledError), killer.armed(out, stop):
            prepare("negative", [source], out, layout="ab", workers=1, overwrite=True)
        try:
            prepare("negative", [source], out, workers=1)
        except (DataError, UsageError) as error:
            outcomes.append("--overwrite" in str(error))
        else:
            outcomes.append(tree(out) == old)
    assert outcomes == [True] * 9  # the old dataset, or a word on what to do
    prepare("negative", [source], out, layout="ab", workers=1, overwrite=True)
    prepare("negative", [source], tmp_path / "fresh", layout="ab", workers=1)
    assert tree(out) == tree(tmp_path / "fresh")


def test_stopping_at_any_change_while_the_old_dataset_is_replaced_leaves_the_old_or_goes_on(
    tmp_path: Path, photos: Photos, tree: Tree, killer: _Killer
) -> None:
    source, begun = photos(3), tmp_path / "begun"
    prepare("negative", [source], begun, val=0.4, workers=1)
    old = tree(begun)
    new: dict[str, Any] = {"layout": "ab", "val": 0, "workers": 1}
    with pytest.raises(KilledError), killer.armed(begun / "preparing" / "finishing", 0):
        prepare("negative", [source], begun, overwrite=True, **new)
    assert old.items() <= tree(begun).items()
    prepare("negative", [source], tmp_path / "fresh", **new)
    for stop in range(100):
        out = tmp_path / "out"
        shutil.copytree(begun, out)
        try:
            with killer.armed(out, stop):
                prepare("negative", [source], out, overwrite=stop % 2 == 0, **new)
        except KilledError:
            there = tree(out)
            assert there.get("dataset.yaml") != old["dataset.yaml"] or old.items() <= there.items()
            prepare("negative", [source], out, **new)
            assert tree(out) == tree(tmp_path / "fresh"), stop
            shutil.rmtree(out)
        else:
            break
    assert 20 < stop < 99


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


def test_second_preparation_of_one_folder_is_refused(tmp_path: Path, photos: Photos) -> None:
    source, out = photos(2), tmp_path / "out"
    (out / "preparing").mkdir(parents=True)
    with (
        files.lock(out / "preparing" / "lock"),
        pytest.raises(UsageError, match=f"Process {os.getpid()} is at work"),
    ):
        prepare("negative", [source], out, workers=1)
    assert prepare("negative", [source], out, workers=1).made == 2
