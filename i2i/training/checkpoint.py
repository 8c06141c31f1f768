"""Checkpoints with one commit point: after a kill or a power loss at any instant the old or the new one is whole.

A checkpoint is a folder, with a model folder of all networks in it. It is written under a hidden name and read back,
each file is put on disk, the folder renamed, and then ``latest.json`` replaced, which names it together with the
checksum of its manifest; the manifest has those of the files. All that takes long of it is done beside the next steps.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from i2i import safe_json
from i2i.system.files import sha256_of, write_atomically
from i2i.training.snapshot import Snapshot
from i2i.training.tensor_file import DamagedError, TensorFile
from i2i.translation.model import CONFIG, MODEL, ModelConfig, config_bytes, read_config, weights_file
from i2i.translation.weights import read_tensors

LATEST = "latest.json"
MANIFEST = "manifest.json"
STATE = "state.json"
SUFFIX = ".safetensors"


class Checkpoint(NamedTuple):
    """What a run needs to go on."""

    state: dict[str, Any]
    """Counters and everything else that is JSON."""
    tensors: dict[str, dict[str, Tensor]]
    """File -> tensors by name."""
    config: ModelConfig
    """What the model in it is."""
    weights: dict[str, dict[str, Tensor]]
    """Part of the recipe -> its tensors by name."""


class BegunCheckpoint:
    """A checkpoint of a snapshot.

    Args:
        snapshot: What its tensors are added to.
        root: Folder of all checkpoints of the run.
        step: Steps that were done.
        checkpoint: What to save.

    Raises:
        OutputError: If the disk is full or may not be written; the checkpoints before are untouched.
    """

    def __init__(self, snapshot: Snapshot, root: Path, step: int, checkpoint: Checkpoint) -> None:
        self._root, self._config = root, checkpoint.config
        self._state = json.dumps(checkpoint.state, indent=1).encode()
        self._folder = snapshot.folder(root / f"step-{step:09d}")
        self._weights, self._tensors = dict[str, TensorFile](), dict[str, TensorFile]()
        for part, tensors in checkpoint.weights.items():
            name = weights_file(part)
            self._weights[name] = snapshot.add(self._folder, f"{MODEL}/{name}", tensors)
        for file, tensors in checkpoint.tensors.items():
            name = f"{file}{SUFFIX}"
            self._tensors[name] = snapshot.add(self._folder, name, tensors)

    def finish(self, keep: int) -> Path:
        """Read it back, once the snapshot is written, commit it, and delete the oldest ones.

        Args:
            keep: How many checkpoints stay.

        Raises:
            OutputError: If the disk is full or may not be written; the checkpoints before are untouched.
            DamagedError: If what was written does not read back.
        """
        folder = self._folder
        model = {name: file.sha256(str(folder.place / MODEL / name)) for name, file in self._weights.items()}
        own = {name: file.sha256(str(folder.place / name)) for name, file in self._tensors.items()}
        texts = {f"{MODEL}/{CONFIG}": config_bytes(self._config, model), STATE: self._state}
        sums = {f"{MODEL}/{name}": checksum for name, checksum in model.items()} | own
        texts[MANIFEST] = _manifest(sums | {name: _sha256(text) for name, text in texts.items()})
        for name, text in texts.items():
            folder.write(name, [text])
            if _bytes(folder.path(name)) != text:
                raise DamagedError(f"{folder.place / name} is damaged.")
        folder.put()
        latest = {"checkpoint": folder.place.name, "manifest": _sha256(texts[MANIFEST])}
        write_atomically(self._root / LATEST, json.dumps(latest, indent=2).encode())
        for old in _folders(self._root)[keep:]:
            shutil.rmtree(old, ignore_errors=True)
        return folder.place


def save(root: Path, step: int, checkpoint: Checkpoint, keep: int) -> Path:
    """Save a checkpoint, and wait for it; see `BegunCheckpoint`."""
    with Snapshot() as snapshot:
        begun = BegunCheckpoint(snapshot, root, step, checkpoint)
        snapshot.write()
        return begun.finish(keep)


def load(root: Path) -> tuple[Checkpoint | None, list[str]]:
    """Load the newest checkpoint that is whole, and one line about each that is not.

    Returns:
        None instead of a checkpoint where none was ever committed.

    Raises:
        DamagedError: If there are checkpoints, but none is whole.
    """
    warnings: list[str] = []
    committed, expected = _latest(root, warnings)
    if committed is not None and not (root / committed).is_dir():
        warnings.append(f"{root / committed} is missing.")
    for folder in _folders(root):
        if committed is not None and folder.name > committed:
            shutil.rmtree(folder)  # renamed but never committed: going on from here will write it anew
            continue
        try:
            _verify(folder, expected if folder.name == committed else None)
            return _read(folder), warnings
        except DamagedError as error:
            warnings.append(str(error))
    if warnings:
        raise DamagedError(f"No checkpoint in {root} is whole. {' '.join(warnings)} Start a new run.")
    return None, warnings


def newest(root: Path) -> Path | None:
    """Return the newest checkpoint that was committed, or None; it only looks, since the run may be going on."""
    committed, _ = _latest(root, [])
    return next((folder for folder in _folders(root) if committed is None or folder.name <= committed), None)


def _manifest(sums: Mapping[str, str]) -> bytes:
    return json.dumps(sums, indent=2).encode()


def _verify(folder: Path, expected: str | None = None) -> None:
    manifest = _bytes(folder / MANIFEST)
    if expected is not None and _sha256(manifest) != expected:
        raise DamagedError(f"{folder / MANIFEST} is damaged.")
    try:
        sums = dict(safe_json.load(manifest))
    except ValueError:
        raise DamagedError(f"{folder / MANIFEST} is damaged.") from None
    for name, expected_sum in sums.items():
        if _checksum(folder / name) != expected_sum:
            raise DamagedError(f"{folder / name} is damaged.")


def _read(folder: Path) -> Checkpoint:
    model = folder / MODEL
    try:
        state = safe_json.load(_bytes(folder / STATE))
    except ValueError:
        raise DamagedError(f"{folder / STATE} is damaged.") from None
    return Checkpoint(state, _tensors(folder), read_config(model), _tensors(model))


def _tensors(folder: Path) -> dict[str, dict[str, Tensor]]:
    return {path.stem: read_tensors(path) for path in sorted(folder.glob(f"*{SUFFIX}"))}


def _latest(root: Path, warnings: list[str]) -> tuple[str | None, str | None]:
    path = root / LATEST
    if not path.exists():
        return None, None
    try:
        latest = safe_json.load(path.read_bytes())
        return latest["checkpoint"], latest["manifest"]
    except (ValueError, KeyError, TypeError):
        warnings.append(f"{path} is damaged.")
        return None, None


def _folders(root: Path) -> list[Path]:
    """Return all checkpoints, the newest first."""
    return sorted((f for f in root.glob("step-*") if f.is_dir()), key=lambda f: f.name, reverse=True)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise DamagedError(f"{path} cannot be read.") from None


def _checksum(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        raise DamagedError(f"{path} cannot be read.") from None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
