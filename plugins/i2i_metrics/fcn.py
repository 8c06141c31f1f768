"""FCN-score: how well a segmenter that was trained on real photographs finds in generated ones what they are to show.

Paper: Isola et al. 2017, arXiv 1611.07004v3, section 4.1; the figures are those of Long et al. 2015, arXiv 1411.4038,
section 5. Own code.
"""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, stdev
from typing import ClassVar

import torch
from torch import Tensor, nn

from i2i import images
from i2i.contracts import Image
from i2i.errors import UsageError
from i2i.evaluation.judges import Judge, is_judge, read_judge
from i2i_metrics.classes import count_classes, score_classes
from i2i_metrics.segmenters import Segmenter, open_segmenter


class FCNScore(nn.Module):
    """How much of its labels a segmenter of real photographs finds in an image (Isola et al. 2017, section 4.1).

    Pixel accuracy, class accuracy and class IoU, each in [0, 1], as ``segmentation`` has them; of a judge of several
    seeds their mean. Images are brought to the size that the judge was trained at, as training brings them
    there, and labels to the same by taking the nearest pixel. Pixels without a class are not counted.

    The judge is one's own, and not the FCN-8s in Caffe of the paper: figures by different judges say nothing of each
    other. What counts is the distance to real photographs, which the same judge has looked at.

    Args:
        judge: What looks at the images: a folder that ``i2i judge train`` made; a model folder, or a run, of one that
            makes class ids of an image; or an ONNX file of a network that makes logits (1, classes, H, W) of an image
            (1, 3, H, W) in [-1, 1].
        labels: The field of the data that holds the true class ids.

    Raises:
        MissingInputError: If there is no such judge.
        UsageError: If it is none, or, when called, if the data has no such labels, or others than it knows.
        DataError: If it is damaged.
    """

    higher_is_better: ClassVar[bool] = True
    pairs: ClassVar[bool] = True
    better: ClassVar[str] = "easier to recognize"

    def __init__(self, *, judge: str = "", labels: str = "source") -> None:
        super().__init__()
        if not judge:
            raise UsageError(
                "fcn-score needs a judge. Train one with `i2i judge train`, and set fcn-score.judge to it."
            )
        self.judge, self.labels = judge, labels
        self.known: Judge | None = read_judge(Path(judge)) if is_judge(judge) else None
        paths = [Path(judge, each.model) for each in self.known.segmenters] if self.known else [Path(judge)]
        self.segmenters: list[Segmenter] = [open_segmenter(path) for path in paths]
        # so that those that are modules move with the metric
        self.networks = nn.ModuleList(each for each in self.segmenters if isinstance(each, nn.Module))
        if len({(each.classes, each.channels, each.size) for each in self.segmenters}) > 1:
            raise UsageError(f"The models of {judge} have other classes, channels or sizes. Train the judge anew.")

    def forward(self, output: Image, **fields: Tensor) -> Tensor:
        """Return what each seed gets right, by class: (N, seeds, 3, classes), see `i2i_metrics.classes.count_classes`.

        Args:
            output: What was made, (N, C, H, W).
            fields: All fields of the items.
        """
        first = self.segmenters[0]
        truth = self._truth(fields)
        size = first.size or (output.shape[-2], output.shape[-1])
        image, truth = _resized(self._seen(output), size), _picked(truth, size)
        return torch.stack([count_classes(each(image), truth, each.classes) for each in self.segmenters], dim=1)

    def aggregate(self, seen: Tensor) -> dict[str, float]:
        """Return the mean over the seeds of the figures of all items together.

        Args:
            seen: (items, seeds, 3, classes).
        """
        by_seed = [score_classes(seen[:, seed]) for seed in range(seen.shape[1])]
        return {name: fmean(each[name] for each in by_seed) for name in by_seed[0]}

    def caution(self, count: int) -> str:
        """Say what the figures can be compared with, and how far the judge's seeds are from each other."""
        said = "by a judge of one's own: not comparable with the FCN-8s of the paper, nor with other judges"
        found = self.known.figures("test") or self.known.figures("val") if self.known else {}
        if not found:
            return said
        figures = ", ".join(f"{name} {_with_spread(values)}" for name, values in found.items())
        return f"{said}; on its real photographs: {figures}"

    def _truth(self, fields: Mapping[str, Tensor]) -> Tensor:
        truth = fields.get(self.labels)
        if truth is None or truth.is_floating_point() or truth.ndim != 3:
            holds = f"has {', '.join(fields)}" if truth is None else "holds no class ids there"
            raise UsageError(
                f"fcn-score needs class ids in the field {self.labels!r}, and the data {holds}. "
                "Set fcn-score.labels to the field that has them, and dataset.source_classes to their number."
            )
        largest, classes = int(truth.amax()), self.segmenters[0].classes
        if largest >= classes:
            raise UsageError(
                f"{self.labels!r} has the class {largest}, and the judge {self.judge} knows {classes} classes, from 0 "
                f"to {classes - 1}. Give a judge that was trained on such labels."
            )
        return truth

    def _seen(self, output: Tensor) -> Tensor:
        """Return images with the channels that the judge looks at; gray as equal ones."""
        channels, wanted = output.shape[1], self.segmenters[0].channels
        if channels not in (1, wanted):
            raise UsageError(
                f"The judge {self.judge} looks at images of {wanted} channels, got {channels}. Give one for these."
            )
        return output.expand(-1, wanted, -1, -1)


def _with_spread(values: list[float]) -> str:
    return f"{fmean(values):.3f}" + (f" ± {stdev(values):.3f} over {len(values)} seeds" if len(values) > 1 else "")


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    if image.shape[-2:] == size:
        return image
    pixels = image.float().clamp(-1, 1).permute(0, 2, 3, 1).cpu().numpy()
    resized = [torch.from_numpy(images.resize(each, *size)).permute(2, 0, 1) for each in pixels]
    return torch.stack(resized).to(image.device)


def _picked(ids: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring ids (N, H, W) to a size as `i2i.images.geometry.pick` does."""
    rows, columns = (
        ((torch.arange(new, device=ids.device) + 0.5) * old / new).long()
        for new, old in zip(size, ids.shape[-2:], strict=True)
    )
    return ids[:, rows][:, :, columns]
