"""How long the loop of a training stands still for one save, and what memory that training takes.

    python benchmarks/saving.py FOLDER [DATA]

Trains pix2pix at 256 px with 64 channels, batch 1, in FOLDER, with a save every three steps; on DATA, or on pairs of
noise that it makes there. The loop stands still while it saves, and where an update waits for what is written beside
it; "committed" is the time until the save is. Besides, steps right after a save are compared with the last ones before
one. Peak memory is of the whole process, which is new for this.
"""

import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import i2i
from i2i.training.checkpoint import BegunCheckpoint
from i2i.training.snapshot import Snapshot
from i2i.training.trainer import Trainer

STEPS, EVERY = 9, 3
PAIRS = 4


def make(folder: Path) -> None:
    """Make A|B files of noise."""
    for split in ("train", "val"):
        (folder / split).mkdir(parents=True)
        for number in range(PAIRS):
            noise = np.random.default_rng(number).integers(0, 256, (256, 512, 3), np.uint8)
            (folder / split / f"{number}.png").write_bytes(cv2.imencode(".png", noise)[1].tobytes())


def main() -> None:
    folder, data = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(sys.argv[1]) / "data"
    if not data.exists():
        make(data)
    began, still, cpu, whole = list[float](), list[float](), list[float](), list[float]()
    waited, steps = list[float](), list[float]()
    save, finish, wait, advance = Trainer._save, BegunCheckpoint.finish, Snapshot.wait, Trainer._advance

    def saved(trainer: Trainer) -> None:
        began.append(time.perf_counter())
        used = time.thread_time()
        save(trainer)
        cpu.append(time.thread_time() - used)
        still.append(time.perf_counter() - began[-1])
        waited.append(0.0)

    def finished(*given: Any) -> Path:
        path = finish(*given)
        whole.append(time.perf_counter() - began[-1])
        return path

    def awaited(*given: Any) -> None:
        start = time.perf_counter()
        wait(*given)
        waited[-1] += time.perf_counter() - start

    def advanced(*given: Any) -> None:
        start = time.perf_counter()
        advance(*given)
        steps.append(time.perf_counter() - start)

    classes: tuple[Any, ...] = (Trainer, BegunCheckpoint, Snapshot)
    classes[0]._save, classes[0]._advance = saved, advanced
    classes[1].finish, classes[2].wait = finished, awaited
    i2i.train(
        "pix2pix", data, folder / "run", steps=STEPS, workers=0, size=256, set=[f"training.checkpoint_every={EVERY}"]
    )
    written = sum(file.stat().st_size for file in (folder / "run" / "checkpoints").glob("*/**/*.safetensors"))
    kept = len(list((folder / "run" / "checkpoints").glob("step-*")))
    beside, alone = steps[EVERY::EVERY], steps[EVERY - 1 :: EVERY]
    for name, times in (
        ("stands still", [a + b for a, b in zip(still, waited, strict=True)]),
        ("of that, saves", still),
        ("its CPU", cpu),
        ("updates wait", waited[:-1]),  # after the last save there is none
        ("committed", whole),
        ("step beside one", beside),
        ("other steps", alone),
    ):
        said = ", ".join(f"{seconds:.2f}" for seconds in times)
        print(f"{name:15} {statistics.median(times):6.2f} s, median of {said}")
    print(f"a checkpoint    {written / kept / 1e6:6.0f} MB")
    print(f"peak memory     {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9:6.2f} GB")


if __name__ == "__main__":
    main()
