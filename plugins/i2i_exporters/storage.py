"""Smaller ONNX files: weights in 16 bits, and weights and arithmetic in 8."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i.errors import UsageError

SMALLEST = 1024
"""Values of a tensor from which on it pays to store it in fewer bits."""


def halved(model: Any) -> None:
    """Store the weights of an ``onnx.ModelProto`` in 16 bits; a runtime makes float32 of them when it opens the file.

    The arithmetic, and its speed, stay those of float32.

    Raises:
        UsageError: If a weight is beyond what 16 bits hold.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= SMALLEST:
            name, values = tensor.name, numpy_helper.to_array(tensor)
            with np.errstate(over="ignore"):
                half = values.astype(np.float16)
            if not np.isfinite(half).all():
                raise UsageError(f"The weight {name!r} has values beyond 65504. Say storage=float32.")
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]  # before whoever uses them
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def quantize(path: Path, name: str, inputs: Iterator[NDArray[Any]]) -> None:
    """Compute the convolutions of an ONNX file in 8 bits, all but the first and the last of them.

    Weights have a scale for each channel, and maps one each, from the smallest and the largest value that they have for
    these inputs (Jacob et al. 2018, section 3; Krishnamoorthi 2018, section 3.1). The first convolution sees the image
    and the last one makes it: their rounding would be seen.

    Args:
        path: The file, which is replaced.
        name: Of its input.
        inputs: What it is given in use.
    """
    import onnx
    from onnxruntime import quantization as q

    class Reader(q.CalibrationDataReader):  # type: ignore[misc]
        """Gives them one by one."""

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            given = next(inputs, None)
            return None if given is None else {name: given}

    convolutions = [node.name for node in onnx.load(path).graph.node if node.op_type == "Conv"]
    out = path.with_name(f"int8{path.suffix}")
    with _quiet():
        q.quantize_static(
            *(str(path), str(out), Reader()),
            quant_format=q.QuantFormat.QDQ,
            per_channel=True,
            activation_type=q.QuantType.QUInt8,
            weight_type=q.QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[convolutions[0], convolutions[-1]],
        )
    out.replace(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what onnxruntime's quantisation says of itself from the user: it says it to the root logger."""

    def is_ours(record: logging.LogRecord) -> bool:
        return "onnxruntime" not in record.pathname

    root = logging.getLogger()
    root.addFilter(is_ours)
    try:
        yield
    finally:
        root.removeFilter(is_ours)
