"""What there is to do: one task an image, or one for two images of the same name."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from i2i import images
from i2i.errors import DataError, UsageError
from i2i.plugins import suggest
from i2i.preparation.naming import output_stems, without_suffix
from i2i.preparation.report import Row

MAX_SUGGESTIONS = 100  # each compares a name with all others


class Task(NamedTuple):
    """One input, and the stem of its outputs."""

    name: str
    """Printable, and different from that of every other task."""
    stem: str
    files: tuple[Path, ...]
    file_names: tuple[str, ...]
    """Printable, relative to the sources."""


class Inputs(NamedTuple):
    """Everything that was found."""

    tasks: list[Task]
    settled: list[Row]
    """What is skipped or rejected without looking into it."""


def list_inputs(sources: Sequence[Path], wanted: int, out: Path) -> Inputs:
    """Find all inputs.

    Args:
        sources: Files and folders, or two folders of images with the same names if two are wanted.
        wanted: Images that make a pair, 1 or 2.
        out: The folder that is written, which is never read.

    Raises:
        MissingInputError: If a source is not there.
        UsageError: If the sources are not what is wanted, or inside ``out``.
        DataError: If they hold no image.
    """
    sources = [Path(os.path.abspath(source)) for source in sources]
    inside = [source for source in sources if source.is_relative_to(os.path.abspath(out))]
    if inside:
        raise UsageError(f"{str(inside[0])!r} would be read and written. Give another folder for the dataset.")
    if wanted == 2:
        _check_two_folders(sources)
    found = images.discover(sources, exclude=out)
    settled = [Row(name=images.printable(name), status="skipped", reason=reason) for name, reason in found.skipped]
    if not found.files:
        what = f" among the {len(settled)} files there" if settled else ""
        raise DataError(f"No image was found{what}. Give images, or folders that hold some.")
    if wanted == 1:
        return Inputs(_single(found), settled)
    tasks, lonely = _matched(found, *sources)
    return Inputs(tasks, settled + lonely)


def _single(found: images.Discovery) -> list[Task]:
    names = [found.name_of(file) for file in found.files]
    stems = output_stems(names)
    texts = [images.printable(name) for name in names]
    return [Task(text, stem, (file,), (text,)) for text, stem, file in zip(texts, stems, found.files, strict=True)]


def _check_two_folders(sources: Sequence[Path]) -> None:
    if len(sources) != 2 or not all(source.is_dir() for source in sources):
        given = ", ".join(repr(str(source)) for source in sources)
        raise UsageError(
            f"Two folders are needed, sources A and targets B, got {given}. Give both, then the dataset's."
        )
    a, b = sources
    if a.is_relative_to(b) or b.is_relative_to(a):
        raise UsageError(
            f"{str(a)!r} and {str(b)!r} lie inside each other. Give two folders that have no file in common."
        )


def _matched(found: images.Discovery, a: Path, b: Path) -> tuple[list[Task], list[Row]]:
    """Tasks of the names that both folders have once, and what is wrong with the others."""
    halves: tuple[dict[str, list[Path]], dict[str, list[Path]]] = (defaultdict(list), defaultdict(list))
    for file in found.files:
        half = 0 if file.is_relative_to(a) else 1
        halves[half][without_suffix(file.relative_to((a, b)[half]).as_posix())].append(file)
    in_a, in_b = halves
    names = sorted(in_a.keys() | in_b.keys(), key=os.fsencode)
    single = [name for name in names if len(in_a.get(name, ())) == len(in_b.get(name, ())) == 1]
    tasks = []
    for name, stem in zip(single, output_stems([f"{name}.x" for name in single]), strict=True):
        files = (in_a[name][0], in_b[name][0])
        texts = tuple(images.printable(found.name_of(file)) for file in files)
        tasks.append(Task(images.printable(name), stem, files, texts))
    return tasks, _lonely(in_a, in_b, [name for name in names if name not in set(single)], (a.name, b.name))


def _lonely(
    in_a: dict[str, list[Path]], in_b: dict[str, list[Path]], names: list[str], folders: tuple[str, str]
) -> list[Row]:
    rows = []
    for number, name in enumerate(names):
        files = [file.name for half in (in_a, in_b) for file in half.get(name, ())]
        if name in in_a and name in in_b:
            reason, message = "several-partners", f"{_list(files)} have the same name. Leave one in each folder."
        else:
            here, there = (in_a, in_b) if name in in_a else (in_b, in_a)
            folder = folders[1 if name in in_a else 0]
            near = suggest(name, there.keys() - here.keys()) if number < MAX_SUGGESTIONS else ""
            reason, message = "no-partner", f"{_list(files)} has no partner in {folder!r}.{near}"
        rows.append(
            Row(name=images.printable(name), status="rejected", reason=reason, message=images.printable(message))
        )
    return rows


def _list(names: list[str]) -> str:
    return " and ".join(repr(name) for name in names)
