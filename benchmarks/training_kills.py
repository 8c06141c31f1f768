"""Kills trainings at random instants: the same bytes as without a kill, and nothing left behind.

Three runs, all with running averages, accumulated batches and processes that read: pix2pix, CycleGAN with its pools,
and pix2pix in two processes, of which one is killed, or the one that has started both.

python benchmarks/training_kills.py [--kills 25] [--steps 60] [--workers 2]
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

SMALL = {
    "pix2pix": ["generator.depth=2", "generator.base_channels=4", "discriminator.layers=1"],
    "cyclegan": [
        *(
            "generator.blocks=1",
            "generator.base_channels=2",
            "generator_back.blocks=1",
            "generator_back.base_channels=2",
        ),
        *("discriminator.layers=1", "discriminator_back.layers=1", "dataset.name=pairs", "recipe.pool=5"),
    ],
}
RUNS = {"pix2pix": ("pix2pix", 1), "cyclegan": ("cyclegan", 1), "pix2pix in two processes": ("pix2pix", 2)}


def write_pairs(root: Path) -> None:
    for split, count in (("train", 10), ("val", 2)):
        for number in range(count):
            coarse = np.random.default_rng([number, split == "val"]).integers(0, 256, (4, 4, 3), np.uint8)
            pixels = cv2.resize(coarse, (32, 32), interpolation=cv2.INTER_CUBIC)
            for column, values in (("imageA", pixels), ("imageB", 255 - pixels)):
                (root / split / column).mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(root / split / column / f"{number:02}.png"), values)


def begin(recipe: str, data: Path, out: Path, given: argparse.Namespace, count: int) -> "subprocess.Popen[bytes]":
    """Begin a run, or go on with it where it has begun."""
    together = ["--nproc", count] if count > 1 else []
    settings = [
        *SMALL[recipe],
        *("training.accumulate=2", "average.generator=0.99", "training.threads=1", "training.checkpoint_every=7"),
        *("validation.every=20", "validation.metrics=[l1]", "validation.select=l1", "validation.images=2"),
    ]
    flags = [word for setting in settings for word in ("--set", setting)]
    new = ["--plugin", recipe, "--data", data, "--out", out, "--size", 16, "--steps", given.steps, *flags]
    run = ["--resume", out] if (out / "config.yaml").exists() else [*new, "--workers", given.workers]
    words = [sys.executable, "-m", "i2i", "train", "--quiet", *together, *run]
    return subprocess.Popen([str(word) for word in words], start_new_session=True, stderr=subprocess.DEVNULL)


def steps_done(run: Path) -> int:
    log = run / "metrics.jsonl"
    return log.read_bytes().count(b'"lr"') if log.exists() else 0


def children_of(process: int) -> list[int]:
    """Return the processes that one has started, without those that they have."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True).stdout
    return [int(word) for word in listed.split()]


def contents(run: Path) -> dict[str, str]:
    """Return the checksums of what a run has made but for pictures, which the clock asks for too."""
    made = [run / "metrics.jsonl", *(run / "model").rglob("*"), *(run / "model-last").rglob("*")]
    made += max((run / "checkpoints").glob("step-*")).rglob("*")
    return {str(p.relative_to(run)): hashlib.sha256(p.read_bytes()).hexdigest() for p in made if p.is_file()}


def left_behind(run: Path) -> list[str]:
    """Return what should not be there any more: half-written files, and processes that name the run."""
    hidden = [str(path) for path in run.rglob(".*") if path.name != ".lock"]
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True).stdout
    return hidden + [line for line in listed.splitlines() if str(run) in line]


def killed(recipe: str, data: Path, out: Path, given: argparse.Namespace, count: int, kills: int) -> list[float]:
    """Train, and kill on the way; returns the seconds from each kill to the next step of its run."""
    rng, waits, done = random.Random(f"{recipe}{count}"), list[float](), 0
    since: tuple[float, int] | None = None
    while True:
        process = begin(recipe, data, out, given, count)
        goal = steps_done(out) + rng.randint(1, max(2, given.steps // kills))
        while process.poll() is None:
            if since is not None and steps_done(out) > since[1]:
                waits.append(time.monotonic() - since[0])
                since = None
            if done < kills and steps_done(out) >= goal:
                time.sleep(0.05 * rng.random())
                victims = [process.pid, *(children_of(process.pid) if count > 1 else [])]
                os.kill(rng.choice(victims), signal.SIGKILL)
                done, goal = done + 1, sys.maxsize
                process.wait()
                while any(line for line in left_behind(out) if line.lstrip()[0].isdigit()):
                    time.sleep(0.01)  # those that it has started end by themselves
                since = (time.monotonic(), steps_done(out))
            time.sleep(0.005)
        if process.returncode == 0:
            return waits


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    fine = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_pairs(folder / "pairs")
        for number, (name, (recipe, count)) in enumerate(RUNS.items()):
            kills = given.kills // len(RUNS) + (number < given.kills % len(RUNS))
            whole, parts = folder / f"whole-{number}", folder / f"parts-{number}"
            assert begin(recipe, folder / "pairs", whole, given, count).wait() == 0
            waits = killed(recipe, folder / "pairs", parts, given, count, kills)
            same, left = contents(whole) == contents(parts), left_behind(parts)
            fine = fine and same and not left
            longest = f"{max(waits):.1f} s at most from a kill to the next step" if waits else "no step after a kill"
            print(f"{name}: {kills} kills, same bytes: {same}, left behind: {left or 'nothing'}, {longest}", flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
