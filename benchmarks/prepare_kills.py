"""Kills at random instants: the same bytes, no work twice, no torn file, and a second run that does nothing.

python benchmarks/prepare_kills.py [--photos 2000] [--kills 30] [--workers 2]
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

import i2i
from i2i import plugins
from i2i.pairs import Pair, Pixels, Reading
from i2i.preparation import prepare


class Counted:
    """A picture and its negative; counts what it is given.

    Args:
        log: File that gets one byte for each picture.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(self, *, log: str) -> None:  # a Path would be a file that decides what is made
        self.log = Path(log)

    def __call__(self, *images: Pixels) -> Pair:
        with self.log.open("ab") as file:
            file.write(b".")
        return Pair(255 - images[0], images[0])


class Plugin:
    @i2i.hookimpl
    def i2i_preparers(self) -> dict[str, type[Counted]]:
        import prepare_kills  # by this name, worker processes find the class; `__main__` is another module for them

        return {"counted": prepare_kills.Counted}


def run(source: Path, out: Path, log: Path, workers: int) -> None:
    installed = plugins.Plugins()
    installed.register(Plugin(), "counted")
    plugins.installed = lambda group: installed  # type: ignore[assignment]
    prepare("counted", [source], out, options={"log": str(log)}, workers=workers, val=0.2)


def begin(source: Path, out: Path, log: Path, workers: int) -> "subprocess.Popen[bytes]":
    words = [sys.executable, __file__, "--run", source, out, log, workers]
    return subprocess.Popen([str(word) for word in words], start_new_session=True)


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def pictures(folder: Path) -> Iterator[Path]:
    # unlike Path.rglob, it takes no offence at folders that vanish
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names if name.endswith(".png") and not name.startswith("."))


class Watcher(threading.Thread):
    """Opens every picture that appears, for as long as it is not told to stop.

    Args:
        folder: Where they appear.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder = folder
        self.stop = threading.Event()
        self.seen: set[str] = set()
        self.torn: list[str] = []

    def run(self) -> None:
        while not self.stop.is_set():
            for path in pictures(self.folder):
                if path.name + path.parent.name in self.seen:
                    continue
                try:
                    data = path.read_bytes()
                except FileNotFoundError:  # moved to its split
                    continue
                self.seen.add(path.name + path.parent.name)
                if cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is None or b"IEND" not in data[-12:]:
                    self.torn.append(str(path))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source, out, log = folder / "photos", folder / "out", folder / "log"
        source.mkdir()
        for number in range(given.photos):
            coarse = np.random.default_rng(number).integers(0, 256, (12, 12, 3), np.uint8)
            cv2.imwrite(str(source / f"{number:05}.jpg"), cv2.resize(coarse, (320, 240)))
        # the same log, since it is an option and options are in dataset.yaml
        assert begin(source, folder / "whole", log, given.workers).wait() == 0
        log.unlink()
        watcher = Watcher(out)
        watcher.start()
        kills = 0
        while True:
            process = begin(source, out, log, given.workers)
            if kills < given.kills:
                # after some pictures, so that on no machine the work is done before the last kill
                goal = (log.stat().st_size if log.exists() else 0) + rng.randint(1, given.photos // given.kills)
                while process.poll() is None and (log.stat().st_size if log.exists() else 0) < goal:
                    time.sleep(0.002)
                time.sleep(0.02 * rng.random())
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    kills += 1
            if (code := process.wait()) == 0:
                break
            assert code == -signal.SIGKILL
        watcher.stop.set()
        watcher.join()
        decoded = log.stat().st_size
        limit = given.photos + kills * given.workers
        start = time.monotonic()
        assert begin(source, out, log, given.workers).wait() == 0
        again = time.monotonic() - start
        same = tree(out) == tree(folder / "whole")
        redone = log.stat().st_size - decoded
        print(f"{given.photos} photographs, {kills} kills, {given.workers} workers")
        print(f"same tree: {same}")
        print(f"decoded {decoded}, at most {limit} allowed: {decoded <= limit}")
        print(f"{len(watcher.seen)} files watched, torn: {len(watcher.torn)}")
        print(f"second run decoded {redone} and took {again:.2f} s with its start")
    fine = kills == given.kills and same and decoded <= limit and not watcher.torn and not redone
    return 0 if fine else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]))
    else:
        sys.exit(main())
