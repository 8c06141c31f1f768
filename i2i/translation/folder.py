"""Translate files and folders of images; one bad input never stops the rest, and none is lost without a word."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from i2i import images
from i2i.data.tables.folders import folders_in, match
from i2i.errors import ContractError, I2iError, OutputError, UsageError
from i2i.images.discovery import common_parent, without_suffix
from i2i.system.devices import is_out_of_memory
from i2i.system.files import make_folder
from i2i.translation.ranges import is_declared
from i2i.translation.record import Record, states
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
    suffix: str = ""
    """How it is stored, where that was said with its name."""


class Translated(NamedTuple):
    """What became of one input."""

    source: Path
    output: Path | None
    problem: str | None
    """Why there is no output."""
    notes: tuple[str, ...] = ()
    """What had to be done to read the input, such as ``first of 12 frames``."""
    skipped: bool = False
    """Whether the output was there already."""


def plan(inputs: Sequence[Path], out: Path, columns: Sequence[str] = ()) -> list[Job]:
    """Plan each input with its output, in the order of their names.

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


def plan_one(inputs: Sequence[Path], out: Path, stored: Format) -> list[Job]:
    """Plan one image whose translation goes into a file of this name.

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
    file = images.discover(inputs).files[0]
    if os.path.abspath(file) == os.path.abspath(out):
        raise UsageError(f"{out} is an input too. Choose another --out.")
    return [Job((file,), out.with_suffix(""), suffix=out.suffix)]


def is_file_name(out: Path) -> bool:
    """Return whether results are to go into one file, by the suffix of its name; no folder of that name is there."""
    return out.suffix.lower() in images.discovery.SUFFIXES and not out.is_dir()


def _matched(folder: Path, columns: Sequence[str], out: Path) -> Iterator[Job]:
    matched = match(folder, {column: folder / column for column in columns})
    for files in (tuple(map(Path, paths)) for paths in matched.files):
        yield Job(files, out / files[0].relative_to(folder / columns[0]))
    for problem in matched.problems:
        yield Job((folder,), out / problem.name, problem.message)


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
            both = " and ".join(repr(str(files[0])) for files in (other.files, job.files))
            raise UsageError(f"{both} would both become {str(output)!r}. Translate them into two folders.")
    return [job._replace(output=output) for job, output in zip(jobs, outputs, strict=True)]


def _counts(outputs: Sequence[Path]) -> list[int]:
    names = [str(output).casefold() for output in outputs]  # one to systems that do not tell cases apart
    counts = Counter(names)
    return [counts[name] for name in names]


def translate_files(
    translator: Translator,
    jobs: Sequence[Job],
    stored: Format = "auto",
    max_pixels: int = images.MAX_PIXELS,
    record: Record | None = None,
) -> Iterator[Translated]:
    """Translate each source into its output, losslessly.

    Args:
        translator: The model.
        jobs: What to translate.
        stored: How, where a job does not say it.
        max_pixels: Largest image that is read.
        record: What is there already, and is left as it is; what is translated is added.

    Raises:
        OutputError: If an output cannot be written.
        ContractError: If the generator does not do what its contract says.
    """
    for job in jobs:
        source = job.files[0]
        if job.problem:
            yield Translated(source, None, job.problem)
        elif record is not None and (there := record.find(job.output, job.files)) is not None:
            yield Translated(source, there, None, skipped=True)
        else:
            yield _translated(translator, job, stored, max_pixels, record)


def _translated(translator: Translator, job: Job, stored: Format, max_pixels: int, record: Record | None) -> Translated:
    source, size, before = job.files[0], "", states(job.files) if record is not None else []
    try:
        picture = translator.read(job.files, max_pixels)
        size = f", {picture.pixels.shape[1]}x{picture.pixels.shape[0]}"
        fake = translator.translate(picture.pixels)
        numbers = is_declared(translator.config.target)
        suffix = job.suffix or (f".{stored}" if stored != "auto" else ".tif" if numbers else images.suffix_for(fake))
        output = job.output.with_name(job.output.name + suffix)
        make_folder(output.parent)
        images.write(output, fake)
    except (OutputError, ContractError):
        raise  # the others would meet it too
    except images.ImageError as error:
        return Translated(source, None, str(error))
    except I2iError as error:
        return Translated(source, None, f"{source}: {error}")
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return Translated(source, None, f"{source}{size}: memory does not suffice. Make it smaller, or free memory.")
    if record is not None:
        record.add(job.output, before, output)
    return Translated(source, output, None, picture.notes)
