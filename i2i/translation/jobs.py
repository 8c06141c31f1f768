"""Plan what is translated into what: results lie beside one another as their inputs do, and none replaces another."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from i2i import images
from i2i.data.tables.folders import folders_in, match
from i2i.errors import UsageError
from i2i.images.discovery import common_parent, without_suffix

Format = Literal["auto", "png", "tif", "npy"]
"""How results are stored. ``auto``: PNG for 8 and 16 bits of gray and RGB, TIFF for numbers in a declared range, else
``.npy``."""

SUFFIXES = (".png", ".tif", ".npy")

Columns = Mapping[str, Sequence[str]]
"""Field that a model takes -> the images that it is put together of; see `i2i.translation.Translator.columns`."""

SOURCE: Columns = MappingProxyType({"source": ("source",)})
"""Of a model that takes one image."""


class Job(NamedTuple):
    """What one translation is made of, and where it goes."""

    files: Mapping[str, tuple[Path, ...]]
    """Field -> one file, or one for each of its columns."""
    output: Path
    """Without suffix: how it is stored decides about that."""
    problem: str = ""
    """Why it cannot be translated, where that is known beforehand."""
    suffix: str = ""
    """How it is stored, where that was said with its name."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Return all files."""
        return tuple(file for files in self.files.values() for file in files)

    def outputs(self, samples: int | None) -> list[Path]:
        """Name the results: as the input, and with ``samples`` numbered from 1 on."""
        names = [""] if samples is None else [f"-{number:04d}" for number in range(1, samples + 1)]
        return [self.output.with_name(self.output.name + name) for name in names]


def plan(
    inputs: Sequence[Path],
    out: Path,
    columns: Columns = SOURCE,
    optional: Collection[str] = (),
    samples: int | None = None,
) -> list[Job]:
    """Plan each input with its output, in the order of their names.

    An output keeps its input's name and place below the common parent of all inputs. Inputs that differ in nothing but
    the suffix keep it in front of the new one.

    Args:
        inputs: Files and folders. A folder that holds one folder for each column is a set of sources, matched by name,
            where there are several columns; any other file holds all channels of the one field.
        out: Folder of the outputs.
        columns: What a translation is made of.
        optional: Fields that may be left out.
        samples: Results for each input.

    Raises:
        MissingInputError: If an input is not there.
        UsageError: If an output would replace an input, or another output, or files alone are not all that is taken.
    """
    roots = list(dict.fromkeys(Path(os.path.abspath(path)) for path in inputs))
    if Path(os.path.abspath(out)) in roots:
        raise UsageError(f"{out} is an input too. Choose another --out.")
    base = common_parent(roots)
    sets = {root: found for root in roots if (found := _columns_in(root, columns, optional))}
    jobs = [job for folder, found in sets.items() for job in _matched(folder, found, out / folder.relative_to(base))]
    if rest := [root for root in roots if root not in sets]:
        field = _one_field(columns, optional)
        found_files = images.discover(rest, exclude=out).files
        jobs += [Job({field: (file,)}, out / file.relative_to(base)) for file in found_files]
    jobs = _distinct(jobs)
    taken = {os.path.abspath(file) for job in jobs for file in job.inputs}
    for output in (output for job in jobs for output in job.outputs(samples)):
        if any(os.path.abspath(f"{output}{suffix}") in taken for suffix in SUFFIXES):
            raise UsageError(f"{output}{SUFFIXES[0]} is an input too. Choose another --out.")
    return jobs


def plan_one(
    inputs: Sequence[Path],
    out: Path,
    stored: Format,
    columns: Columns = SOURCE,
    optional: Collection[str] = (),
    samples: int | None = None,
) -> list[Job]:
    """Plan one image whose translation goes into a file of this name; see `plan`.

    Raises:
        MissingInputError: If the input is not there.
        UsageError: If there are several inputs or a folder, the file is the input, or cannot hold a result.
    """
    if len(inputs) != 1 or inputs[0].is_dir():
        raise UsageError(f"--out {str(out)!r} is one file, for one image. Give a folder for several.")
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES or stored not in ("auto", suffix[1:]):
        raise UsageError(
            f"--out {str(out)!r}: results are stored without loss, as {', '.join(SUFFIXES)}, and by one suffix. "
            "Choose another name, or leave --format away."
        )
    job = Job({_one_field(columns, optional): (images.discover(inputs).files[0],)}, out.with_suffix(""), "", out.suffix)
    if any(os.path.abspath(job.inputs[0]) == os.path.abspath(f"{each}{out.suffix}") for each in job.outputs(samples)):
        raise UsageError(f"{out} is an input too. Choose another --out.")
    return [job]


def is_file_name(out: Path) -> bool:
    """Return whether results are to go into one file, by the suffix of its name; no folder of that name is there."""
    return out.suffix.lower() in images.discovery.SUFFIXES and not out.is_dir()


def _columns_in(folder: Path, columns: Columns, optional: Collection[str]) -> dict[str, Sequence[str]]:
    """Return the fields of which a folder has all columns as folders; none if a needed one lacks, or one is all."""
    there = set(folders_in(folder))
    found = {field: names for field, names in columns.items() if set(names) <= there}
    whole = all(field in found or field in optional for field in columns)
    several = sum(len(names) for names in columns.values()) > 1
    return found if whole and several else {}


def _one_field(columns: Columns, optional: Collection[str]) -> str:
    """Return the field that a file alone is.

    Raises:
        UsageError: If more is needed.
    """
    needed = [field for field in columns if field not in optional] or list(columns)
    if len(needed) > 1:
        folders = ", ".join(name for field in needed for name in columns[field])
        raise UsageError(
            f"The model takes {' and '.join(needed)}. Give a folder that holds one folder each: {folders}."
        )
    return needed[0]


def _matched(folder: Path, columns: Columns, out: Path) -> Iterator[Job]:
    names = list(dict.fromkeys(name for each in columns.values() for name in each))
    matched = match(folder, {name: folder / name for name in names})
    for row in matched.files:
        file = dict(zip(names, map(Path, row), strict=True))
        files = {field: tuple(file[name] for name in each) for field, each in columns.items()}
        yield Job(files, out / file[names[0]].relative_to(folder / names[0]))
    for problem in matched.problems:
        yield Job({next(iter(columns)): (folder,)}, out / problem.name, problem.message)


def _distinct(jobs: Sequence[Job]) -> list[Job]:
    """Return outputs without their suffixes, except where two would be one.

    Raises:
        UsageError: If two are one all the same.
    """
    outputs = [Path(without_suffix(job.output.as_posix())) for job in jobs]
    for _ in range(2):  # a name that was lengthened may meet another one
        for i, count in enumerate(_counts(outputs)):
            if count > 1:
                outputs[i] = jobs[i].output
    first: dict[Path, Job] = {}
    for job, output in zip(jobs, outputs, strict=True):
        if not job.problem and (other := first.setdefault(output, job)) is not job:
            both = " and ".join(repr(str(each.inputs[0])) for each in (other, job))
            raise UsageError(f"{both} would both become {str(output)!r}. Translate them into two folders.")
    return [job._replace(output=output) for job, output in zip(jobs, outputs, strict=True)]


def _counts(outputs: Sequence[Path]) -> list[int]:
    names = [str(output).casefold() for output in outputs]  # one to systems that do not tell cases apart
    counts = Counter(names)
    return [counts[name] for name in names]
