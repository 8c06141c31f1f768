"""The paper's figure 6: pix2pix with discriminators that see 1, 16, 70 and 286 pixels, side by side on facades.

    python benchmarks/patch_sizes.py DATA OUT [--set dataset.direction=BtoA]

DATA has the splits ``train`` and ``val``. Trains the four at 128 pixels, each by one thread and two beside each other,
and goes on where it was stopped; then measures them on ``val`` and draws them on the same inputs, into
``OUT/judged/grid.png``.
"""

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import i2i

PATCHES = {1: 0, 16: 1, 70: 3, 286: 5}
"""Receptive field in pixels -> ``discriminator.layers`` (Isola et al. 2017, appendix 6.1.2)."""
SIZE, WIDTH, BATCH = 128, 32, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--set", nargs="*", default=[], metavar="SECTION.OPTION=VALUE", help="further settings")
    said = parser.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda patch: trained(patch, said), PATCHES))
    found = i2i.evaluate(
        [f"{patch}x{patch}={run / 'model-last'}" for patch, run in zip(PATCHES, runs, strict=True)],
        said.data,
        said.out / "judged",
        split="val",
        metric=["l1", "kid-lite0"],
    )
    for model in found.models:
        print(model.name, ", ".join(f"{name} {figure.value:.4g}" for name, figure in model.figures.items()))


def trained(patch: int, said: argparse.Namespace) -> Path:
    """Train, or go on; returns the run."""
    run: Path = said.out / f"patch-{patch}"
    if (run / "checkpoints" / "latest.json").exists():
        given = ["--resume", run]
    else:
        settings = [
            f"generator.depth={SIZE.bit_length() - 1}",
            f"generator.base_channels={WIDTH}",
            f"discriminator.base_channels={WIDTH}",
            f"discriminator.layers={PATCHES[patch]}",
            f"validation.every={said.steps + 1}",
            "training.threads=1",
            *said.set,
        ]
        given = ["--plugin", "pix2pix", "--data", said.data, "--out", run, "--size", SIZE, "--batch-size", BATCH]
        given += [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "i2i", "train", *given, "--steps", said.steps, "--quiet"]
    subprocess.run(list(map(str, command)), check=True)
    return run


if __name__ == "__main__":
    main()
