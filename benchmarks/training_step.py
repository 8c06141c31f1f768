"""CPU time of a step of pix2pix over that of the plain textbook loop.

``training_step.py [--case 256/64/1] ... [--precision bf16]``

Both train the same networks on the same batch in one process and one thread, in turn, so that a drift of the machine
meets both. Cases are pixels / channels / batch.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from i2i.assembly import assemble
from i2i.compute.precision import Numbers
from i2i.contracts import Clock
from i2i.fields import Field, Fields
from i2i.selection import select
from i2i.training.updates import Updater

CASES = ("256/64/1", "128/64/1", "256/64/4")
ADAM = {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", help="PIXELS/CHANNELS/BATCH; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", choices=["float32", "bf16"], default="float32", help="of ours")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'case':>10} {'textbook':>9} {'i2i':>9}   ratio (medians of {given.rounds} rounds, CPU ms a step)")
    for case in given.case or CASES:
        pixels, channels, batch = map(int, case.split("/"))
        plain, ours = measured(pixels, channels, batch, given.rounds, given.precision)
        print(f"{case:>10} {plain * 1e3:9.0f} {ours * 1e3:9.0f}   {plain / ours:.2f}", flush=True)


def measured(pixels: int, channels: int, batch: int, rounds: int, numbers: Numbers) -> tuple[float, float]:
    """Return CPU-seconds of a step of the textbook's loop and of ours."""
    fields = Fields({"source": Field(channels=3), "target": Field(channels=3)}, (pixels, pixels))
    options = {
        "generator": {"base_channels": channels, "depth": min(pixels.bit_length() - 1, 8)},
        "discriminator": {"base_channels": channels},
    }
    torch.manual_seed(0)
    recipe = assemble(select("pix2pix", {}, options, fields), fields)
    source, target = (torch.rand(batch, 3, pixels, pixels) * 2 - 1 for _ in range(2))
    plain = Textbook(*(copy.deepcopy(recipe.get_submodule(part)) for part in ("generator", "discriminator")))
    updater, given = (
        Updater(recipe, ADAM, numbers=numbers),
        {"source": source, "target": target, "clock": Clock(0, 1000, 0)},
    )
    both: tuple[Callable[[], Any], ...] = (lambda: plain.step(source, target), lambda: updater.step(**given))
    times = [[seconds(step) for step in both] for _ in range(rounds + 1)][1:]  # the first step allocates
    medians = [statistics.median(each) for each in zip(*times, strict=True)]
    return medians[0], medians[1]


def seconds(step: Callable[[], Any]) -> float:
    began = time.process_time()
    step()
    return time.process_time() - began


class Textbook:
    """The loop as tutorials have it (Isola et al. 2017, section 3), without any part of ours but the networks."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.adam_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.adam_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def step(self, source: Tensor, target: Tensor) -> None:
        fake = self.generator(source)
        real_logits = self.discriminator(torch.cat([source, target], 1))
        fake_logits = self.discriminator(torch.cat([source, fake.detach()], 1))
        self.adam_d.zero_grad()
        ((self.judged(real_logits, True) + self.judged(fake_logits, False)) / 2).backward()
        self.adam_d.step()
        logits = self.discriminator(torch.cat([source, fake], 1))
        self.adam_g.zero_grad()
        (self.judged(logits, True) + 100 * functional.l1_loss(fake, target)).backward()
        self.adam_g.step()

    def judged(self, logits: Tensor, real: bool) -> Tensor:
        labels = torch.ones_like(logits) if real else torch.zeros_like(logits)
        return functional.binary_cross_entropy_with_logits(logits, labels)


if __name__ == "__main__":
    main()
