"""Trains a judge: one run of the recipe ``regression`` for each seed, and what each finds in real photographs.

Long et al. 2015, arXiv 1411.4038, train on cross-entropy of each pixel; so it is here. Network and optimizer are not
theirs: see `i2i_features.lite0_pyramid`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

import i2i
from i2i.choices import Component
from i2i.config import RunConfig, merge
from i2i.data.dataset import open_pairs
from i2i.data.items import Items
from i2i.data.jitter import jitter_of
from i2i.errors import MissingSplitError, UsageError
from i2i.evaluation.judges import Judge, Segmenter, is_judge, read_judge, write_judge
from i2i.evaluation.measuring import Measure
from i2i.fields import Fields, fields_of
from i2i.said import Said, parse_assignments
from i2i.system.files import make_folder
from i2i.training import Reporter
from i2i.training.folder import RunFolder
from i2i.training.run import RESUMABLE
from i2i.translation.model import find_model, read_config

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "generator": {"name": "lite0-pyramid"},
    "optimizer": {"name": "adamw", "lr": 1e-3, "weight_decay": 1e-4},
    "schedule": {"name": "linear", "decay_start": 0.0},
    "training": {"batch_size": 8, "steps": 1000},
    "validation": {"metrics": ["segmentation"], "select": "segmentation/iou"},
}
"""What is not as the recipe has it: by these, 1000 steps of CamVid at 64 px are 22 epochs."""
RECIPE = "regression"
TOLD = ("generator", "class_loss", "dataset", "data", "optimizer", "schedule", "training")
"""Sections of a run's settings that a judge remembers."""
REAL = ("val", "test")
"""Splits whose photographs a judge is measured on."""


def train_judge(
    data: str,
    out: Path,
    *,
    seeds: int,
    size: str,
    direction: str,
    said: Said,
    flags: Mapping[str, Any],
    reporter: Reporter,
) -> Judge:
    """Train a judge, or go on with one.

    Args:
        data: The translator's dataset: class ids -> photographs.
        out: The judge's folder.
        seeds: Segmenters to train.
        size: That it looks at; see `i2i.train`.
        direction: Of the translator.
        said: Settings of the runs; of ``dataset`` those of the translator.
        flags: Further parameters of `i2i.train`: ``steps``, ``epochs``, ``workers``, ``device``.
        reporter: Who is told.

    Raises:
        I2iError: If something is wrong that a person can mend.
        InterruptedRunError: If SIGINT or SIGTERM stopped it; everything is saved.
    """
    mine = parse_assignments(said)
    mine["dataset"] = turned(mine.get("dataset", {}), direction)
    make_folder(out)
    known = {one.seed: one for one in read_judge(out).segmenters} if is_judge(out) else {}
    for seed in range(seeds):
        run = RunFolder(out / f"seed-{seed}")
        if run.config.exists():
            _check_same(run, mine, size)
            outcome = i2i.train(resume=run.path, set=_changes(mine), reporter=reporter, **flags)
        else:
            settings = merge([SETTINGS, mine])
            outcome = i2i.train(
                RECIPE, data, run.path, config=settings, size=size, seed=seed, reporter=reporter, **flags
            )
        if seed not in known or outcome.step > outcome.begun:
            figures = dict(real_figures(run.path, run.read_config()))
            known[seed] = Segmenter(seed=seed, model=run.path.name, figures=figures)
        judge = _described(run.path, run.read_config(), [known[each] for each in sorted(known)])
        write_judge(out, judge)  # of the seeds that are there it is one already
    return judge


def turned(dataset: Mapping[str, Any], direction: str) -> dict[str, Any]:
    """Return options of a translator's dataset as those of its judge's: what was the source is the target.

    Example:
        >>> turned({"source_classes": 12, "void": 255}, "AtoB")
        {'target_classes': 12, 'void': 255, 'direction': 'BtoA'}
    """
    other = {"source": "target", "target": "source"}
    options = {}
    for option, value in dataset.items():
        side, by, rest = option.partition("_")
        options[other.get(side, side) + by + rest] = value
    if "source" not in options:  # columns that are named have their direction in that
        options["direction"] = {"AtoB": "BtoA", "BtoA": "AtoB"}.get(direction, direction)
    return options


def real_figures(run: Path, config: RunConfig) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield what the model of a run finds in the photographs of each split that is there: what `fcn-score` gives them.

    Raises:
        I2iError: If one cannot be read.
    """
    measure = Measure(Component.model_validate({"name": "fcn-score", "judge": str(run), "labels": "target"}))
    device = torch.device(config.training.device)
    measure.to_device(device)
    dataset = config.dataset
    for split in REAL:
        try:
            pairs = open_pairs(config.data.path, split, name=dataset.name, options=dataset.options)
        except MissingSplitError:
            continue
        fields = Fields(fields_of(pairs), config.data.size)
        items = Items(pairs, fields, jitter_of(config.data), seed=0)
        seen = []
        for index in range(len(items)):
            batch = {name: values[None].to(device) for name, values in items.test(index).items()}
            seen.append(measure.see(batch["source"], batch, "source", fields))
        yield split, {name.partition("/")[2]: value for name, value in measure.figures(torch.cat(seen)).items()}


def _check_same(run: RunFolder, said: Mapping[str, Mapping[str, Any]], size: str) -> None:
    """Refuse to go on with a run that was begun with other settings.

    Raises:
        UsageError: If something that is said now is not what it has.
    """
    config = run.read_config()
    height, width = config.data.size
    if size.lower() not in (f"{height}x{width}", *([str(height)] if height == width else [])):
        raise UsageError(f"{run.path} was begun with --size {height}x{width}, not {size}. Say that, or another --out.")
    has = config.to_dict()
    for section, values in said.items():
        for option, value in values.items():
            if option not in RESUMABLE.get(section, ()) and has.get(section, {}).get(option) != value:
                raise UsageError(
                    f"{run.path} was begun with {section}.{option}={has.get(section, {}).get(option)}, and {value} is "
                    "said now. Say the same, or train another judge with --out."
                )


def _changes(said: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return those of the settings that may change when a run goes on."""
    kept = {
        section: {option: value for option, value in values.items() if option in RESUMABLE.get(section, ())}
        for section, values in said.items()
    }
    return {section: values for section, values in kept.items() if values}


def _described(run: Path, config: RunConfig, segmenters: list[Segmenter]) -> Judge:
    settings = {name: values for name, values in config.to_dict().items() if name in TOLD}
    settings["training"] = {option: value for option, value in settings["training"].items() if option != "seed"}
    return Judge(
        classes=read_config(find_model(run)).fields["target"].channels,
        size=config.data.size,
        data=config.data.path,
        training=settings,
        segmenters=segmenters,
    )
