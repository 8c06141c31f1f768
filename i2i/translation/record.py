"""Resume the translation of a folder: what is there already, by the same model and of the same inputs, is skipped."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from i2i import __version__, safe_json
from i2i.system.files import cannot_write
from i2i.translation.translator import Translator

RECORD = ".i2i-translated.jsonl"
"""File in the folder of the outputs."""

States = list[list[Any]]
"""Of files, as JSON has them."""


class Record:
    """What is translated in a folder, from what and how, so that the same command goes on where it was stopped.

    A line of JSON for each output. Files are known by size and time of their last change, as Make knows them: to read
    them all would take longer than to look.

    Args:
        out: The folder of the outputs.
        translator: The model; what another one, or another field, seed, mode or fit, has made is not known.
        stored: How outputs are stored.
        explain: Whether each has a picture beside it that explains it.
        options: Of the translator; what others have made is not known.
        anew: Know nothing, so that everything is translated.

    Raises:
        OutputError: If it cannot be written.
    """

    def __init__(
        self,
        out: Path,
        translator: Translator,
        stored: str,
        options: Mapping[str, Any] = {},
        *,
        explain: bool = False,
        anew: bool = False,
    ) -> None:
        chosen = translator.predictor.chosen(options)
        model = [translator.config.model_dump_json(), translator.to, translator.mode, translator.seed]
        model += [translator.predictor.numbers, translator.fit]
        model.append(translator.predictor.backend.identity if translator.predictor.backend else "")
        said = [__version__, *model, chosen, stored, explain]
        self._out, self._file = out, out / RECORD
        self._how = hashlib.sha256(json.dumps(said).encode()).hexdigest()
        self._entries = {} if anew else self._read()
        self._before = b"\n" if self._file.exists() else b""  # ends a line that may have been cut off

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            lines = self._file.read_bytes().splitlines()
        except OSError:
            return {}
        entries = {}
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):  # the last one, where writing it was interrupted
                entry = dict(safe_json.load(line))
                entries[str(entry["name"])] = entry
        return entries

    def find(self, outputs: Sequence[Path], inputs: Sequence[Path]) -> tuple[Path, ...]:
        """Return the files of outputs, of which the suffixes are not known yet, if none need be made again."""
        before = states(inputs)
        found = [self._find(sample, output, before) for sample, output in enumerate(outputs)]
        return tuple(file for file in found if file is not None) if None not in found else ()

    def _find(self, sample: int, output: Path, inputs: States) -> Path | None:
        entry = self._entries.get(self._name(output))
        if entry is None or entry.get("how") != self._how or entry.get("sample") != sample:
            return None
        with suppress(OSError, TypeError, KeyError):
            file = self._out / str(entry["file"])
            if entry["inputs"] == inputs and entry["made"] == _state(file):
                return file
        return None

    def add(self, files: Sequence[Path], inputs: States) -> None:
        """Note in which files the outputs of one input are, its samples in their order.

        Args:
            files: With suffix.
            inputs: As they were before they were read.

        Raises:
            OutputError: If that cannot be written.
        """
        try:
            with self._file.open("ab") as stream:
                for sample, file in enumerate(files):
                    name, where = self._name(file.with_name(file.stem)), self._name(file)
                    entry = {"name": name, "file": where, "how": self._how, "sample": sample}
                    entry |= {"inputs": inputs, "made": _state(file)}
                    self._entries[name] = entry
                    stream.write(self._before + json.dumps(entry).encode() + b"\n")
                    self._before = b""
        except OSError as error:
            raise cannot_write(self._file, error) from error

    def _name(self, path: Path) -> str:
        return path.relative_to(self._out).as_posix()


def states(files: Sequence[Path]) -> States:
    """Return path, size and time of the last change of each file; none where one is not there."""
    with suppress(OSError):
        return [[str(file), *_state(file)] for file in files]
    return []


def _state(file: Path) -> list[int]:
    """Return size and time of the last change of a file."""
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]
