"""CPU time of an image by a translator, prepared for many images, over that of the bare network in eager mode.

``translate_speed.py [--pixels 256] [--channels 64] [--precision float32] [--mode deterministic]``: both translate the
same image in one process and one thread, in turn, so that a drift of the machine meets both. The translator turns a
uint8 image into a uint8 image; the network has its tensor ready.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from i2i.assembly import assemble
from i2i.fields import Field, Fields
from i2i.selection import select
from i2i.translation import Translator
from i2i.translation.model import ModelConfig, origins, save_model
from i2i.translation.modes import in_mode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--precision", choices=["float32", "bf16"], default="float32")
    parser.add_argument("--mode", choices=["paper", "deterministic", "running"], default="deterministic")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        network = saved(Path(folder), given.pixels, given.channels)
        translator = Translator.load(folder, mode=given.mode, precision=given.precision, device="cpu")
    form = in_mode(network, given.mode)
    image = np.random.default_rng(0).integers(0, 256, (given.pixels, given.pixels, 3), np.uint8)
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1

    def eager() -> None:
        with torch.inference_mode():
            form(tensor)

    few = medians(given.rounds, eager, lambda: translator(image))
    packing = seconds(translator.pack)
    many = medians(given.rounds, eager, lambda: translator(image))
    print(f"{'':>20} {'eager':>7} {'i2i':>7}   ratio (CPU ms an image, medians of {given.rounds})")
    for name, (bare, ours) in (("as it is loaded", few), ("packed", many)):
        print(f"{name:>20} {bare * 1e3:7.0f} {ours * 1e3:7.0f}   {bare / ours:.2f}")
    gained = few[1] - many[1]
    pays = f"pays from {packing / gained:.1f} images on" if gained > 0 else "never pays"
    print(f"packing takes {packing:.2f} CPU-s: it {pays}")


def saved(folder: Path, pixels: int, channels: int) -> torch.nn.Module:
    """Write a model of drawn weights; returns its generator."""
    fields = Fields({"source": Field(channels=3), "target": Field(channels=3)}, (pixels, pixels))
    options = {"generator": {"base_channels": channels, "depth": min(pixels.bit_length() - 1, 8)}}
    selection = select("pix2pix", {}, options, fields)
    torch.manual_seed(0)
    network = assemble(selection, fields).get_submodule("generator")
    about: dict[str, Any] = {"size": (pixels, pixels), "direction": "AtoB", "mode": "deterministic", "step": 0}
    config = ModelConfig(selection=selection, providers=origins(selection), fields=dict(fields), **about)
    save_model(folder, config, {"generator": network.state_dict()})
    return network


def medians(rounds: int, *works: Callable[[], Any]) -> list[float]:
    """Return the median of the CPU-seconds of each, done in turn."""
    times = [[seconds(work) for work in works] for _ in range(rounds + 1)][1:]
    return [statistics.median(each) for each in zip(*times, strict=True)]


def seconds(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
