"""A trained model as an ONNX file."""

import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from i2i.errors import DataError, UsageError
from i2i.exporters import Exportable, Form, Run, Written
from i2i_exporters.storage import halved, quantize

TAKES, MAKES = "image", "translated"
"""Names of the file's input and output."""
AXES: Mapping[bool, tuple[str, ...]] = {
    True: ("batch", "channels", "height", "width"),
    False: ("batch", "height", "width", "channels"),
}
"""Names of the axes of what it takes, bare or not."""


class Onnx:
    """ONNX, which onnxruntime, browsers, phones and most other runtimes read (https://onnx.ai).

    Computing is in float32 unless storage is ``int8``.

    Args:
        opset: Version of the operators: of older ones runtimes know more, from 17 on all that is needed is there.
        storage: ``float32``; ``float16``, in which weights take half the file; ``int8``, in which weights and what is
            computed take 8 bits, but for the first and the last convolution: a quarter of the file. Needs ``--data``.
        form: Of transposed convolutions: ``taps2`` is the faster one in onnxruntime, and the one that has 8 bits;
            ``plain`` is faster in browsers, in float32.
        bare: Write the network alone: float32 (N, C, H, W) in [-1, 1], of heights and widths that it takes.

    Raises:
        UsageError: If a package is missing, or 8 bits are asked for of transposed convolutions.
    """

    suffix: ClassVar[str] = ".onnx"

    def __init__(
        self,
        *,
        opset: Annotated[int, Field(ge=17, le=20)] = 17,
        storage: Literal["float32", "float16", "int8"] = "float32",
        form: Form = "taps2",
        bare: bool = False,
    ) -> None:
        if missing := [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]:
            lack = " and ".join(missing)
            raise UsageError(f"Exporter 'onnx' needs {lack}. Install it: pip install 'i2i-toolkit[export]'.")
        if (storage, form) == ("int8", "plain"):
            raise UsageError("onnxruntime has no transposed convolutions in 8 bits. Say form=taps2 with storage=int8.")
        self._opset, self._storage, self._form = opset, storage, form
        self.bare, self.calibrated = bare, storage == "int8"
        self.share = 1.0 if storage == "float16" else 0.0005

    def __call__(self, model: Exportable, path: Path) -> None:
        """Write it."""
        import onnx

        written = model.written(bare=self.bare, form=self._form)
        _trace(written, path, self._opset, AXES[self.bare])
        if self._storage == "int8":
            quantize(path, TAKES, written.inputs)
        graph = onnx.load(path)
        if self._storage == "float16":
            halved(graph)
        for name, value in model.about.items():
            graph.metadata_props.add(key=name, value=value)
        onnx.save(graph, path)

    def open(self, path: Path) -> Run:
        """Return what runs a file in onnxruntime, on the CPU, with as many threads as torch has."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of onnxruntime's own, which have no common class
            reason = str(error).splitlines()[0]
            raise DataError(f"{path} is no file that onnxruntime runs: {reason}. Export it again.") from error
        (taken,) = session.get_inputs()

        def run(batch: NDArray[Any]) -> NDArray[Any]:
            made: NDArray[Any] = session.run(None, {taken.name: np.ascontiguousarray(batch)})[0]
            return made

        return run


def _trace(written: Written, path: Path, opset: int, axes: tuple[str, ...]) -> None:
    """Write what happens to the example, with the axes that may have any size.

    By torch's exporter that traces: the one by ``torch.export`` takes a hundred times as long, which is minutes for a
    U-Net, and cannot prove of every size that skips fit. What a trace does not see, which is anything that a network
    decides by the size of an image, shows where the engine compares the file with the model at other sizes.
    """
    dynamic = {place: axes[place] for place in written.dynamic}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            *(written.module, (written.example,), str(path)),
            dynamo=False,
            opset_version=opset,
            input_names=[TAKES],
            output_names=[MAKES],
            dynamic_axes={TAKES: dynamic, MAKES: dynamic},
        )
