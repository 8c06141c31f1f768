"""What plugins may write a trained model as: files of other runtimes; the contract of exporters, and what they get."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from numpy.typing import NDArray
from torch import Tensor, nn

from i2i.choices import Component

Form = Literal["plain", "taps2"]
"""How transposed convolutions of stride 2 are written: ``plain`` as they are; ``taps2`` as an ordinary convolution of
2x2 to four times the channels, which are then laid out in space: some runtimes have fast kernels for that alone."""

Run = Callable[[NDArray[Any]], NDArray[Any]]
"""Computes what a file makes of a batch of what it takes; threads may call it at once."""


class Written(NamedTuple):
    """A network as it is to be written."""

    module: nn.Module
    """Takes one tensor and returns one. It is in evaluation and has its mode built in, so that each item of a batch is
    made as if it were alone. Nothing else has it: it may be changed."""
    example: Tensor
    """What it takes."""
    dynamic: Mapping[int, Any]
    """Axes of what it takes that may have any size: as ``torch.export`` wants it of its first argument."""
    inputs: Iterator[NDArray[Any]]
    """What it is given in use, item by item with a batch axis: sources that the user named with ``--data``; none where
    nobody did."""


class Exportable(Protocol):
    """A trained model that makes one field of one other, without noise."""

    about: Mapping[str, str]
    """What it is, in words: recipe, steps, mode, and what it takes and makes."""
    channels: tuple[int, int]
    """Of what it takes and of what it makes."""
    multiple: int
    """Bare, it takes heights and widths that are divisible by this number."""
    size: tuple[int, int]
    """Height and width of the training's images."""
    look: Component | None
    """What its sources look like, if a preparer made them: its name, and as options those of its `i2i.looks.Look`."""

    def written(self, *, bare: bool = False, form: Form = "plain") -> Written:
        """Return it as it is to be written.

        Args:
            bare: Float32 (N, C, H, W) to float32 of the same height and width, in [-1, 1]. Otherwise uint8 (N, H, W, C)
                to uint8, of any height and width from 2 on: mirrored outwards to a size that the network takes, and cut
                back, as translating does.
            form: Of its transposed convolutions.

        Raises:
            UsageError: If it takes or makes no 8-bit pictures, and is not to be bare.
        """
        ...


class Exporter(Protocol):
    """``__init__(*, options)``; writes a model as a file that another runtime takes.

    Building one only refuses what cannot work, such as a package that is missing. Afterwards the engine runs the file
    beside the model, and removes it where they differ: by more than one level of 8 bits, or by one level in more than
    ``share`` of the values.

    What it may have besides: ``bare``, whether the file takes what a bare network does; ``share``, of float arithmetic
    0.0005 where nothing is said; ``calibrated``, whether it looks at ``inputs`` to round more coarsely, as int8 does:
    what that costs is then measured on held-out images, and bounded, instead of ``share``; ``runs_code``, a class
    attribute, whether opening a file may run code of whoever wrote it: no file of another's is then opened.
    """

    suffix: ClassVar[str]
    """Of the file, such as ``.onnx``; empty where it is a folder."""

    def __call__(self, model: Exportable, path: Path, /) -> None:
        """Write it; nothing is there yet.

        Raises:
            I2iError: If that cannot be.
        """
        ...

    def open(self, path: Path, /) -> Run:
        """Return what runs a file on this machine; an exporter without it is not checked, and no backend."""
        ...


def build_exporter(name: str, **options: Any) -> Any:
    """Build another exporter, with all that its class has besides, by its name: for one that adds to what it writes.

    Raises:
        UnknownNameError: If it is not installed.
        UsageError: If an option is wrong, or a package is missing that it needs.
    """
    from i2i.options import build
    from i2i.plugins import lookup

    return build(lookup("exporter", name).cls, options=options, owner=f"exporter {name!r}")
