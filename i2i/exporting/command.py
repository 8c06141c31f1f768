"""Export a model: write it, compare what was written with it, and put it where it belongs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from i2i.config import Mode
from i2i.errors import UsageError
from i2i.evaluation.held import Held
from i2i.exporters import Run
from i2i.exporting import effect, parity
from i2i.exporting.cost import Cost, cost_of
from i2i.exporting.effect import Effect
from i2i.exporting.model import Model
from i2i.exporting.parity import Parity
from i2i.options import build, complete
from i2i.plugins import Provided, lookup
from i2i.system.faults import naming_plugins
from i2i.system.files import atomic_file, make_folder, sha256_of
from i2i.system.folders import NewFolder
from i2i.translation.exports import EXPORT, EXPORTS, Backend, Export, export_bytes
from i2i.translation.model import Origin, find_model, weights_file
from i2i.translation.translator import Translator

PIECE = 1 << 20
"""Bytes that are copied at once."""


class Exported(NamedTuple):
    """What came of it."""

    path: Path
    """The file, or the folder of a format that is one."""
    size: int
    """Bytes."""
    weights: int
    """Bytes of the model's own weights."""
    mode: Mode
    parity: Sequence[Parity]
    """At each size that was compared; none where the format cannot be run here."""
    effect: Effect | None
    """What rounding does, of a format that rounds coarsely."""
    costs: Mapping[str, Cost]
    """Of the model and of the file, where they were measured."""


@naming_plugins()
def export(
    model: str,
    format: str,
    out: Path | None = None,
    *,
    to: str | None = None,
    mode: Mode | None = None,
    options: Mapping[str, Any] = {},
    data: str | None = None,
    revision: str | None = None,
    plugin_files: Sequence[str] = (),
    measure: bool = False,
) -> Exported:
    """Export a model.

    Args:
        model: Folder, run, or name on a hub.
        format: Name of an exporter.
        out: File or folder; in the model folder when not given, where ``i2i translate --backend`` finds it.
        to: The field to make.
        mode: How it runs.
        options: Of the exporter.
        data: Dataset of the model, for formats that are calibrated.
        revision: Of a model on a hub.
        plugin_files: Those that the model needs, for measuring.
        measure: Whether to measure time and memory.

    Raises:
        I2iError: If it cannot be exported, or what was written is not what the model is. Nothing is left of it then.
    """
    folder = find_model(model, revision)
    provided = lookup("exporter", format)
    owner = f"exporter {format!r}"
    exporter = build(provided.cls, options=options, owner=owner)
    translator = Translator.load(folder, to, device="cpu", mode=mode, precision="float32")
    calibrated = bool(getattr(exporter, "calibrated", False))
    if calibrated and data is None:
        raise UsageError("So few bits are chosen by what the model's own sources look like. Say --data DATASET.")
    held = effect.held_out(translator, folder, data) if data is not None and calibrated else None
    exportable = Model(translator, effect.sources(translator, held) if held else ())
    with TemporaryDirectory(prefix="i2i-export-") as scratch:
        written = Path(scratch) / f"model{exporter.suffix}"
        exporter(exportable, written)
        compared, rounded = list[Parity](), None
        if hasattr(exporter, "open"):
            compared, rounded = _held_against(translator, exporter, exporter.open(written), held)
        files = {each.relative_to(scratch).as_posix(): each for each in _files(written)}
        about = Export(
            format=format,
            options=complete(provided.cls, options, owner),
            provider=_origin(provided),
            to=translator.to,
            mode=translator.mode,
            bare=_is_bare(exporter),
            file=written.name,
            sha256={name: sha256_of(file) for name, file in files.items()},
            weights=translator.config.sha256,
        )
        place = _put(folder, about, files, written, out)
    costs: dict[str, Cost] = {}
    if measure and hasattr(exporter, "open"):
        costs = _costs(folder, translator, about, place, plugin_files)
    parts = [part for part in translator.predictor.parts if translator.config.holds(part)]
    weights = sum((folder / weights_file(part)).stat().st_size for part in parts)
    size = sum(file.stat().st_size for file in _files(place))
    return Exported(place, size, weights, translator.mode, compared, rounded, costs)


def _held_against(
    translator: Translator, exporter: Any, run: Run, held: Held | None
) -> tuple[list[Parity], Effect | None]:
    """Compare a file with its model: by drawn images, or by held-out ones where it rounds coarsely.

    Raises:
        ContractError: If they differ.
    """
    bare = _is_bare(exporter)
    if held is None:
        compared = parity.compare(translator, run, bare=bare)
        parity.check(compared, float(getattr(exporter, "share", parity.SHARE)))
        return compared, None
    (name,) = translator.predictor.sources
    source = name, translator.config.fields[name]
    rounded = effect.effect(translator, Backend(run, bare=bare, source=source, made=translator.made, name="file"), held)
    effect.check(rounded)
    return [], rounded


def _is_bare(exporter: Any) -> bool:
    return bool(getattr(exporter, "bare", False))


def _origin(provided: Provided) -> Origin:
    fields = provided._asdict()
    return Origin(**{name: fields[name] for name in Origin.model_fields})


def _files(written: Path) -> Iterator[Path]:
    """Yield the files of what was written."""
    if written.is_dir():
        yield from sorted(path for path in written.rglob("*") if path.is_file())
    else:
        yield written


def _put(folder: Path, about: Export, files: Mapping[str, Path], written: Path, out: Path | None) -> Path:
    """Put what was written where it belongs, whole or not at all; returns where it is."""
    if out is None:
        place = folder / EXPORTS / about.format
        with NewFolder(place) as new:
            for name, file in files.items():
                new.write(name, _pieces(file))
            new.write(EXPORT, [export_bytes(about)])
            new.put()
        return place / about.file
    if written.is_dir():
        with NewFolder(out) as new:
            for file in files.values():
                new.write(file.relative_to(written).as_posix(), _pieces(file))
            new.put()
        return out
    path = out if out.suffix and not out.is_dir() else out / written.name
    make_folder(path.parent)
    with atomic_file(path, size=written.stat().st_size) as stream:
        for piece in _pieces(written):
            stream.write(piece)
    return path


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            yield piece


def _costs(
    folder: Path, translator: Translator, about: Export, place: Path, plugin_files: Sequence[str]
) -> dict[str, Cost]:
    told = {
        "model": str(folder),
        "source": translator.predictor.sources[0],
        "to": about.to,
        "mode": about.mode,
        "plugin_files": list(plugin_files),
    }
    of_file = {"format": about.format, "options": about.options, "file": str(place), "bare": about.bare}
    return {"eager": cost_of(told), about.format: cost_of({**told, **of_file})}
