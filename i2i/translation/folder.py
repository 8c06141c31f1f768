"""Translates files and folders of images; one bad input never stops the rest, and none is lost without a word."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from i2i import images
from i2i.errors import I2iError
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
    """
    found = images.discover(inputs, exclude=out)
    names = [Path(found.name_of(file)) for file in found.files]
    # some systems take names that differ in case for one
    stems = Counter(str(name.with_suffix("")).casefold() for name in names)
    outputs = []
    for name in names:
        alone = stems[str(name.with_suffix("")).casefold()] == 1
        outputs.append(out / name.parent / ((name.stem if alone else name.name) + suffix))
    return list(zip(found.files, outputs, strict=True))


def translate_files(translator: Translator, planned: Sequence[tuple[Path, Path]]) -> Iterator[Translated]:
    """Translate each input into its output, losslessly.

    Raises:
        OutputError: If an output cannot be written.
    """
    for source, output in planned:
        try:
            fake = translator(images.read(source).pixels)
        except images.ImageError as error:
            yield Translated(source, None, str(error))
            continue
        except I2iError as error:
            yield Translated(source, None, f"{source}: {error}")
            continue
        output = output.with_name(output.name.removesuffix(".png") + images.suffix_for(fake))
        make_folder(output.parent)
        images.write(output, fake)
        yield Translated(source, output, None)
