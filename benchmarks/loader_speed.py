"""What loading costs, against a bare loop that only reads and decodes the same files with OpenCV.

    python benchmarks/loader_speed.py PICTURES FOLDER [PAIRS]

Makes PAIRS A|B files (200 when not given) of 512x256 in FOLDER where there are none: JPEGs of the pictures in PICTURES
and of their edges. Loads them as training does: 286, then crops of 256, mirrored half of the time, batch 1. CPU time is
that of this process with one thread, the best of several rounds in turn; pairs a second are those of the wall clock,
for which the machine must be quiet.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from i2i import images
from i2i.data.dataset import Pairs
from i2i.data.items import Items
from i2i.data.jitter import Jitter
from i2i.data.loading import CPU, Loader
from i2i.data.resident import ResidentLoader

ROUNDS = 5
WORKERS = (1, 2, 4)


def make(folder: Path, pictures: Path, pairs: int) -> None:
    """Make A|B files of pictures and their edges, over again where there are fewer pictures."""
    (folder / "train").mkdir(parents=True)
    found = images.discover([pictures]).files
    for number in range(pairs):
        photo = images.fit(images.read(found[number % len(found)], channels=3).pixels, 256, "crop")
        edges = np.dstack([255 - cv2.Canny(photo, 100, 200)] * 3)
        both = cv2.cvtColor(np.hstack([edges, photo]), cv2.COLOR_RGB2BGR)
        (folder / "train" / f"{number:05}.jpg").write_bytes(cv2.imencode(".jpg", both)[1].tobytes())


def bare(folder: Path) -> None:
    """Read and decode every file."""
    for file in sorted((folder / "train").iterdir()):
        assert cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED) is not None


def load(items: Items, workers: int) -> tuple[float, float]:
    """Load every pair once; returns the CPU and the wall seconds, from the first batch on."""
    loader = Loader(items, batch_size=1, start=0, stop=len(items), workers=workers)
    try:
        next(loader)  # processes have started then
        return timed(lambda: sum(1 for _ in loader))
    finally:
        loader.close()


def load_again(items: Items) -> tuple[float, float]:
    """Load every pair a second time, from memory."""
    loader = ResidentLoader(items, CPU, batch_size=1, start=0, stop=2 * len(items), workers=0)
    for _ in items.dataset.names:
        next(loader)
    return timed(lambda: sum(1 for _ in loader))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    pictures, folder = Path(sys.argv[1]), Path(sys.argv[2])
    if not folder.exists():
        make(folder, pictures, int(sys.argv[3]) if len(sys.argv) > 3 else 200)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    pairs = Pairs(folder, "train")
    items = Items(pairs, pairs.fields, Jitter((256, 256), (286, 286), mirror=True), 0)
    ways: dict[str, Callable[[], tuple[float, float]]] = {
        "bare decode": lambda: timed(lambda: bare(folder)),
        "from files": lambda: load(items, 0),
        "from memory": lambda: load_again(items),
    }
    ways |= {f"{workers} workers": lambda workers=workers: load(items, workers) for workers in WORKERS}  # type: ignore[misc]
    rounds = [{way: measure() for way, measure in ways.items()} for _ in range(ROUNDS)]
    cpu = {way: min(each[way][0] for each in rounds) / len(pairs) for way in ways}
    wall = {way: min(each[way][1] for each in rounds) / len(pairs) for way in ways}
    for way in ways:
        line = f"{way:12} {1 / wall[way]:7.0f} pairs/s"
        if not way.endswith("workers"):
            line += f"   {1e3 * cpu[way]:.2f} ms of CPU, {cpu['bare decode'] / cpu[way]:.2f} of bare decode's speed"
        print(line)


if __name__ == "__main__":
    main()
