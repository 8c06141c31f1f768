"""Segmenters that judge: models photograph -> class ids of i2i's own, and ONNX files of anybody's."""

from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from i2i import Translator
from i2i.errors import DataError, MissingInputError, UsageError

GRAY, RGB = 1, 3


class Segmenter(Protocol):
    """Finds the class of each pixel of an image."""

    channels: int
    """Of the images that it looks at."""
    classes: int
    size: tuple[int, int] | None
    """Height and width that it was made for; None where any will do."""

    def __call__(self, image: Tensor) -> Tensor:
        """Turn (N, channels, height, width) in [-1, 1] into (N, height, width) int64."""
        ...


class OwnSegmenter(nn.Module):
    """A model of i2i that makes class ids of an image, as it translates.

    Args:
        path: Its folder, or that of its run.

    Raises:
        I2iError: If there is no model, or it cannot be loaded.
        UsageError: If it makes something else than class ids, or of something else than one image.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        translator = Translator.load(path, device="cpu")
        fields, predictor = translator.config.fields, translator.predictor
        kinds = [fields[name].kind for name in predictor.sources]
        if translator.made.kind != "ids" or kinds != ["image"]:
            raise UsageError(
                f"{path} makes {translator.made.kind} of {' + '.join(kinds)}. A judge makes class ids of an image."
            )
        self._predictor, (self._source,) = predictor, predictor.sources
        self.networks = nn.ModuleList(predictor.networks)  # so that they move with the metric
        self.channels, self.classes = fields[self._source].channels, translator.made.channels
        self.size: tuple[int, int] | None = translator.config.size

    def forward(self, image: Tensor) -> Tensor:
        """Turn (N, channels, H, W) in [-1, 1] into (N, H, W) int64."""
        return self._predictor({self._source: image})


class OnnxSegmenter:
    """A network in an ONNX file: (1, C, H, W) in [-1, 1] -> logits (1, classes, H, W), on the CPU.

    Args:
        path: The file.

    Raises:
        UsageError: If onnxruntime is missing, or the network takes or makes something else.
        DataError: If the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise UsageError(f"{path} needs onnxruntime. Install it: pip install 'i2i-toolkit[onnx]'.") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors alone, which are raised besides
        try:
            self._session: Any = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own, which derive from nothing else
            reason = str(error).strip().splitlines()[0][:200]
            raise DataError(f"{path} cannot be read as ONNX: {reason}. Export it again.") from error
        taken, made = (
            [each.shape for each in sides()] for sides in (self._session.get_inputs, self._session.get_outputs)
        )
        if [len(shape) for shape in (*taken, *made)] != [4, 4]:
            raise UsageError(
                f"{path} takes {taken} and makes {made}. A judge makes (1, classes, H, W) of (1, 3, H, W)."
            )
        (_, channels, *size), (_, classes, *_) = taken[0], made[0]
        if not (isinstance(channels, int) and isinstance(classes, int)):
            raise UsageError(f"{path} does not say its channels or classes. Export it with both fixed.")
        self.channels, self.classes = channels, classes
        self.size: tuple[int, int] | None = (size[0], size[1]) if all(isinstance(side, int) for side in size) else None
        self._path, self._input = path, self._session.get_inputs()[0].name

    def __call__(self, image: Tensor) -> Tensor:
        """Turn (N, channels, H, W) in [-1, 1] into (N, H, W) int64.

        Raises:
            UsageError: If it makes logits of another size.
        """
        found = [self._classes(each[None]) for each in image]
        return torch.cat(found).to(image.device)

    def _classes(self, image: Tensor) -> Tensor:
        (logits,) = self._session.run(None, {self._input: image.float().cpu().numpy()})
        if logits.shape != (1, self.classes, *image.shape[-2:]):
            raise UsageError(
                f"{self._path} makes {logits.shape} of {tuple(image.shape)}. A judge makes logits of the image's size."
            )
        return torch.from_numpy(logits).argmax(1)


def open_segmenter(path: Path) -> OwnSegmenter | OnnxSegmenter:
    """Open a model folder, a run, or an ONNX file.

    Raises:
        MissingInputError: If there is none.
        I2iError: If it is no judge.
    """
    if path.suffix.lower() != ".onnx":
        return OwnSegmenter(path)
    if not path.is_file():
        raise MissingInputError(f"There is no file {path}. Give a judge: a folder, or an ONNX file.")
    return OnnxSegmenter(path)
