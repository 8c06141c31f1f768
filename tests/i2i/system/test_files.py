"""Files that are whole or not there."""

import errno
import os
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from i2i.errors import DiskFullError, OutputError, UsageError
from i2i.system import files
from i2i.system.folders import NewFolder, replace_folder


def test_written_file_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for data in (b"old", b"new" * 1000, b""):
        files.write_atomically(path, data)
        assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["a"]


def test_longest_possible_name_is_written(tmp_path: Path) -> None:
    files.write_atomically(tmp_path / ("x" * 255), b"data")
    assert os.listdir(tmp_path) == ["x" * 255]


def fails_with(number: int) -> object:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_failure_leaves_the_old_file_and_nothing_else(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    files.write_atomically(path, b"old")
    if call == "fsync":
        monkeypatch.setattr(os, "fsync", fails_with(errno.ENOSPC))
    else:
        monkeypatch.setattr(os, "replace", fails_with(errno.ENOSPC))
    with pytest.raises(OutputError, match=r"disk is full.* needs 3 bytes"):
        files.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


class Usage(NamedTuple):
    free: int


def test_room_is_measured_when_the_part_that_was_written_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def room(_: Path) -> Usage:  # of a disk of 50 bytes that has nothing on it but these files
        return Usage(50 - sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()))

    monkeypatch.setattr(shutil, "disk_usage", room)
    said = r"'[^']*new' needs 60 bytes or more, 50 are free\. Make room and run the same command again\.$"
    monkeypatch.setattr(os, "fsync", fails_with(errno.ENOSPC))
    with pytest.raises(DiskFullError, match=said):
        files.write_atomically(tmp_path / "new", bytes(60))
    answers = iter([None, OSError(errno.ENOSPC, "no space left")])

    def takes_one(_: int) -> None:
        if error := next(answers):
            raise error

    monkeypatch.setattr(os, "fsync", takes_one)
    with pytest.raises(DiskFullError, match=said):
        replace_folder(tmp_path / "new", [("a", bytes(20)), ("b", bytes(40))])
    assert os.listdir(tmp_path) == []


def test_full_disk_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(DiskFullError("'a' takes no more", "go home.")))
    assert (type(error), str(error)) == (DiskFullError, "The disk is full: 'a' takes no more. Make room and go home.")


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    # a limit on file size is the disk that fills up without the rights to mount one
    code = (
        "import resource, signal, sys; from pathlib import Path; from i2i import errors; from i2i.system import files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "files.write_atomically(Path(sys.argv[1]), b'x' * 999)\n"
        "try: files.write_atomically(Path(sys.argv[1]), b'x' * 5000)\n"
        "except errors.OutputError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a"], capture_output=True, text=True, check=True)
    assert "file too large" in done.stdout
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").stat().st_size == 999


def test_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "model"
    replace_folder(folder, [("a", b"1"), ("b", b"2")])
    replace_folder(folder, [("in/b", b"3")])
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == {"b": b"3"}
    assert os.listdir(tmp_path / "deep") == ["model"]


def test_folder_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    replace_folder(folder, [("a", b"1")])
    with pytest.raises(OutputError):
        replace_folder(folder, [("a", b"2"), ("b" * 300, b"3")])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a": b"1"}
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("linked", [True, False])
def test_a_file_gets_a_second_name_or_is_copied_where_links_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    def refuses(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    if not linked:
        monkeypatch.setattr(os, "link", refuses)
    with NewFolder(tmp_path / "one") as one, NewFolder(tmp_path / "two") as two:
        one.write("deep/a", [b"1", memoryview(b"23")])
        two.link("b", one.path("deep/a"))
        two.put()
        assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["two"]
        one.put()
    assert (tmp_path / "one" / "deep" / "a").read_bytes() == (tmp_path / "two" / "b").read_bytes() == b"123"
    assert (tmp_path / "two" / "b").samefile(tmp_path / "one" / "deep" / "a") == linked
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]


def test_a_folder_that_is_not_put_is_gone(tmp_path: Path) -> None:
    with NewFolder(tmp_path / "model") as new:
        new.write("a", [b"1"])
    assert os.listdir(tmp_path) == []


def test_leftovers_of_killed_writers_are_swept(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("kept", f"{files.TEMPORARY_PREFIX}1-ab", f"deep/{files.TEMPORARY_PREFIX}2-cd"):
        (tmp_path / name).touch()
    files.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "kept"]


@pytest.mark.skipif(sys.platform == "win32", reason="no process is forked there")
def test_lock_is_freed_by_the_death_of_its_holder_though_a_child_lives_on(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from multiprocessing import get_context; from pathlib import Path\n"
        "from i2i.system import files\n"
        "def live(): print(os.getpid(), flush=True); time.sleep(60)\n"
        "with files.lock(Path(sys.argv[1])): get_context('fork').Process(target=live).start(); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path / "lock"], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(UsageError, match=f"Process {holder.pid} is at work in"), files.lock(tmp_path / "lock"):
            pass
        holder.kill()
        holder.wait()
        with files.lock(tmp_path / "lock"):
            pass
        os.kill(child, 0)  # it was there all the time
    finally:
        holder.kill()
        os.kill(child, signal.SIGKILL)
        holder.communicate()
