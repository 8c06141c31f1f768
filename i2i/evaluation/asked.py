"""What is asked for: models by name, how their data is read, and which metrics."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from i2i.choices import Component
from i2i.config import ADVERSARIAL_CRITERION, METRICS, Mode, read_file
from i2i.errors import I2iError, UsageError, suggest
from i2i.evaluation.held import Held
from i2i.evaluation.measuring import Measure
from i2i.evaluation.subjects import Model
from i2i.fields import Field, Kind
from i2i.options import options_of
from i2i.plugins import catalogue, lookup
from i2i.translation.model import find_model
from i2i.translation.parts import recipe_of
from i2i.translation.translator import Translator

CONFIG = "config.yaml"
"""Of a run, which stands beside its model."""

SEEN = ("perceptual-lite0", ADVERSARIAL_CRITERION)
"""What is measured of images besides, which takes longer than in training there is time for."""
ALL = "all"
"""What stands for every metric that is installed and can be measured."""


def load_models(
    paths: Sequence[str], *, to: str | None, mode: Mode | None, seed: int, device: str
) -> tuple[list[Model], list[Path]]:
    """Load the models that are to be measured, and say which folders they are in.

    Args:
        paths: Models and runs, each perhaps as ``NAME=PATH``.
        to: The field to make; see `i2i.translation.parts.field_made`.
        mode: How to run them; each in its own mode when not given.
        seed: Of their noise.
        device: Where to run them.

    Raises:
        UsageError: If two are called alike, or they make different fields.
        I2iError: If one cannot be loaded.
    """
    models, folders = [], []
    for name, path in named_models(paths).items():
        folders.append(find_model(path))
        translator = Translator.load(folders[-1], to, device=device, mode=mode, seed=seed)
        models.append(Model(name, path, translator))
    first = models[0].translator
    for model in models[1:]:
        made, other = first.made, model.translator.made
        if (model.translator.to, other.kind, other.channels) != (first.to, made.kind, made.channels):
            raise UsageError(
                f"{models[0].name} makes {first.to}, {made.kind} of {made.channels}, and {model.name} makes "
                f"{model.translator.to}, {other.kind} of {other.channels}. Evaluate them one by one."
            )
    return models, folders


def named_models(paths: Sequence[str]) -> dict[str, str]:
    """Call models as they are said to be called, else by the last part of their path that tells them apart."""
    said = [path.partition("=") if not os.path.exists(path) else ("", "", path) for path in paths]
    places = [place if equals else name + place for name, equals, place in said]
    parts = [Path(place).parts or (place,) for place in places]
    depth = next((n for n in range(1, 9) if len({p[-n:] for p in parts}) == len(parts)), 1)
    names = [name if equals else "/".join(each[-depth:]) for (name, equals, _), each in zip(said, parts, strict=True)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"Two models are called {name!r}. Name them, such as a={places[0]} b={places[-1]}.")
    return dict(zip(names, places, strict=True))


class Reading(NamedTuple):
    """How the data of models is read."""

    dataset: Component
    """The component that reads it, with its options."""
    path: str | None = None
    """What a run was trained on."""
    keep: bool = False
    """Whether that was cut out of images as they are stored, instead of out of scaled ones."""


def reading_of(folders: Sequence[Path], models: Sequence[Model], said: Mapping[str, Any]) -> Reading:
    """Return how the data of models is read, and which data their run was trained on.

    Of a run, that is what its configuration says; of a model alone, its recipe's dataset in its direction.

    Args:
        folders: Of the models.
        models: In the same order; the first one that a run made speaks for all.
        said: Options of the dataset that the user says.
    """
    for folder in folders:
        run = folder.parent / CONFIG
        if run.is_file():
            recorded = read_file(run)
            data = recorded["data"]
            return Reading(Component(**{**recorded["dataset"], **said}), str(data["path"]), data["resize"] == "keep")
    config = models[0].translator.config
    usual = {"name": "pairs", **recipe_of(config).settings.get("dataset", {})}
    own: dict[str, Any] = {"direction": config.direction} if config.direction else {}
    own |= {"colours": "lab"} if any(field.colours == "lab" for field in config.fields.values()) else {}
    for name in ("source", "target"):
        field = config.fields.get(name)
        if field is not None and field.kind == "ids":
            own |= {f"{name}_classes": field.channels, "void": field.void}
    known = options_of(lookup("dataset", said.get("name", usual["name"])).cls).model_fields
    return Reading(Component(**{**usual, **{k: v for k, v in own.items() if k in known}, **said}))


def known_fields(models: Sequence[Model]) -> dict[str, Field]:
    """Return the fields that models know: those that they take and make."""
    known: dict[str, Field] = {}
    for model in models:
        translator = model.translator
        known |= {name: translator.config.fields[name] for name in (*translator.predictor.sources, translator.to)}
    return known


def usual(kind: Kind) -> tuple[str, ...]:
    """Return what is measured of a kind of field where nothing is said; of these, whatever can be."""
    return (*METRICS.get(kind, ()), *(SEEN if kind == "image" else ()))


def measures_of(
    chosen: Sequence[str], options: Mapping[str, Mapping[str, Any]], to: str, held: Held, *, aligned: bool
) -> tuple[list[Measure], list[str]]:
    """Build the metrics that are asked for, and say which of those that were not named cannot be measured, and why.

    Args:
        chosen: Their names; the usual ones where there are none, and ``all`` for all that there are.
        options: Of metrics, by name.
        to: The field that is made.
        held: The items.
        aligned: Whether what is made belongs to what it is made of.

    Raises:
        UsageError: If one that is named cannot be measured, or options are of one that is not measured.
    """
    named = [name for name in chosen if name != ALL]
    names = dict.fromkeys(named or usual(held.fields[to].kind))
    names |= dict.fromkeys(options)
    if ALL in chosen:
        names |= dict.fromkeys(catalogue("metric"))
    first = held.batch([0])
    measures, notes = [], []
    for name in names:
        try:
            measure = Measure(Component(**{**options.get(name, {}), "name": name}))
            if not (reason := measure.unmeasured(to, held.fields, aligned=aligned)):
                measure.to_device(held.device)
                measure.see(first[to], first, to, held.fields)  # refuses images that are too small for it, and the like
        except I2iError as error:
            if name in named or name in options:
                raise
            notes.append(f"{name} is not measured: {error}")
            continue
        if reason:
            if name in named or name in options:
                raise UsageError(f"{reason[0].upper()}{reason[1:]}. Leave --metric {name} out.")
            if ALL not in chosen:
                notes.append(f"{name} is not measured: {reason}.")
            continue
        measures.append(measure)
    if not measures:
        raise UsageError(f"There is nothing to measure. {' '.join(notes)}")
    return measures, notes


def options_said(
    said: Mapping[str, Any], chosen: Sequence[str], shared: Mapping[str, str | None]
) -> dict[str, dict[str, Any]]:
    """Return the options of metrics by name.

    Args:
        said: By metric, what the user says of it.
        chosen: The metrics that are asked for by name.
        shared: Options that are given to each metric that is asked for and has them, such as ``weights``.

    Raises:
        UsageError: If something is said of no metric, or nothing that is asked for has a shared option.
    """
    metrics = catalogue("metric")
    for name in (*said, *chosen):
        if name != ALL and name not in metrics:
            raise UsageError(f"There is no metric {name!r}.{suggest(name, metrics)} Metrics: {', '.join(metrics)}.")
    options = {name: dict(values) for name, values in said.items()}
    for option, value in shared.items():
        if value is None:
            continue
        takers = [n for n in chosen if n != ALL and option in options_of(metrics[n].cls).model_fields]
        if not takers:
            known = [n for n, found in metrics.items() if option in options_of(found.cls).model_fields]
            raise UsageError(f"--{option} is for {', '.join(known) or 'no metric'}. Ask for one: --metric NAME.")
        for name in takers:
            options.setdefault(name, {}).setdefault(option, value)
    return options
