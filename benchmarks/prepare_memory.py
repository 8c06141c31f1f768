"""Memory that a preparation takes in the process that one starts, for each input: from two runs of different length.

python benchmarks/prepare_memory.py [--few 2000] [--many 12000] [--workers 2]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from i2i import images
from i2i.preparation import prepare

A_FOLDER = 1000
"""Photographs in one folder."""


def peak() -> int:
    """Return the largest memory that this process has had so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(source: Path, out: Path, workers: int) -> None:
    """Prepare, and print the peak when the work begins and at the end."""
    peaks: list[int] = []

    def note(done: int, total: int) -> None:
        if not peaks:
            peaks.append(peak())

    prepare("grayscale", [source], out, options={"size": 16}, workers=workers, on_progress=note)
    print(peaks[0], peak())


def add_photographs(source: Path, first: int, last: int) -> None:
    """Add small ones, all different, with names as long as those of a camera."""
    for number in range(first, last):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3)).astype(np.uint8)
        folder = source / f"{number // A_FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        images.write(folder / f"IMG_{number:08}.png", pixels)


def measure(source: Path, out: Path, workers: int) -> list[int]:
    """Measure both peaks of a process of its own."""
    command = [sys.executable, __file__, "--source", str(source), "--out", str(out), "--workers", str(workers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [int(text) for text in done.stdout.split()]


def main() -> None:
    """Measure twice, and print the difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=2000)
    parser.add_argument("--many", type=int, default=12000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.source:
        run(given.source, given.out, given.workers)
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "photos")
        add_photographs(source, 0, given.few)
        few = measure(source, Path(folder, "few"), given.workers)
        add_photographs(source, given.few, given.many)
        many = measure(source, Path(folder, "many"), given.workers)
    for what, before, after in zip(("list of inputs", "with the splits drawn"), few, many, strict=True):
        each = (after - before) / (given.many - given.few)
        print(
            f"{what}: {before / 1e6:.0f} MB for {given.few} inputs, {after / 1e6:.0f} MB for {given.many}: "
            f"{each / 1e3:.2f} kB each"
        )


if __name__ == "__main__":
    main()
