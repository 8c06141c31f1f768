"""Assemble what is published of a model: its folder as it is, held-out samples, and a card."""

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i import __version__, images, safe_json, safe_yaml
from i2i.config import RunConfig
from i2i.data import lab
from i2i.data.dataset import open_pairs
from i2i.data.order import spread
from i2i.data.sides import Column
from i2i.errors import I2iError, MissingInputError, UnknownNameError
from i2i.options import summary_of
from i2i.pairs import Pair, Pixels
from i2i.places import hide_secrets
from i2i.plugins import lookup
from i2i.system.files import make_folder
from i2i.training.folder import RunFolder
from i2i.translation.model import CONFIG, ModelConfig, find_model, load_model
from i2i.translation.translator import Translator
from i2i_hub.card import Card, code, publishable, render_body
from i2i_hub.publishing import SAMPLES, Publication

MAX_SAMPLES = 4
PUBLISHED = False
"""Whether pip finds i2i-toolkit on PyPI; until then a card says how to build it. The one place that decides."""

BASE_TAGS = ("i2i", "image-to-image")
SUFFIX = ".safetensors"
SHOWN = ("source", "output", "target")


@dataclass(frozen=True)
class PushedModel:
    """What is pushed: a model folder, and the run that it was named with, if it was."""

    model: Path
    translator: Translator
    run: RunConfig | None
    metrics: Mapping[str, float]

    @property
    def config(self) -> ModelConfig:
        """Return what the model is."""
        return self.translator.config

    @property
    def files(self) -> list[Path]:
        """Return the files of the model folder, of the kinds that a model is made of."""
        return sorted(file for file in self.model.iterdir() if file.name == CONFIG or file.suffix == SUFFIX)


def read_pushed(path: Path) -> PushedModel:
    """Load what is at ``path``, a run folder or a model folder; its weights are checked.

    A model folder that is named itself stands alone, also where a run is around it: what is published of a run beside
    its model must have been asked for.

    Raises:
        I2iError: If there is no model, or it is damaged, or cannot be loaded here.
    """
    if not path.is_dir():
        raise MissingInputError(f"There is no folder {str(path)!r}. Give a run's folder, or a model folder.")
    model = find_model(path)
    translator = Translator(*load_model(model))
    folder = RunFolder(path)
    if not folder.config.is_file():
        return PushedModel(model, translator, None, {})
    return PushedModel(model, translator, folder.read_config(), _metrics_at(folder.metrics, translator.config.step))


def _metrics_at(log: Path, step: int) -> dict[str, float]:
    """Return what validation measured at the step whose weights these are."""
    if not log.is_file():
        return {}
    for line in log.read_text(encoding="utf-8").splitlines():
        row = safe_json.load(line)
        if row.get("step") == step and "validation" in row:
            return {name: float(value) for name, value in row["validation"].items()}
    return {}


def assemble(path: Path, with_samples: bool, folder: Path, repository: str, keys: Mapping[str, Any]) -> Publication:
    """Put the model of a run or a model folder, and samples of what it does, into an empty folder.

    Args:
        path: The run or the model folder.
        with_samples: Whether held-out pairs of the run are published.
        folder: Where to.
        repository: Its name on the Hub.
        keys: Further front matter, such as the licence.
    """
    pushed = read_pushed(path)
    make_folder(folder)
    for file in pushed.files:
        shutil.copyfile(file, folder / file.name)
    samples, missing = _samples(pushed, folder) if with_samples else ([], [])
    card = Card(_keys(pushed, repository.split("/")[1], samples, keys), _body(pushed, repository, samples))
    return Publication(card, f"{pushed.config.selection.recipe.name}, step {pushed.config.step}", missing)


def _samples(pushed: PushedModel, folder: Path) -> tuple[list[str], list[str]]:
    """Translate some held-out pairs; return what the samples are called, and why there are none."""
    if pushed.run is None:
        return [], ["No samples and no figures: this is a model folder alone. Push the run's folder to publish them."]
    try:
        dataset = pushed.run.dataset
        pairs = open_pairs(pushed.run.data.path, "val", name=dataset.name, options=dataset.options)
        make_folder(folder / SAMPLES)
        names = []
        for number, index in enumerate(spread(len(pairs), MAX_SAMPLES), start=1):
            names.append(f"{SAMPLES}/{number}")
            for what, picture in zip(SHOWN, pictures(pushed.translator, pairs[index]), strict=True):
                images.write(folder / f"{names[-1]}-{what}.png", images.as_rgb(picture))
        return names, []
    except (I2iError, IndexError) as error:
        shutil.rmtree(folder / SAMPLES, ignore_errors=True)
        return [], [f"No samples: {hide_secrets(str(error), pushed.run.data.path)}"]


def pictures(translator: Translator, pair: Pair) -> tuple[Pixels, Pixels, Pixels]:
    """Return source, output and target of a pair as they are shown; what colours shows its source without them.

    Args:
        translator: Makes the output.
        pair: As the model's dataset gives it.
    """
    if translator.config.source.colours == "lab":
        target = lab.join(pair.source, pair.target, np.float32)
        return pair.source, translator.render(target), target
    return pair.source, translator.render(pair.source), pair.target


def _keys(pushed: PushedModel, name: str, samples: list[str], more: Mapping[str, Any]) -> dict[str, Any]:
    selection = pushed.config.selection
    parts = [part.name for part in selection.parts.values()]
    tags = list(dict.fromkeys([*BASE_TAGS, selection.recipe.name, *parts]))
    keys: dict[str, Any] = {"library_name": "i2i", "pipeline_tag": "image-to-image", "tags": tags, **more}
    if pushed.metrics:
        keys["metrics"] = list(pushed.metrics)
        keys["model-index"] = [{"name": name, "results": [_result(pushed, more)]}]
    if samples:
        keys["widget"] = [_shown(sample, f"held-out pair {i}") for i, sample in enumerate(samples, start=1)]
    return keys


def _shown(sample: str, title: str) -> dict[str, Any]:
    return {"src": f"{sample}-source.png", "example_title": title, "output": {"url": f"{sample}-output.png"}}


def _result(pushed: PushedModel, keys: Mapping[str, Any]) -> dict[str, Any]:
    datasets = keys.get("datasets") or []
    called = datasets[0] if datasets else publishable(pushed.run.data.path) if pushed.run else "unknown"
    return {
        "task": {"type": "image-to-image", "name": "Image-to-image translation"},
        "dataset": {"type": called, "name": called, "split": "val"},
        "metrics": [{"type": name, "name": name, "value": value} for name, value in pushed.metrics.items()],
    }


def _body(pushed: PushedModel, repository: str, samples: list[str]) -> str:
    config = pushed.config
    origins = config.providers.values()
    versions = {origin.distribution: origin.version for origin in origins} | {"i2i-toolkit": __version__}
    recipe, generator = config.selection.recipe.name, config.selection.parts["generator"].name
    return render_body(
        "model_card.md.j2",
        name=repository.split("/")[1],
        repository=repository,
        summary=f"An image-to-image translator: generator {code(generator)}, trained by the recipe {code(recipe)}.",
        samples=samples,
        published=PUBLISHED,
        # at least the version that made the model, so that no other package of that name is installed
        requirements=[
            shlex.quote(f"{name}>={version.partition('+')[0]}") for name, version in sorted(versions.items())
        ],
        source=config.source,
        target=config.target,
        result=example(pushed.translator),
        metrics=pushed.metrics,
        meanings={name: meaning(name) for name in pushed.metrics},
        step=config.step,
        mode=config.mode,
        size=config.size,
        training=_training(pushed),
        configuration=pushed.run and safe_yaml.dump(publishable(pushed.run.to_dict())),
        providers=config.providers,
        version=__version__,
    )


def example(translator: Translator) -> NDArray[Any]:
    """Translate an empty image of the size that the model was trained at, 8-bit where no range was declared."""
    config = translator.config
    side = config.source
    columns = side.columns or [Column(name="image", channels=side.channels)]
    shapes = [(config.size, config.size, column.channels) for column in columns]
    ranges = [column.range for column in columns]
    inputs = [
        np.full(shape, span[0]) if span else np.zeros(shape, np.uint8)
        for shape, span in zip(shapes, ranges, strict=True)
    ]
    return translator(*inputs)


def meaning(metric: str) -> str:
    """Return what a metric says of itself, and which figures are good; empty where its plugin is not installed."""
    try:
        cls = lookup("metric", metric).cls
    except UnknownNameError:
        return ""
    better = "Higher is better." if cls.higher_is_better else "Lower is better."
    return f"{summary_of(cls)} {better}".strip()


def _training(pushed: PushedModel) -> dict[str, str]:
    selection, run = pushed.config.selection, pushed.run
    described = {part: _component(part_of) for part, part_of in selection.parts.items()}
    table = {"recipe": _component(selection.recipe), **described, "steps": str(pushed.config.step)}
    if pushed.config.direction:
        table["direction"] = pushed.config.direction
    if run is not None:
        table["data"] = publishable(run.data.path)
        table["batch size"] = str(run.training.batch_size)
        table["learning rate"] = (
            f"{run.optimizer.lr:g}, betas {run.optimizer.betas[0]:g} and {run.optimizer.betas[1]:g}"
        )
        table["seed"] = str(run.training.seed)
    return table


def _component(component: Any) -> str:
    options = ", ".join(f"{name} {value}" for name, value in component.options.items())
    return f"{component.name} ({options})" if options else component.name
