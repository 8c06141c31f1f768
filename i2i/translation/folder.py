"""Translates files and folders of images; one bad input never stops the rest, and none is lost without a word."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from i2i import images
from i2i.errors import I2iError, OutputError, UsageError
from i2i.files import make_folder
from i2i.translation.translator import Translator


class Translated(NamedTuple):
    """What became of one input."""

    source: Path
    output: Path | None
    problem: str | None
    """Why there is no output."""


def plan(inputs: Sequence[Path], out: Path, suffix: str = ".png") -> list[tuple[Path, Path]]:
    """Each input with its output, in the order of their names.

    An output keeps its input's name and place below the common parent of all inputs; its suffix says how it is stored.
    Inputs that differ in nothing but the suffix keep it in front of the new one.

    Raises:
        MissingInputError: If an input is not there.
        UsageError: If an output would replace an input.
    """
    if out.absolute() in {Path(path).absolute() for path in inputs}:
        raise UsageError(f"{out} is an input too. Choose another --out.")
    found = images.discover(inputs, exclude=out)
    names = [Path(found.name_of(file)) for file in found.files]
    outputs = [out / name.with_suffix(suffix) for name in names]
    # inputs that would share an output keep their suffixes; some systems take names that differ in case for one
    for _ in range(2):  # a name that was lengthened may meet another one
        for i, count in enumerate(_counts(outputs)):
            if count > 1:
                outputs[i] = out / names[i].parent / (names[i].name + suffix)
    taken = {os.path.abspath(file) for file in found.files}
    for output in outputs:
        if taken & {os.path.abspath(output), os.path.abspath(output.with_suffix(".npy"))}:
            raise UsageError(f"{output} is an input too. Choose another --out.")
    return list(zip(found.files, outputs, strict=True))


def _counts(outputs: Sequence[Path]) -> list[int]:
    names = [str(output).casefold() for output in outputs]
    counts = Counter(names)
    return [counts[name] for name in names]


def translate_files(translator: Translator, planned: Sequence[tuple[Path, Path]]) -> Iterator[Translated]:
    """Translate each input into its output, losslessly.

    Raises:
        OutputError: If an output cannot be written.
    """
    for source, output in planned:
        try:
            fake = translator(images.read(source).pixels)
            output = output.with_name(output.name.removesuffix(".png") + images.suffix_for(fake))
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
