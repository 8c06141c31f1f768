"""Pushes and pulls while the hub fails at random: ``python hub_faults.py [SEQUENCES]`` (200, shared by the commands).

A stand-in hub on loopback fails by rules drawn from a seed (``tests/standins/faults.py``): statuses, connections
that end before or after the request has taken effect, silence, wrong checksums, damaged and cut bodies. After each
command the hub is compared with what should lie there (``tests/standins/hub_ordeal.py``). Printed is how the commands
ended, what broke the promise, and where the token was found. The exit code is not 0 if anything was.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np

from i2i import images

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "standins"))

from bench import Bench
from commander import Commander
from hub import Hub
from hub_ordeal import Ordeal

SEQUENCES = 200
SMALL = ["--size", "16", "--steps", "2", "--set", "generator.depth=2", "--set", "generator.base_channels=2"]
SMALL += ["--set", "discriminator.base_channels=2", "--set", "discriminator.layers=1"]


def main(sequences: int) -> int:
    with Hub().running() as hub, tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        home = scratch / "home"
        home.mkdir()
        loud = {"HF_HUB_VERBOSITY": "debug", "HF_HUB_DOWNLOAD_TIMEOUT": "2", "HF_HUB_ETAG_TIMEOUT": "2"}
        bench = Bench(hub, Commander(hub.environment(home, token=None) | loud, home / "log.txt"), home)
        try:
            return endure(bench, scratch, sequences)
        finally:
            bench.command.close()


def endure(bench: Bench, scratch: Path, sequences: int) -> int:
    """All sequences of all commands; returns the exit code."""
    pairs, run = make_pairs(scratch / "pairs"), scratch / "run"
    trained = bench("train", "--plugin", "pix2pix", "--data", pairs, "--out", run, *SMALL)
    if trained.code:
        raise SystemExit(trained.err)
    ordeal = Ordeal(bench, run, pairs, scratch / "work")
    pushed = bench.new_name()
    bench("push", run, pushed, "--licence", "mit")
    pull = partial(ordeal.pull, pushed=bench.repository(pushed).files())
    commands: dict[str, Callable[[int], str]] = {"push": ordeal.push, "data push": ordeal.push_data, "pull": pull}
    endings: dict[str, Counter[str]] = {name: Counter() for name in commands}
    broken = []
    for seed, (name, command) in zip(range(sequences), cycle(commands.items()), strict=False):
        try:
            endings[name][command(seed)] += 1
        except AssertionError as error:
            endings[name]["broken"] += 1
            broken.append(f"{name}, seed {seed}: {error}")
    print("command      done  refused  unknown  broken")
    for name, counts in endings.items():
        print(f"{name:9}" + "".join(f"{counts[ending]:9}" for ending in ("done", "refused", "unknown", "broken")))
    leaks = ordeal.leaks(scratch)
    print(f"requests: {len(bench.hub.requests)}, places where the token lies: {len(leaks)}", *broken, *leaks, sep="\n")
    return int(bool(broken or leaks))


def make_pairs(root: Path) -> Path:
    """Four training and two validation pairs of noise."""
    random = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for half in ("imageA", "imageB"):
            (root / split / half).mkdir(parents=True)
            for i in range(count):
                images.write(root / split / half / f"{i}.png", random.integers(0, 256, (16, 16, 3), np.uint8))
    return root


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SEQUENCES))
