"""One picture of all models on the same inputs, as papers have it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from i2i import images
from i2i.data.order import spread
from i2i.evaluation.gallery import Album
from i2i.evaluation.maps import Scale, scale_of
from i2i.evaluation.results import Evaluation
from i2i.images.lettering import letter
from i2i.pairs import Pixels
from i2i.system.files import make_folder

GAP = 4  # pixels around the legend
LETTERS = 15


def write_grid(evaluation: Evaluation, pictures: Album, folder: Path, count: int = 6) -> Path:
    """Write ``grid.png`` into a folder; returns where it is.

    Rows are evenly spread items. Columns are the source, each model, the truth where there is one, and where each model
    differs from it, as the first metric has it that can say so; below is what its colours mean.

    Args:
        evaluation: Whose models and items are shown.
        pictures: Where they come from.
        folder: Made when missing.
        count: Rows.

    Raises:
        OutputError: If it cannot be written.
    """
    make_folder(folder)
    places = spread(evaluation.count, count)
    models = [model.name for model in evaluation.models]
    metric = _metric(evaluation, pictures, models[0], places[0])
    columns = {"source": [pictures.source(place) for place in places]}
    maps = {}
    for model in models:
        columns[model] = [pictures.made(model, place) for place in places]
        if metric:
            maps[model] = [pictures.map(metric, model, place) for place in places]
    truths = [truth for place in places if (truth := pictures.truth(place)) is not None]
    if truths:
        columns["truth"] = truths
    known = {model: [each for each in of_model if each is not None] for model, of_model in maps.items()}
    scale = scale_of([each for of_model in known.values() for each in of_model]) if known else None
    if scale:
        columns |= {
            f"difference, {model}": [scale.draw(each) for each in of_model] for model, of_model in known.items()
        }
    path = folder / "grid.png"
    images.write(path, _sheet(list(columns), list(columns.values()), scale, metric))
    return path


def _metric(evaluation: Evaluation, pictures: Album, model: str, place: int) -> str:
    """Return the first metric that says where differences are; empty where there is none."""
    metrics = dict.fromkeys(measured.metric for measured in evaluation.measured)
    return next((metric for metric in metrics if pictures.map(metric, model, place) is not None), "")


def _sheet(titles: Sequence[str], columns: Sequence[Sequence[Pixels]], scale: Scale | None, metric: str) -> Pixels:
    rows = [[images.sized_for_print(picture) for picture in row] for row in zip(*columns, strict=True)]
    sheet = images.contact_sheet(rows, titles)
    if scale is None:
        return sheet
    return np.concatenate([sheet, _legend(scale, metric, rows[0][0].shape[1], sheet.shape[1])])


def _legend(scale: Scale, metric: str, length: int, width: int) -> Pixels:
    """Draw the colours of differences, ``length`` pixels long, and what they mean, at the right end of a line."""
    before, behind = (letter(words, LETTERS) for words in (f"{metric}: 0", f"{scale.top:.3g} and above"))
    colours = np.full((len(before), length, 3), 255, np.uint8)
    colours[GAP:-GAP] = scale.legend(len(before) - 2 * GAP, length)
    gap = np.full((len(before), GAP, 3), 255, np.uint8)
    line = np.concatenate([before, gap, colours, gap, behind, gap], axis=1)[:, -width:]
    return np.pad(line, ((GAP, GAP), (width - line.shape[1], 0), (0, 0)), constant_values=255)
