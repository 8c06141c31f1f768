"""A trained model as a program of ``torch.export``."""

import json
from pathlib import Path
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray

from i2i.exporters import Exportable, Form, Run


class TorchExport:
    """A program of torch.export, the network alone: for AOTInductor, ExecuTorch, and others that begin with one.

    It takes float32 (N, C, H, W) in [-1, 1], of heights and widths that the network takes. Whoever opens such a file of
    somebody else runs code of theirs, as torch's documentation says: i2i never does.

    Args:
        form: Of transposed convolutions; ``taps2`` writes them as ordinary ones.
    """

    suffix: ClassVar[str] = ".pt2"
    runs_code: ClassVar[bool] = True
    bare: ClassVar[bool] = True

    def __init__(self, *, form: Form = "plain") -> None:
        self._form = form

    def __call__(self, model: Exportable, path: Path) -> None:
        """Write it."""
        written = model.written(bare=True, form=self._form)
        program = torch.export.export(written.module, (written.example,), dynamic_shapes=(dict(written.dynamic),))
        torch.export.save(program, path, extra_files={"about.json": json.dumps(dict(model.about))})

    def open(self, path: Path) -> Run:
        """Return what runs a file that this process has written."""
        module = torch.export.load(path).module()

        def run(batch: NDArray[Any]) -> NDArray[Any]:
            with torch.inference_mode():
                made: NDArray[Any] = module(torch.from_numpy(batch)).numpy()
            return made

        return run
