"""Judges what was trained: label maps beside the labels, photographs by what a segmenter sees in them."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import i2i
from i2i import images
from i2i.choices import Component
from i2i.config import Mode
from i2i.data.tensors import field_to_tensor
from i2i.evaluation.measuring import Measure
from i2i.evaluation.statistics import resamples
from i2i.fields import Field, Fields
from i2i.pairs import Pixels
from i2i.system.files import write_atomically
from paper_tables.cells import CLASSES, VOID, Cell
from paper_tables.streets import Tested, nearest_ids, read_images

PHOTO, IDS = Field(channels=3), Field(kind="ids", channels=CLASSES, void=VOID)
BATCH = 16


class Judge:
    """Measures what was made of the frames.

    Args:
        tested: The frames.
        to_labels: Whether labels were made of photographs; else photographs of labels.
        segmenters: What sees labels in photographs: a path, as the metric ``fcn-score`` takes it.
    """

    def __init__(self, tested: Tested, to_labels: bool, segmenters: Path) -> None:
        self._made = IDS if to_labels else PHOTO
        photos, ids = _stacked(tested.photos, PHOTO), _stacked(tested.ids, IDS)
        self._fields = {"source": PHOTO, "target": IDS} if to_labels else {"source": IDS, "target": PHOTO}
        self._batch = {"source": photos, "target": ids} if to_labels else {"source": ids, "target": photos}
        self._decides = "segmentation" if to_labels else "fcn-score"
        chosen: list[dict[str, Any]] = [{"name": "segmentation", "classes": CLASSES}]
        if not to_labels:
            others = ("l1", "psnr", "ssim", "lab-histogram", "kid-lite0")
            chosen = [{"name": "fcn-score", "judge": str(segmenters)}, *({"name": name} for name in others)]
        self._measures = [Measure(Component.model_validate(each)) for each in chosen]

    def __call__(self, made: Sequence[Pixels], *, further: bool = True) -> dict[str, Any]:
        """Return ``figures`` of all frames by name; and ``draws``, those that decide for frames drawn anew.

        Args:
            made: Of each frame.
            further: Whether figures that do not decide are measured too.
        """
        output = _stacked(made, self._made)
        figures: dict[str, float] = {}
        draws: dict[str, list[float]] = {}
        for measure in self._measures if further else self._measures[:1]:
            seen = self._seen(measure, output)
            found = {name.removeprefix(f"{self._decides}/"): value for name, value in measure.figures(seen).items()}
            figures |= found
            if measure.name == self._decides:
                drawn = [
                    list(measure.figures(seen[torch.from_numpy(chosen)]).values()) for chosen in resamples(len(seen))
                ]
                draws = dict(zip(found, np.transpose(drawn).tolist(), strict=True))
        return {"figures": figures, "draws": draws}

    def _seen(self, measure: Measure, output: torch.Tensor) -> torch.Tensor:
        fields = Fields(self._fields, (output.shape[-2], output.shape[-1]))
        parts = []
        for begin in range(0, len(output), BATCH):
            batch = {name: values[begin : begin + BATCH] for name, values in self._batch.items()}
            parts.append(measure.see(output[begin : begin + BATCH], batch, "target", fields))
        return torch.cat(parts)


def remembered(file: Path, judged: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what a file holds, or else what a function returns, which the file then holds."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps(judged()).encode())
    known: dict[str, Any] = json.loads(file.read_text())
    return known


def judge_run(
    run: Path, cell: Cell, tested: Tested, judge: Judge, kept: Path, mode: Mode, *, further: bool
) -> dict[str, Any]:
    """Return what the judge says of a run, from a file where it is known; else translate the frames and ask.

    Args:
        run: The run.
        cell: What it was trained as.
        tested: The frames.
        judge: For what the cell makes.
        kept: Folder of what is made and judged in this mode.
        mode: How the generator runs.
        further: Whether figures that do not decide are measured too.
    """
    file = kept / "judged" / f"{run.name}.json"
    return remembered(file, lambda: judge(made_by(run, cell, tested, kept / "made", mode), further=further))


def made_by(run: Path, cell: Cell, tested: Tested, folder: Path, mode: Mode) -> list[Pixels]:
    """Return what a run makes of the frames: photographs, or ids of labels; kept as files in a folder."""
    kept = folder / run.name
    if not kept.exists():
        sources = tested.photos if cell.to_labels else tested.colours
        translator = i2i.Translator.load(run / "model-last", mode=mode)
        begun = folder / f"{run.name}.begun"
        begun.mkdir(parents=True, exist_ok=True)
        for name, pixels in zip(tested.names, translator(sources), strict=True):
            images.write(begun / f"{name}.png", pixels)
        begun.rename(kept)
    made = list(read_images(kept).values())
    return [nearest_ids(pixels) if cell.to_labels and pixels.shape[2] == 3 else pixels for pixels in made]


def references(tested: Tested, folder: Path, judges: Mapping[bool, Judge], out: Path) -> dict[str, dict[str, Any]]:
    """Return what the judges say of real photographs, and of what is the same for every frame.

    Args:
        tested: The frames.
        folder: The dataset folder.
        judges: By whether labels are made.
        out: Folder of everything that is made.
    """
    count, kept = len(tested.names), out / "references"
    photo = mean_photo(list(read_images(folder / "train" / "photo").values()))
    labels = commonest_ids(list(read_images(folder / "train" / "ids").values()))
    return {
        "photo: real photographs": remembered(kept / "real.json", lambda: judges[False](tested.photos)),
        "photo: mean training photograph": remembered(kept / "mean.json", lambda: judges[False]([photo] * count)),
        "labels: commonest class of each pixel": remembered(
            kept / "commonest.json", lambda: judges[True]([labels] * count)
        ),
    }


def mean_photo(photos: Sequence[Pixels]) -> Pixels:
    """Return the mean of photographs, (H, W, 3)."""
    mean: NDArray[np.float64] = np.mean(photos, axis=0)
    return np.rint(mean).astype(np.uint8)


def commonest_ids(ids: Sequence[Pixels]) -> Pixels:
    """Return the class that each pixel has most often, (H, W, 1)."""
    counts = np.stack([np.sum([each == label for each in ids], axis=0) for label in range(CLASSES)])
    commonest: Pixels = counts.argmax(0).astype(np.uint8)
    return commonest


def _stacked(pixels: Sequence[Pixels], field: Field) -> torch.Tensor:
    return torch.stack([field_to_tensor(each, field) for each in pixels])
