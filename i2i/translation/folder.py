"""Translate files and folders of images; one bad input never stops the rest, and none is lost without a word."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from i2i import images
from i2i.errors import ContractError, I2iError, OutputError
from i2i.system.devices import is_out_of_memory
from i2i.system.files import make_folder
from i2i.translation.jobs import Format, Job
from i2i.translation.looks import explained
from i2i.translation.ranges import is_declared
from i2i.translation.record import Record, states
from i2i.translation.translator import Given, Translator


class Translated(NamedTuple):
    """What became of one input."""

    source: Path
    outputs: tuple[Path, ...]
    """One, or one for each sample."""
    problem: str | None
    """Why there is no output."""
    notes: tuple[str, ...] = ()
    """What had to be done to read the input, such as ``first of 12 frames``."""
    skipped: bool = False
    """Whether the outputs were there already."""


class How(NamedTuple):
    """How inputs are translated, beside what the translator says."""

    stored: Format = "auto"
    """Where a job does not say it."""
    samples: int | None = None
    """Results for each input; one, whose name has no number, when not given."""
    options: Mapping[str, Any] = {}
    """Of the translator."""
    max_pixels: int = images.MAX_PIXELS
    """Largest image that is read."""
    explain: bool = False
    """Whether to show beside each result, in ``NAME-explained.png``, what it is the translation of."""


PLAINLY = How()


def translate_files(
    translator: Translator, jobs: Sequence[Job], how: How = PLAINLY, record: Record | None = None
) -> Iterator[Translated]:
    """Translate each source into its outputs, losslessly.

    Args:
        translator: The model.
        jobs: What to translate.
        how: In which way.
        record: What is there already, and is left as it is; what is translated is added.

    Raises:
        OutputError: If an output cannot be written.
        ContractError: If a network does not do what its contract says.
    """
    for job in jobs:
        outputs = job.outputs(how.samples)
        if job.problem:
            yield Translated(job.inputs[0], (), job.problem)
        elif record is not None and (there := record.find(outputs, job.inputs)):
            yield Translated(job.inputs[0], there, None, skipped=True)
        else:
            yield _translated(translator, job, how, record)


def _translated(translator: Translator, job: Job, how: How, record: Record | None) -> Translated:
    source, size, before = job.inputs[0], "", states(job.inputs) if record is not None else []
    try:
        given = translator.read(job.files, how.max_pixels)
        size = next((f", {v.shape[1]}x{v.shape[0]}" for v in given.fields.values()), "")
        (made,) = translator.translate([given.fields], how.samples or 1, **how.options)
        suffix = job.suffix or _suffix(translator, made[0], how.stored)
        outputs = tuple(output.with_name(output.name + suffix) for output in job.outputs(how.samples))
        make_folder(job.output.parent)
        for output, fake in zip(outputs, made, strict=True):
            images.write(output, fake)
        if how.explain:
            _explain(translator, given, made[0], job.output)
    except (OutputError, ContractError):
        raise  # the others would meet it too
    except images.ImageError as error:
        return Translated(source, (), str(error))
    except I2iError as error:
        return Translated(source, (), f"{source}: {error}")
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return Translated(source, (), f"{source}{size}: memory does not suffice. Make it smaller, or free memory.")
    if record is not None:
        record.add(outputs, before)
    return Translated(source, outputs, None, given.notes)


def _explain(translator: Translator, given: Given, made: NDArray[Any], output: Path) -> None:
    """Show the first field as it was read and as the model was given it, and what was made where that is a picture."""
    name, pixels = next(iter(given.fields.items()))
    pictures = [("input", given.read[name]), ("given to the model", pixels)]
    if translator.made.kind == "image" and not is_declared(translator.made):
        pictures.append(("result", made))
    images.write(output.with_name(f"{output.name}-explained.png"), explained(*pictures))


def _suffix(translator: Translator, made: NDArray[Any], stored: Format) -> str:
    if stored != "auto":
        return f".{stored}"
    if is_declared(translator.made):
        return ".tif"
    return ".npy" if made.ndim == 1 else images.suffix_for(made)
