"""What coarser rounding does to a model: sources to calibrate by, and figures before and after on held-out images."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from i2i.config import ADVERSARIAL_CRITERION
from i2i.errors import ContractError, I2iError, MissingSplitError, UsageError
from i2i.evaluation.asked import known_fields, measures_of, reading_of
from i2i.evaluation.held import Held, hold
from i2i.evaluation.measuring import Measure
from i2i.evaluation.subjects import Model
from i2i.parameters import as_asked
from i2i.translation.exports import Backend, on
from i2i.translation.translator import Translator

CALIBRATING, MEASURED = 32, 64
"""Images, at most."""
METRICS = {"image": ("l1", ADVERSARIAL_CRITERION), "ids": ("segmentation",)}
"""What is measured before and after, by the kind of field; what lacks a package is left out, which is said."""
MAX_DIFFERENCE = 0.5
"""Levels of 255 by which what is made may be another, on average."""


class Effect(NamedTuple):
    """What rounding does."""

    split: str
    images: int
    """How many it was measured on."""
    difference: float
    """Of what is made before and after, on average, in levels of 255; of class ids, the share that is another."""
    figures: Mapping[str, tuple[float, float]]
    """By name, before and after."""
    notes: list[str]
    """What is not measured, and why."""


def held_out(translator: Translator, folder: Path, data: str) -> Held:
    """Open the data of a model: its test images, or the next best.

    Args:
        translator: The model.
        folder: Its folder; where a run is around it, that says how data is read.
        data: The dataset.

    Raises:
        I2iError: If it cannot be read, or is no data of such a model.
    """
    models = [Model("model", str(folder), translator)]
    reading = reading_of([folder], models, {})
    for split in ("test", "val", "train"):
        try:
            return hold(
                *(data, split, known_fields(models), translator.config.size, reading.dataset),
                keep=reading.keep,
                limit=MEASURED,
                device=torch.device("cpu"),
            )
        except MissingSplitError:
            continue
    raise UsageError(f"{data} has no split test, val or train. Give a dataset folder.")


def sources(translator: Translator, held: Held) -> list[Tensor]:
    """Return sources to calibrate by, as the network sees them, (1, C, H, W): training images where there are some."""
    predictor = translator.predictor
    of_training = bool(held.partners)
    places = range(min(CALIBRATING, len(held.partners) if of_training else len(held.indices)))
    found = []
    for place in places:
        batch = held.training_batch([place]) if of_training else held.batch([place])
        (seen,) = as_asked(batch, {n: predictor.asked[n] for n in predictor.sources}, held.fields).values()
        found.append(seen)
    return found


def effect(translator: Translator, backend: Backend, held: Held) -> Effect:
    """Measure what a model makes by itself and by a backend, on the same images."""
    predictor, to, kind = translator.predictor, translator.to, translator.made.kind
    model, measures, notes = Model("model", "", translator), list[Measure](), list[str]()
    for name in METRICS[kind]:
        try:
            measures += measures_of([name], {}, to, held, aligned=predictor.is_aligned)[0]
        except I2iError as error:
            notes.append(f"{name} is not measured: {error}")
    seen: dict[str, tuple[list[Tensor], list[Tensor]]] = {measure.name: ([], []) for measure in measures}
    off, count = 0.0, 0
    for places, batch in held.batches():
        before = model.make(batch, places, pairs=True)
        with on(backend, predictor):
            after = model.make(batch, places, pairs=True)
        for measure in measures:
            for made, kept in zip((before, after), seen[measure.name], strict=True):
                kept.append(measure.see(made, batch, to, held.fields))
        difference = before != after if kind == "ids" else (before.clamp(-1, 1) - after.clamp(-1, 1)).abs() * 127.5
        off, count = off + float(difference.double().mean()) * len(places), count + len(places)
    figures: dict[str, tuple[float, float]] = {}
    for measure in measures:
        before_and_after = [measure.figures(torch.cat(kept)) for kept in seen[measure.name]]
        figures |= {name: (before_and_after[0][name], before_and_after[1][name]) for name in before_and_after[0]}
    return Effect(held.split, count, off / count, figures, notes)


def check(found: Effect) -> None:
    """Refuse rounding that is seen.

    Raises:
        ContractError: If what is made is another one.
    """
    if found.difference > MAX_DIFFERENCE:
        raise ContractError(
            f"What was written makes images that are {found.difference:.2f} levels off on average. At most "
            f"{MAX_DIFFERENCE} was expected, so it is removed. Give more of the model's own sources, or more bits."
        )
