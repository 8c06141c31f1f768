"""Check of exporters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from i2i.testing.basics import blame, built, completed, require

SIZES = ((16, 24), (32, 16))
"""Height and width of what a file is run with; bare, the network takes them."""
MULTIPLE = 8
SOURCE, TARGET = 1, 3
"""Channels: gray and colours, which formats of pictures take too."""


def check_exporter(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Check that ``cls`` keeps the contract of `i2i.exporters.Exporter`.

    It writes a small network, and what it wrote makes what the network makes, alone and in a batch, of two sizes.

    Raises:
        AssertionError: If it does not.
    """
    import numpy as np
    import torch

    saved = completed(cls, options)
    suffix = getattr(cls, "suffix", None)
    require(isinstance(suffix, str) and suffix[:1] in ("", "."), "its suffix is no text such as '.onnx'.")
    exporter, model = built(cls, (), saved), _Small()
    bare = bool(getattr(exporter, "bare", False))
    with TemporaryDirectory() as made:
        path = Path(made) / f"model{suffix}"
        with blame("writing"):
            exporter(model, path)
        require(path.exists(), f"it wrote no {path.name}.")
        strange = sorted(entry.name for entry in Path(made).iterdir() if entry != path)
        require(not strange, f"it wrote {', '.join(strange)} beside {path.name}. Write one file, or a folder.")
        if not hasattr(exporter, "open"):
            return
        with blame("opening what it wrote"):
            run = exporter.open(path)
        rng = np.random.default_rng(0)
        for height, width in SIZES:
            shape = (2, SOURCE, height, width) if bare else (2, height, width, SOURCE)
            pictures = rng.integers(0, 256, shape, np.uint8)
            given = pictures.astype(np.float32) * np.float32(2 / 255) - 1 if bare else pictures
            with torch.inference_mode():
                expected = model.written(bare=bare).module(torch.from_numpy(given)).numpy()
            with blame("running what it wrote"):
                found, alone = run(given), run(given[:1])
            require(found.shape == expected.shape, f"it makes {found.shape} of {shape}, not {expected.shape}.")
            require(found.dtype == expected.dtype, f"it makes {found.dtype}, not {expected.dtype}.")
            allowed = 1.1 / 127.5 if bare else 1.0
            for result, wanted, what in ((found, expected, "a batch"), (alone, expected[:1], "one item")):
                off = float(np.abs(result.astype(np.float64) - wanted).max())
                require(off <= allowed, f"of {what} it makes something else than the network: {off:.3g} off.")


class _Small:
    """A model of one norm and one transposed convolution, in mode deterministic."""

    about: Mapping[str, str] = {"recipe": "none", "mode": "deterministic"}
    channels, multiple, size = (SOURCE, TARGET), MULTIPLE, SIZES[0]
    look = None

    def written(self, *, bare: bool = False, form: Any = "plain") -> Any:
        """Return it as it is to be written."""
        import torch
        from torch import nn
        from torch.export import Dim

        from i2i.exporters import Written
        from i2i.exporting.forms import PerImage, rewrite, taps2
        from i2i.exporting.pictures import Pictures
        from i2i.fields import Field
        from i2i.testing.basics import seeded

        with seeded(0):
            norm = nn.BatchNorm2d(8, track_running_stats=False)
            down, up = nn.Conv2d(SOURCE, 8, 4, stride=2, padding=1), nn.ConvTranspose2d(8, TARGET, 4, 2, 1)
        network = nn.Sequential(down, PerImage(norm), nn.ReLU(), up, nn.Tanh()).eval().requires_grad_(False)
        if form == "taps2":
            rewrite(network, taps2)
        height, width = 4 * MULTIPLE, 6 * MULTIPLE
        if bare:
            axes = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}
            return Written(network, torch.zeros(2, SOURCE, height, width), axes, self._inputs(bare))
        module = Pictures(network, Field(channels=SOURCE), Field(channels=TARGET), MULTIPLE).eval()
        example = torch.zeros(2, height + 5, width + 5, SOURCE, dtype=torch.uint8)
        return Written(module, example, {0: Dim.DYNAMIC, 1: Dim.DYNAMIC, 2: Dim.DYNAMIC}, self._inputs(bare))

    def _inputs(self, bare: bool) -> Iterator[Any]:
        import numpy as np

        rng = np.random.default_rng(1)
        for height, width in SIZES:
            shape = (1, SOURCE, height, width) if bare else (1, height, width, SOURCE)
            pictures = rng.integers(0, 256, shape, np.uint8)
            yield pictures.astype(np.float32) * np.float32(2 / 255) - 1 if bare else pictures
