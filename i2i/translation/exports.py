"""The exports of a model folder, ``exports/FORMAT``: a model as another runtime takes it, and how it is run here."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from i2i import __version__, safe_json
from i2i.config import Mode
from i2i.errors import DataError, MissingInputError, UnknownNameError, UsageError, suggest
from i2i.exporters import Run
from i2i.fields import Field
from i2i.options import build, validate
from i2i.plugins import lookup
from i2i.system.files import sha256_of
from i2i.translation.model import ModelConfig, Origin, PackageVersion

EXPORTS = "exports"
"""Folder of a model folder, with a folder for each format."""
EXPORT = "export.json"
"""What an export is; beside its files."""
MAX_EXPORT = 100_000
"""Bytes of that file."""


ROUNDING = 1e-4
"""By which float32 leaves a level of 8 bits, and no level of 16."""


class Export(BaseModel):
    """``export.json``: what was exported, and how."""

    model_config = ConfigDict(extra="forbid")

    i2i: PackageVersion = __version__
    format: str
    """Name of the exporter."""
    options: dict[str, Any]
    """Of the exporter, all of them."""
    provider: Origin
    to: str
    """The field that it makes."""
    mode: Mode
    """How the network runs in it."""
    bare: bool
    """Whether it is the network alone."""
    file: str
    """Name of the file, or of the folder, that the runtime opens."""
    sha256: dict[str, str]
    """Checksums of its files, by their path beside this one."""
    weights: dict[str, str]
    """Checksums of the files of weights that it was made of."""


def exported_files(folder: Path) -> list[Path]:
    """Return the paths below a model folder of all that its exports say to consist of.

    Raises:
        DataError: If an ``export.json`` is damaged.
    """
    files = []
    for place in sorted(folder.glob(f"{EXPORTS}/*/{EXPORT}")):
        own = [place, *(place.parent / name for name in read_export(place.parent).sha256)]
        files += [file.relative_to(folder) for file in own]
    return files


def read_export(place: Path) -> Export:
    """Read what an export is.

    Raises:
        DataError: If the file is damaged, or names something that is not beside it.
    """
    path = place / EXPORT
    try:
        with path.open("rb") as file:
            text = file.read(MAX_EXPORT + 1)
        values = safe_json.load(text) if len(text) <= MAX_EXPORT else None
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read {path}: {error}.") from None
    if not isinstance(values, dict):
        raise DataError(f"{path} is not the description of an export. Export the model again.")
    export = validate(Export, values, str(path))
    for name in (export.file, *export.sha256):
        if Path(name).is_absolute() or ".." in Path(name).parts or "\\" in name:
            raise DataError(f"{path} names {name!r}, which is not beside it. Do not use it.")
    return export


def export_bytes(export: Export) -> bytes:
    """Return the content of ``export.json``."""
    return f"{json.dumps(export.model_dump(mode='json'), indent=2, ensure_ascii=False)}\n".encode()


class Backend:
    """What computes in the place of a model's networks: an exported file, in its own runtime.

    Args:
        run: Of the file.
        bare: Whether it takes what networks take, and not 8-bit pictures.
        source: Name of the field that it takes, and what it is.
        made: What it makes.
        name: What to call it, such as ``onnx``.
        identity: What tells it from others.
    """

    def __init__(
        self, run: Run, *, bare: bool, source: tuple[str, Field], made: Field, name: str, identity: str = ""
    ) -> None:
        self._run, self._bare, self._made, self.name, self.identity = run, bare, made, name, identity
        self._source_name, self._source = source

    def __call__(self, given: Mapping[str, Tensor]) -> Tensor:
        """Return what the network makes, (N, C, H, W) in [-1, 1] or logits, of a source of a size that it takes.

        Raises:
            DataError: If the file takes 8-bit pictures, and this is none.
        """
        source = given[self._source_name]
        if self._bare:
            return torch.from_numpy(self._run(source.numpy()))
        made = torch.from_numpy(self._run(self._pictures(source)))
        if self._made.kind == "ids":
            classes = torch.arange(self._made.channels)[:, None, None]
            return (made.permute(0, 3, 1, 2) == classes).float()
        return made.permute(0, 3, 1, 2).float() * (2 / 255) - 1

    def _pictures(self, source: Tensor) -> NDArray[Any]:
        pictures = to_pictures(source, self._source)
        exact = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() * (2 / 255) - 1
        if self._source.kind == "image" and (source - exact).abs().max() > ROUNDING:
            raise DataError(f"The export {self.name!r} takes 8 bits, and this image has more. Leave --backend out.")
        return pictures


@contextmanager
def on(backend: Backend, predictor: Any) -> Iterator[None]:
    """Let a `i2i.translation.predictor.Predictor`, which this thread alone uses, compute by a backend for a while."""
    before, predictor.backend = predictor.backend, backend
    try:
        yield
    finally:
        predictor.backend = before


def to_pictures(seen: Tensor, field: Field) -> NDArray[np.uint8]:
    """Return uint8 (N, H, W, C) of what a network sees or makes, (N, C, H, W): pictures, or ids (N, H, W, 1)."""
    if field.kind == "image":
        pixels = ((seen.double().clamp(-1, 1) + 1) * 127.5).round()
        return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).to(torch.uint8).numpy())
    void = field.void if field.void is not None else 0
    ids = torch.where(seen.amax(1) > 0, seen.argmax(1), void)
    return np.ascontiguousarray(ids.to(torch.uint8)[..., None].numpy())


def find_export(
    folder: Path, config: ModelConfig, format: str, *, to: str, mode: Mode | None = None, device: str = "auto"
) -> Export:
    """Return what the export of a model in a format is.

    Args:
        folder: Of the model.
        config: What the model is.
        format: Name of the exporter.
        to: The field that it must make.
        mode: How it must run; any way when not given.
        device: Where it is to run.

    Raises:
        MissingInputError: If there is none.
        DataError: If it is damaged, or of other weights.
        UsageError: If it makes another field, or runs otherwise or elsewhere.
    """
    there = sorted(place.parent.name for place in folder.glob(f"{EXPORTS}/*/{EXPORT}"))
    if format not in there:
        other = f" There is {', '.join(there)}.{suggest(format, there)}" if there else ""
        raise MissingInputError(
            f"{folder} has no export {format!r}.{other} Make it: i2i export {folder} --format {format}."
        )
    export = read_export(folder / EXPORTS / format)
    if export.weights != config.sha256:
        raise DataError(f"The export {format!r} in {folder} is of other weights. Export the model again.")
    if to != export.to:
        raise UsageError(f"The export {format!r} makes {export.to!r}, not {to!r}. Export it with --to {to}.")
    if mode not in (None, export.mode):
        raise UsageError(f"The export {format!r} runs in mode {export.mode}. Leave --mode out, or export it anew.")
    if device not in ("auto", "cpu"):
        raise UsageError(f"Exports run on the CPU, not on {device!r}. Leave --device out.")
    return export


def open_backend(folder: Path, config: ModelConfig, export: Export, source: str) -> Backend:
    """Open an export to translate with.

    Args:
        folder: Of the model.
        config: What the model is.
        export: As `find_export` returns it.
        source: The field that it takes.

    Raises:
        DataError: If a file is damaged.
        UnknownNameError: If its exporter is not installed.
        UsageError: If opening it may run code, or its runtime is missing.
    """
    place = folder / EXPORTS / export.format
    for name, checksum in export.sha256.items():
        if not (place / name).is_file() or sha256_of(place / name) != checksum:
            raise DataError(f"{place / name} is damaged: its checksum is not the one in {EXPORT}. Copy it again.")
    try:
        cls = lookup("exporter", export.format).cls
    except UnknownNameError as error:
        made, remedy = export.provider.distribution, export.provider.remedy
        raise UnknownNameError(f"{error} The export was made with {made}: {remedy}") from None
    if getattr(cls, "runs_code", False) or not hasattr(cls, "open"):
        raise UsageError(f"Files of {export.format!r} may hold code, or run elsewhere alone: they are no backend.")
    exporter = build(cls, options=export.options, owner=f"exporter {export.format!r}")
    fields = config.fields
    return Backend(
        exporter.open(place / export.file),
        bare=export.bare,
        source=(source, fields[source]),
        made=fields[export.to],
        name=export.format,
        identity=hashlib.sha256(export_bytes(export)).hexdigest(),
    )
