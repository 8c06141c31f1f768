"""Reads the folders of runs, of those too that train just now; nothing in them is touched."""

import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from i2i import safe_json
from i2i.config import read_file
from i2i.errors import DataError, I2iError, MissingInputError
from i2i.samples import Layout, drawn, read_layout

CONFIG, METRICS, ENVIRONMENT, CHECKPOINTS, SAMPLES = (
    *("config.yaml", "metrics.jsonl", "environment.json"),
    *("checkpoints", "samples"),
)
DEEPEST = 3
"""Folders below each other in which runs are looked for: data may lie there too, in very many."""

Figures = Mapping[str, float | None]
"""By name; None where one is not finite."""


@dataclass(frozen=True)
class Run:
    """What a run's folder says."""

    path: Path
    settings: Mapping[str, Any]
    """As in ``config.yaml``."""
    environment: Mapping[str, Any]
    """As in ``environment.json``; empty where the run never came so far."""
    step: int
    """Steps in its log."""
    total: int | None
    """Steps of the whole run, where that is known."""
    state: Literal["done", "running", "stopped"]
    changed: float
    """When it last wrote something, in seconds of Unix time."""
    validations: Mapping[int, Figures]
    """Figures by step."""
    kept: int | None
    """Step of the model that the run keeps."""

    @property
    def name(self) -> str:
        """Return what the folder is called."""
        return self.path.name

    @property
    def recipe(self) -> str:
        """Return the name of the recipe."""
        return str(self.settings["recipe"]["name"])

    @property
    def data(self) -> str:
        """Return the path or address of the data."""
        return str(self.settings["data"]["path"])

    @property
    def measured(self) -> int | None:
        """Return the step whose figures are the run's: that of the model it keeps, else the last that was measured."""
        return self.kept if self.kept in self.validations else max(self.validations, default=None)

    @property
    def figures(self) -> Figures:
        """Return the figures of the run."""
        return {} if self.measured is None else self.validations[self.measured]

    @property
    def figure(self) -> str:
        """Return the figure that the model is chosen by, else the first that is measured; empty where none is."""
        chosen = str(self.settings.get("validation", {}).get("select", ""))
        return chosen if chosen in self.figures else next(iter(self.figures), "")

    @property
    def samples(self) -> dict[int, Path]:
        """Return the pictures of samples by step, the oldest first."""
        return drawn(self.path / SAMPLES)

    @property
    def warnings(self) -> list[str]:
        """Return what the run was warned of, as the logger ``report`` keeps it: each with the step that it came after.

        Raises:
            DataError: If that is damaged.
        """
        path = self.path / "logs" / "report.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
        try:
            events = [safe_json.load(line) for line in lines if line.endswith(b"\n")]
            return [f"step {event['step']:,}: {event['text']}" for event in events if event["what"] == "warned"]
        except (ValueError, LookupError, TypeError) as error:
            raise DataError(f"{path} is damaged: {error}. Delete it to go on without it.") from None

    @property
    def layout(self) -> Layout:
        """Return what is where in the pictures of samples.

        Raises:
            DataError: If the file that says it is missing or damaged.
        """
        return read_layout(self.path / SAMPLES)


def find(folder: Path) -> Iterator[Path]:
    """Yield the folders of runs in a folder, which may be one itself, and in those below.

    Raises:
        MissingInputError: If there is no such folder.
    """
    if not folder.is_dir():
        raise MissingInputError(f"There is no folder {str(folder)!r}. Give one that holds runs.")
    for place, folders, names in os.walk(folder):
        path = Path(place)
        begun = {METRICS, ENVIRONMENT, CHECKPOINTS} & {*names, *folders}
        if CONFIG in names and begun:
            yield path
        deep = len(path.relative_to(folder).parts) >= DEEPEST
        folders[:] = [] if deep or (CONFIG in names and begun) else sorted(n for n in folders if not n.startswith("."))


def read(path: Path) -> Run:
    """Read what a run's folder says.

    Raises:
        MissingInputError: If there is no run in it.
        I2iError: If something in it is damaged.
    """
    if not (path / CONFIG).is_file():
        raise MissingInputError(f"{path} holds no run: there is no {CONFIG}. Give a folder that `i2i train` made.")
    settings = read_file(path / CONFIG)
    if lack := [s for s in ("recipe", "data", "training") if not isinstance(settings.get(s), dict)]:
        raise DataError(f"{path / CONFIG} is not of a run: it has no section {lack[0]!r}. Give another folder.")
    step, validations = _read_metrics(path / METRICS)
    try:
        total = _total(path, settings)
        kept = _read_json(path / "model" / "config.json").get("step")
        done = total is not None and step >= total
        return Run(
            path=path,
            settings=settings,
            environment=_read_json(path / ENVIRONMENT),
            step=step,
            total=total,
            state="done" if done else "running" if _is_held(path / ".lock") else "stopped",
            changed=max(each.stat().st_mtime for each in (path / CONFIG, path / METRICS) if each.exists()),
            validations=validations,
            kept=kept if isinstance(kept, int) else None,
        )
    except OSError as error:
        raise DataError(f"Cannot read {str(path)!r}: {error.strerror}.") from None


def _read_metrics(path: Path) -> tuple[int, dict[int, Figures]]:
    """Return the newest step and the figures of all validations; a line that is being written is left for later."""
    validations: dict[int, Figures] = {}
    last = b""
    with suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            last = line
            if b'"validation"' in line:
                row = _row(line, path)
                validations[row["step"]] = {str(name): value for name, value in row["validation"].items()}
    return (_row(last, path)["step"] if last else 0), validations


def _row(line: bytes, path: Path) -> dict[str, Any]:
    with suppress(ValueError):
        row = safe_json.load(line)
        if isinstance(row, dict) and isinstance(row.get("step"), int) and _are_figures(row.get("validation", {})):
            return row
    raise DataError(f"{path} is damaged: {line[:60]!r} is no row of a run. Resume the run: it mends its log.")


def _are_figures(found: Any) -> bool:
    return isinstance(found, dict) and all(value is None or isinstance(value, float | int) for value in found.values())


def _total(path: Path, settings: Mapping[str, Any]) -> int | None:
    """Return the steps of the whole run: as they were said, else as the newest checkpoint has it."""
    said = settings["training"].get("steps")
    if isinstance(said, int):
        return said
    steps = {_step_of(each): each for each in (path / CHECKPOINTS).glob("step-*")}
    newest = max((step for step in steps if step is not None), default=None)
    total = _read_json(steps[newest] / "state.json").get("total") if newest is not None else None
    return total if isinstance(total, int) else None


def _step_of(path: Path) -> int | None:
    found = re.fullmatch(r"step-(\d+)", path.stem)
    return int(found[1]) if found else None


def _read_json(path: Path) -> dict[str, Any]:
    """Read a mapping; an empty one where there is no such file."""
    try:
        found = safe_json.load(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}.") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} is damaged: it holds no names with values.")
    return found


def _is_held(lock: Path) -> bool:
    """Return whether the process that signed a lock file is there, as far as that can be seen from this machine."""
    try:
        signed = re.match(r"\s*(\d+) is at work in \{\} \(on (.+), since", lock.read_text("utf-8"))
        if signed is None or signed[2] != socket.gethostname() or sys.platform == "win32":
            return False
        os.kill(int(signed[1]), 0)
    except PermissionError:
        return True  # somebody else's process; on Windows a file that is locked
    except (OSError, ValueError):
        return False
    return True


def read_all(folder: Path) -> tuple[list[Run], list[I2iError]]:
    """Return all runs in a folder, the one that wrote last first, and what is wrong with those that cannot be read.

    Raises:
        MissingInputError: If there is no such folder, or no run in it.
    """
    runs: list[Run] = []
    wrong: list[I2iError] = []
    for path in find(folder):
        try:
            runs.append(read(path))
        except I2iError as error:
            wrong.append(error)
    if not runs and not wrong:
        raise MissingInputError(f"There is no run in {str(folder)!r}. Give a folder that holds runs.")
    return sorted(runs, key=lambda run: -run.changed), wrong
