"""Assemble what is published of a model: its folder as it is, held-out samples, and a card."""

import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i import __version__, images, safe_json, safe_yaml
from i2i.config import RunConfig
from i2i.data import lab
from i2i.data.dataset import open_pairs
from i2i.data.order import spread
from i2i.errors import MissingInputError, UnknownNameError
from i2i.fields import Column, Field
from i2i.options import summary_of
from i2i.pairs import Pixels, by_name
from i2i.parameters import fields_asked
from i2i.plugins import lookup
from i2i.serving import contracts_of
from i2i.system.files import make_folder
from i2i.training.folder import RunFolder
from i2i.translation.exports import EXPORTS, exported_files, read_export
from i2i.translation.model import CONFIG, ModelConfig, find_model
from i2i.translation.parts import load_model, translating
from i2i.translation.translator import Translator
from i2i_hub.card import MAX_SAMPLES, NOTES, Card, publishable, render_body, write_samples

PUBLISHED = False
"""Whether pip finds i2i-toolkit on PyPI; until then a card says how to build it. The one place that decides."""


class PushedModel(NamedTuple):
    """What is pushed: a model, and the run that it was named with, if it was."""

    translator: Translator
    config: ModelConfig
    run: RunConfig | None
    metrics: Mapping[str, float]
    """What validation measured at the step whose weights these are."""


def assemble(
    path: Path, with_samples: bool, folder: Path, repository: str, keys: Mapping[str, Any]
) -> tuple[Card, str]:
    """Put the model of a run or a model folder, and samples of what it does, into an empty folder.

    A model folder that is named itself stands alone, also where a run is around it: what is published of a run beside
    its model must have been asked for.

    Args:
        path: The run or the model folder.
        with_samples: Whether held-out pairs of the run are published.
        folder: Where to.
        repository: Its name on the Hub.
        keys: Further front matter, such as the licence.

    Returns:
        The card, and a title for the commit.

    Raises:
        I2iError: If there is no model, or it is damaged, or cannot be loaded here.
    """
    if not path.is_dir():
        raise MissingInputError(f"There is no folder {str(path)!r}. Give a run's folder, or a model folder.")
    model = find_model(path)
    run = RunFolder(path)
    read = run.read_config() if run.config.is_file() else None  # first, since it loads the plugin files of the run
    translator = Translator(*load_model(model))
    metrics = _metrics_at(run.metrics, translator.config.step) if read else {}
    pushed = PushedModel(translator, translator.config, read, metrics)
    make_folder(folder)
    for file in sorted(model.iterdir()):
        if file.name == CONFIG or file.suffix == ".safetensors":
            shutil.copyfile(file, folder / file.name)
    for name in exported_files(model):
        make_folder((folder / name).parent)
        shutil.copyfile(model / name, folder / name)
    samples = []
    if with_samples and read is None:
        NOTES.warning("No samples and no figures: this is a model folder alone. Push the run's folder to publish them.")
    elif with_samples and read is not None:
        samples = write_samples(folder, _held_out(translator, read))
    card = Card(_keys(pushed, repository.split("/")[1], samples, keys), _body(pushed, repository, samples, folder))
    return card, f"{pushed.config.selection.recipe.name}, step {pushed.config.step}"


def _metrics_at(log: Path, step: int) -> dict[str, float]:
    if not log.is_file():
        return {}
    for line in log.read_text(encoding="utf-8").splitlines():
        row = safe_json.load(line)
        if row.get("step") == step and "validation" in row:
            return {name: float(value) for name, value in row["validation"].items()}
    return {}


def _held_out(translator: Translator, run: RunConfig) -> Iterator[dict[str, Pixels]]:
    """Yield what the gallery shows of some held-out items; what colours shows its source without them."""
    dataset = open_pairs(run.data.path, "val", name=run.dataset.name, options=run.dataset.options)
    for index in spread(len(dataset), MAX_SAMPLES):
        item = by_name(dataset[index])
        given = {name: item[name] for name in translator.predictor.sources}
        if translator.made.colours == "lab":
            item[translator.to] = lab.join(item["source"], item["target"], np.float32)
            given = {"source": item["target"]}
        ((made,),) = translator.render([given])
        pictures = {name: (values, name) for name, values in item.items() if name in _gallery(translator)}
        pictures["output"] = (made, translator.to)
        yield {
            picture: images.class_colours(values) if translator.config.fields[name].kind == "ids" else values
            for picture, (values, name) in pictures.items()
        }


def _gallery(translator: Translator) -> list[str]:
    """Name the pictures of a held-out item: what is taken, what is made, and what that should be, if there is such."""
    fields = translator.config.fields
    taken = [name for name in translator.predictor.sources if fields[name].kind != "vector"]
    return [*taken, "output", *([translator.to] if translator.predictor.is_aligned else [])]


def _keys(pushed: PushedModel, name: str, samples: list[str], more: Mapping[str, Any]) -> dict[str, Any]:
    selection = pushed.config.selection
    parts = [component.name for _, _, component in selection.components()]
    tags = list(dict.fromkeys(["i2i", "image-to-image", selection.recipe.name, *parts]))
    keys: dict[str, Any] = {"library_name": "i2i", "pipeline_tag": "image-to-image", "tags": tags, **more}
    if pushed.metrics:
        keys["metrics"] = list(pushed.metrics)
        keys["model-index"] = [{"name": name, "results": [_result(pushed, more)]}]
    if samples:
        keys["widget"] = [
            {
                "src": f"{sample}-{_gallery(pushed.translator)[0]}.png",
                "example_title": f"held-out pair {number}",
                "output": {"url": f"{sample}-output.png"},
            }
            for number, sample in enumerate(samples, start=1)
        ]
    return keys


def _result(pushed: PushedModel, keys: Mapping[str, Any]) -> dict[str, Any]:
    datasets = keys.get("datasets") or []
    called = datasets[0] if datasets else publishable(pushed.run.data.path) if pushed.run else "unknown"
    return {
        "task": {"type": "image-to-image", "name": "Image-to-image translation"},
        "dataset": {"type": called, "name": called, "split": "val"},
        "metrics": [{"type": name, "name": name, "value": value} for name, value in pushed.metrics.items()],
    }


def _body(pushed: PushedModel, repository: str, samples: list[str], folder: Path) -> str:
    origins, sources = pushed.config.providers.values(), pushed.translator.predictor.sources
    packages = {origin.distribution: origin.version for origin in origins if not origin.sha256}
    versions = packages | {"i2i-toolkit": __version__}
    return render_body(
        "model_card.md.j2",
        repository=repository,
        samples=samples,
        exports=list(_exports(folder)),
        published=PUBLISHED,
        # at least the version that made the model, so that no other package of that name is installed
        requirements=[
            shlex.quote(f"{name}>={version.partition('+')[0]}") for name, version in sorted(versions.items())
        ],
        plugin_files={origin.distribution: origin.sha256 for origin in origins if origin.sha256},
        config=pushed.config,
        made=[_made(pushed, to) for to in pushed.translator.predictor.recipe.translators],
        takes={name: pushed.config.fields[name] for name in sources},
        further="".join(f", {name}={_opened(name, pushed.config.fields[name])}" for name in sources[1:]),
        pictures=_gallery(pushed.translator),
        result=_example(pushed.translator),
        metrics=pushed.metrics,
        meanings={name: _meaning(name) for name in pushed.metrics},
        run=pushed.run,
        data=publishable(pushed.run.data.path) if pushed.run else "",
        configuration=pushed.run and safe_yaml.dump(publishable(pushed.run.to_dict())),
    )


def _made(pushed: PushedModel, to: str) -> dict[str, Any]:
    """Say what one translator makes of what, and by which networks."""
    config, recipe = pushed.config, pushed.translator.predictor.recipe
    fields = [name for name in fields_asked(recipe.translators[to], contracts_of(recipe)) if name in config.fields]
    parts = {part: config.selection.parts[part] for part in translating(recipe, config.selection, [to])}
    return {"to": to, "of": fields, "parts": {part: getattr(chosen, "name", part) for part, chosen in parts.items()}}


def _exports(folder: Path) -> Iterator[dict[str, Any]]:
    """Say what each export of a model folder is."""
    for place in sorted((folder / EXPORTS).glob("*")):
        export, size = read_export(place), sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
        file = (place / export.file).relative_to(folder).as_posix()
        yield {"format": export.format, "file": file, "mode": export.mode, "options": export.options, "size": size}


def _opened(name: str, field: Field) -> str:
    """Write how a field comes into Python."""
    return f"[0.0] * {field.channels}" if field.kind == "vector" else f'Image.open("{name}.png")'


def _example(translator: Translator) -> NDArray[Any]:
    """Translate what is empty, of the size that the model was trained at, 8-bit where no range was declared."""
    fields, shape = translator.config.fields, translator.config.size
    blank: dict[str, list[NDArray[Any]]] = {}
    for name in translator.predictor.sources:
        field = fields[name]
        columns = field.columns or [Column(name=name, channels=field.channels)]
        match field.kind:
            case "vector":
                blank[name] = [np.zeros(field.channels, np.float32)]
            case "ids":
                blank[name] = [np.zeros((*shape, 1), np.uint8)]
            case "image":
                lowest = [np.float64(column.range[0]) if column.range else np.uint8(0) for column in columns]
                blank[name] = [np.full((*shape, c.channels), low) for c, low in zip(columns, lowest, strict=True)]
    ((made,),) = translator.translate([translator.given(blank)])
    return made


def _meaning(metric: str) -> str:
    """Return what a metric says of itself, and which figures are good; empty where its plugin is not installed."""
    try:
        cls = lookup("metric", metric.rpartition("/")[2]).cls  # of what another translator makes, FIELD/METRIC
    except UnknownNameError:
        return ""
    better = "Higher is better." if cls.higher_is_better else "Lower is better."
    return f"{summary_of(cls)} {better}".strip()
