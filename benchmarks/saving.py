"""How long the loop of a training stands still for one save, and what memory that training takes.

    python benchmarks/saving.py FOLDER [DATA]

Trains pix2pix at 256 px with 64 channels, batch 1, in FOLDER, with a save every two steps; on DATA, or on pairs of
noise that it makes there. Both times are of a save: for the loop, and until it is committed. Peak memory is of the
whole process, which is new for this.
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
from i2i.training.trainer import Trainer

STEPS, EVERY = 6, 2
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
    save, finish = Trainer._save, BegunCheckpoint.finish

    def timed(trainer: Trainer) -> None:
        began.append(time.perf_counter())
        used = time.thread_time()
        save(trainer)
        cpu.append(time.thread_time() - used)
        still.append(time.perf_counter() - began[-1])

    def finished(*given: Any) -> Path:
        path = finish(*given)
        whole.append(time.perf_counter() - began[-1])
        return path

    classes: tuple[Any, Any] = (Trainer, BegunCheckpoint)
    classes[0]._save, classes[1].finish = timed, finished
    i2i.train(
        "pix2pix", data, folder / "run", steps=STEPS, workers=0, size=256, set=[f"training.checkpoint_every={EVERY}"]
    )
    written = sum(file.stat().st_size for file in (folder / "run" / "checkpoints").glob("*/**/*.safetensors"))
    kept = len(list((folder / "run" / "checkpoints").glob("step-*")))
    for name, times in (("stands still", still), ("of that, CPU", cpu), ("committed", whole)):
        said = ", ".join(f"{seconds:.2f}" for seconds in times)
        print(f"{name:14} {statistics.median(times):6.2f} s a save, median of {said}")
    print(f"a checkpoint   {written / kept / 1e6:6.0f} MB")
    print(f"peak memory    {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9:6.2f} GB")


if __name__ == "__main__":
    main()
