"""Exporters, as a plugin: what a trained model is written as for other runtimes."""

import i2i
from i2i_exporters.onnx import Onnx
from i2i_exporters.torch_export import TorchExport

__all__ = ["Onnx", "TorchExport"]


@i2i.hookimpl
def i2i_exporters() -> dict[str, type]:
    """Provide exporters."""
    return {"onnx": Onnx, "torch-export": TorchExport}
