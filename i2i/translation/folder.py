"""Translates files and folders of images; one bad input never stops the rest, and none is lost without a word."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from i2i import images
from i2i.data.tables.files import folders_in, match
from i2i.errors import I2iError, OutputError, UsageError
from i2i.images.discovery import common_parent
from i2i.system.files import make_folder
from i2i.translation.ranges import is_declared
from i2i.translation.translator import Translator

Format = Literal["auto", "png", "tif", "npy"]
"""How results are stored. ``auto``: PNG for 8 and 16 bits of gray and RGB, TIFF for numbers in a declared range, else
``.npy``."""

SUFFIXES = (".png", ".tif", ".npy")


class Job(NamedTuple):
    """One source and where its translation goes."""

    files: tuple[Path, ...]
    """One, or one for each column of the model's sources."""
    output: Path
    """Without suffix: how it is stored decides about that."""
    problem: str = ""
    """Why it cannot be translated, where that is known beforehand."""


class Translated(NamedTuple):
    """What became of one input."""

    source: Path
    output: Path | None
    problem: str | None
    """Why there is no output."""


def plan(inputs: Sequence[Path], out: Path, columns: Sequence[str] = ()) -> list[Job]:
    """Each input with its output, in the order of their names.

    An output keeps its input's name and place below the common parent of all inputs. Inputs that differ in nothing but
    the suffix keep it in front of the new one.

    Args:
        inputs: Files and folders.
        out: Folder of the outputs.
        columns: What the model's sources are put together of: with several, a folder that holds one folder for each is
            a set of sources, matched by name; any other file holds all channels of one.

    Raises:
        MissingInputError: If an input is not there.
        UsageError: If an output would replace an input, or another output.
    """
    roots = list(dict.fromkeys(Path(os.path.abspath(path)) for path in inputs))
    if Path(os.path.abspath(out)) in roots:
        raise UsageError(f"{out} is an input too. Choose another --out.")
    base = common_parent(roots)
    sets = [root for root in roots if len(columns) > 1 and set(columns) <= set(folders_in(root))]
    jobs = [job for folder in sets for job in _matched(folder, columns, out / folder.relative_to(base))]
    if rest := [root for root in roots if root not in sets]:
        jobs += [Job((file,), out / file.relative_to(base)) for file in images.discover(rest, exclude=out).files]
    jobs = _distinct(jobs)
    taken = {os.path.abspath(file) for job in jobs for file in job.files}
    for job in jobs:
        if any(os.path.abspath(f"{job.output}{suffix}") in taken for suffix in SUFFIXES):
            raise UsageError(f"{job.output}{SUFFIXES[0]} is an input too. Choose another --out.")
    return jobs


def _matched(folder: Path, columns: Sequence[str], out: Path) -> Iterator[Job]:
    matched = match(folder, {column: folder / column for column in columns})
    for files in (tuple(map(Path, paths)) for paths in matched.files):
        yield Job(files, out / files[0].relative_to(folder / columns[0]))
    for problem in matched.problems:
        yield Job((folder,), out / problem.name, problem.message)


def _distinct(jobs: Sequence[Job]) -> list[Job]:
    """Outputs without their suffixes, except where two would be one.

    Raises:
        UsageError: If two are one all the same.
    """
    outputs = [job.output.with_suffix("") for job in jobs]
    for _ in range(2):  # a name that was lengthened may meet another one
        for i, count in enumerate(_counts(outputs)):
            if count > 1:
                outputs[i] = jobs[i].output
    first: dict[Path, Job] = {}
    for job, output in zip(jobs, outputs, strict=True):
        if not job.problem and (other := first.setdefault(output, job)) is not job:
            both = " and ".join(repr(str(files[0])) for files in (other.files, job.files))
            raise UsageError(f"{both} would both become {str(output)!r}. Translate them into two folders.")
    return [job._replace(output=output) for job, output in zip(jobs, outputs, strict=True)]


def _counts(outputs: Sequence[Path]) -> list[int]:
    names = [str(output).casefold() for output in outputs]  # one to systems that do not tell cases apart
    counts = Counter(names)
    return [counts[name] for name in names]


def translate_files(
    translator: Translator, jobs: Sequence[Job], stored: Format = "auto", max_pixels: int = images.MAX_PIXELS
) -> Iterator[Translated]:
    """Translate each source into its output, losslessly.

    Args:
        translator: The model.
        jobs: What to translate.
        stored: How.
        max_pixels: Largest image that is read.

    Raises:
        OutputError: If an output cannot be written.
    """
    for job in jobs:
        source = job.files[0]
        if job.problem:
            yield Translated(source, None, job.problem)
            continue
        try:
            fake = translator.translate(translator.read(job.files, max_pixels))
            numbers = is_declared(translator.config.target)
            suffix = f".{stored}" if stored != "auto" else ".tif" if numbers else images.suffix_for(fake)
            output = job.output.with_name(job.output.name + suffix)
            make_folder(output.parent)
            images.write(output, fake)
        except OutputError:
            raise  # the others would meet it too
        except images.ImageError as error:
            yield Translated(source, None, str(error))
        except I2iError as error:
            yield Translated(source, None, f"{source}: {error}")
        else:
            yield Translated(source, output, None)
