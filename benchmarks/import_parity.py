"""Imports a checkpoint of each layout of pytorch-CycleGAN-and-pix2pix and compares outputs; takes no arguments.

The checkpoints are of that code's networks at their real widths, built in plain PyTorch
(``tests/standins/cyclegan.py``) with random values in every tensor, saved, and read by ``i2i import``. Printed is the
largest difference of the outputs, which are in [-1, 1], of one image: in training mode, which is how its ``test.py``
runs them, with dropout drawn from the same seed; and in evaluation mode (``--eval``).
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "standins"))

from cyclegan import Resnet, Unet, trained

from i2i.config import Mode
from i2i.translation.model import load_weights
from i2i.translation.modes import in_mode, inference
from i2i.translation.parts import load_model
from i2i_import.importing import import_checkpoint

MODES: dict[Mode, bool] = {"running": False, "paper": True}
"""Our mode -> whether their network is in training mode, which changes its running averages and so comes last."""


class Layout(NamedTuple):
    name: str
    norm: str
    dropout: bool
    size: int
    build: Callable[[], nn.Module]


def layouts() -> Iterator[Layout]:
    for norm in ("batch", "instance", "none"):
        for dropout in (True, False):
            for halvings in (7, 8):
                yield unet(halvings, norm, dropout)
            for blocks in (6, 9):
                yield resnet(blocks, norm, dropout)


def unet(halvings: int, norm: str, dropout: bool) -> Layout:
    size = 2**halvings
    return Layout(f"unet_{size}", norm, dropout, size, lambda: Unet(3, 3, halvings, 64, norm, dropout))


def resnet(blocks: int, norm: str, dropout: bool) -> Layout:
    return Layout(f"resnet_{blocks}blocks", norm, dropout, 128, lambda: Resnet(3, 3, blocks, 64, norm, dropout))


def compare(layout: Layout, folder: Path) -> tuple[bool, dict[str, float], float]:
    """Measure whether the bits are the file's, the largest difference by mode, and how far the outputs spread."""
    checkpoint, model = folder / "net.pth", folder / "model"
    reference = trained(layout.build())
    torch.save(reference.state_dict(), checkpoint)
    import_checkpoint(checkpoint, model, dropout=layout.dropout if layout.name.startswith("unet") else None)
    config, parts = load_model(model)
    theirs = sorted(bits(tensor) for tensor in reference.state_dict().values())
    same = theirs == sorted(bits(tensor) for tensor in load_weights(model, config, "generator").values())
    source = torch.rand(1, 3, layout.size, layout.size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    differences: dict[str, Any] = {}
    for mode, training in MODES.items():
        with torch.no_grad():
            torch.manual_seed(0)
            expected = reference.train(training)(source)
        with inference(seed=0):
            differences[mode] = float((in_mode(parts["generator"], mode)(source) - expected).abs().max())
    return same, differences, float(expected.std())


def bits(tensor: Tensor) -> bytes:
    return bytes(tensor.contiguous().numpy().tobytes())


def main() -> None:
    print("| layout | norm | dropout | bits | training mode | evaluation mode | spread of outputs |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for layout in layouts():
        with tempfile.TemporaryDirectory() as folder:
            same, differences, spread = compare(layout, Path(folder))
        kind = ["off", "on"][layout.dropout]
        figures = f"{differences['paper']:.2g} | {differences['running']:.2g} | {spread:.2f}"
        print(
            f"| {layout.name} | {layout.norm} | {kind} | {'equal' if same else 'DIFFERENT'} | {figures} |", flush=True
        )


if __name__ == "__main__":
    main()
