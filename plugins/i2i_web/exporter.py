"""A trained model as a page, which draws and translates in the browser."""

import base64
import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from i2i.errors import DataError, UsageError
from i2i.exporters import Exportable, Run, build_exporter
from i2i_web.page import MODEL, Facts, write_folder, write_one_file

DRAWN = "edges"
"""Preparer whose sources the page has a pen for."""


class Web:
    """A page to draw on: a folder for any host, without a server of its own, or one file that opens from the disk.

    Args:
        one_file: Write one HTML file, which opens from the disk, instead of a folder.
        storage: Of the weights; see exporter ``onnx``. ``int8`` computes in 8 bits, and needs ``--data``.
        title: Heads the page.

    Raises:
        UsageError: If exporter ``onnx`` is not installed, or a package that it needs.
    """

    suffix = ""

    def __init__(
        self,
        *,
        one_file: bool = False,
        storage: Literal["float32", "float16", "int8"] = "float32",
        title: str = "Draw, and see it translated",
    ) -> None:
        form = "taps2" if storage == "int8" else "plain"  # the faster one in browsers
        self._onnx = build_exporter("onnx", storage=storage, form=form)
        self._one_file, self._title = one_file, title
        if one_file:
            self.suffix = ".html"
        self.share, self.calibrated = self._onnx.share, self._onnx.calibrated

    def __call__(self, model: Exportable, path: Path) -> None:
        """Write it."""
        taken, made = model.channels
        if not {taken, made} <= {1, 3}:
            raise UsageError(
                f"The model makes {made} channels of {taken}. A page shows 1 or 3, gray or colours. Use --format onnx."
            )
        with TemporaryDirectory(prefix="i2i-web-") as scratch:
            self._onnx(model, Path(scratch) / MODEL)
            content = (Path(scratch) / MODEL).read_bytes()
        # what the page knows to draw are lines: those of this preparer
        look = model.look.options if model.look is not None and model.look.name == DRAWN else None
        facts = Facts(title=self._title, size=model.size, channels=taken, look=look)
        if self._one_file:
            path.write_bytes(write_one_file(content, facts))
            return
        for name, part in write_folder(content, facts):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(part)

    def open(self, path: Path) -> Run:
        """Return what runs the model in a page, as exporter ``onnx`` does."""
        with _model_in(path) as file:
            run: Run = self._onnx.open(file)
        return run


@contextmanager
def _model_in(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield path / MODEL
        return
    found = re.search(rf'data-part="{re.escape(MODEL)}">([^<]*)<', path.read_text("utf-8"))
    if found is None:
        raise DataError(f"{path} is no page of a model. Export it again.")
    with TemporaryDirectory(prefix="i2i-web-") as scratch:
        file = Path(scratch) / MODEL
        file.write_bytes(gzip.decompress(base64.b64decode(found[1])))
        yield file
