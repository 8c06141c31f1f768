"""The FCN-score: what a judge takes an image for, counted by hand; judges in folders and in ONNX files."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_models
import torch
from torch import Tensor

from i2i import images
from i2i.choices import Component
from i2i.errors import DataError, I2iError, MissingInputError, UsageError
from i2i.evaluation.judges import Judge, Segmenter, read_judge, write_judge
from i2i.evaluation.measuring import Measure
from i2i.fields import Field, Fields
from i2i.images.geometry import pick
from i2i.translation import Translator
from i2i_metrics import FCNScore
from i2i_metrics.segmenters import OwnSegmenter

CLASSES, SIZE = 4, 16
GENERATOR = {"name": "nafnet", "encoder_blocks": [1], "middle_blocks": 1, "decoder_blocks": [1]}


def segmenter(path: Path, classes: int = CLASSES, width: int = 4) -> Path:
    fields = {"source": Field(channels=3), "target": Field(channels=classes, kind="ids")}
    return small_models.any_model(path, "regression", {"generator": {**GENERATOR, "base_channels": width}}, fields)


def judge_of(folder: Path, *widths: int, figures: dict[str, dict[str, float]] | None = None) -> Path:
    """A judge whose seeds differ in their networks."""
    seeds = [Segmenter(seed=n, model=f"seed-{n}", figures=figures or {}) for n in range(len(widths))]
    for one, width in zip(seeds, widths, strict=True):
        segmenter(folder / one.model, width=width)
    about = Judge(classes=CLASSES, size=(SIZE, SIZE), data="streets", training={}, segmenters=seeds)
    write_judge(folder, about)
    return folder


def photographs(count: int = 3, size: int = SIZE, channels: int = 3) -> Tensor:
    """Of whole bytes, so that they are the same as pixels."""
    drawn = torch.randint(256, (count, channels, size, size), generator=torch.Generator().manual_seed(0))
    return drawn / 127.5 - 1


def labels(count: int = 3, size: int = SIZE) -> Tensor:
    ids = torch.randint(CLASSES, (count, size, size), generator=torch.Generator().manual_seed(1))
    return ids.where(torch.rand(ids.shape, generator=torch.Generator().manual_seed(2)) > 0.1, -100)


def by_hand(model: Path, shown: Tensor, truth: Tensor) -> dict[str, float]:
    """Figures of what a model makes when it translates, counted one pixel at a time."""
    translator = Translator.load(model)
    cells: Counter[tuple[int, int]] = Counter()
    for image, ids in zip(shown, truth, strict=True):
        pixels = ((image + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
        cells.update(zip(ids.flatten().tolist(), translator(pixels).flatten().tolist(), strict=True))
    cells = Counter({cell: count for cell, count in cells.items() if cell[0] >= 0})
    right = [cells[k, k] for k in range(CLASSES)]
    true = [sum(n for (a, _), n in cells.items() if a == k) for k in range(CLASSES)]
    made = [sum(n for (_, b), n in cells.items() if b == k) for k in range(CLASSES)]
    return {
        "pixel": sum(right) / sum(true),
        "class": sum(r / t for r, t in zip(right, true, strict=True)) / CLASSES,
        "iou": sum(r / (t + m - r) for r, t, m in zip(right, true, made, strict=True)) / CLASSES,
    }


def test_figures_are_those_of_what_the_judge_makes_of_an_image(tmp_path: Path) -> None:
    model = segmenter(tmp_path / "model")
    metric = FCNScore(judge=str(model))
    found = metric.aggregate(metric(photographs(), source=labels(), target=photographs()))
    assert found == pytest.approx(by_hand(model, photographs(), labels()))


def test_a_judge_of_several_seeds_gives_their_mean(tmp_path: Path) -> None:
    folder = judge_of(tmp_path / "judge", 2, 4)
    metric = FCNScore(judge=str(folder))
    seen = metric(photographs(), source=labels())
    assert seen.shape[:2] == (3, 2)
    one, other = (by_hand(folder / f"seed-{n}", photographs(), labels()) for n in range(2))
    assert one != other
    assert metric.aggregate(seen) == pytest.approx({name: (one[name] + other[name]) / 2 for name in one})


def test_images_and_labels_are_brought_to_the_judges_size(tmp_path: Path) -> None:
    metric = FCNScore(judge=str(segmenter(tmp_path / "model")))
    large, truth = photographs(size=40), labels(size=40)
    small = torch.stack(
        [torch.from_numpy(images.resize(each.permute(1, 2, 0).numpy(), SIZE, SIZE)).permute(2, 0, 1) for each in large]
    )
    ids = torch.stack([torch.from_numpy(pick(each.numpy()[..., None], SIZE, SIZE)[..., 0]) for each in truth])
    assert torch.equal(metric(large, source=truth), metric(small, source=ids))


def test_gray_is_shown_as_equal_channels(tmp_path: Path) -> None:
    metric = FCNScore(judge=str(segmenter(tmp_path / "model")))
    gray = photographs(channels=1)
    assert torch.equal(metric(gray, source=labels()), metric(gray.expand(-1, 3, -1, -1), source=labels()))
    with pytest.raises(UsageError, match="looks at images of 3 channels, got 2"):
        metric(photographs(channels=2), source=labels())


def test_it_is_measured_of_what_is_made_of_labels(tmp_path: Path) -> None:
    chosen = Component.model_validate({"name": "fcn-score", "judge": str(segmenter(tmp_path / "model"))})
    measure = Measure(chosen)
    fields = Fields({"source": Field(channels=CLASSES, kind="ids"), "target": Field(channels=3)}, (SIZE, SIZE))
    batch = {"source": labels(), "target": photographs()}
    assert not measure.unmeasured("target", fields, aligned=True)
    figures = measure.figures(measure.see(batch["target"], batch, "target", fields))
    assert list(figures) == ["fcn-score/pixel", "fcn-score/class", "fcn-score/iou"]
    assert list(figures.values()) == pytest.approx([*by_hand(tmp_path / "model", photographs(), labels()).values()])


def test_labels_may_be_another_field(tmp_path: Path) -> None:
    judge = str(segmenter(tmp_path / "model"))
    seen = FCNScore(judge=judge, labels="classes")(photographs(), classes=labels())
    assert torch.equal(seen, FCNScore(judge=judge)(photographs(), source=labels()))


def test_other_labels_than_the_judge_knows_are_refused(tmp_path: Path) -> None:
    metric = FCNScore(judge=str(segmenter(tmp_path / "model", classes=2)))
    with pytest.raises(UsageError, match=r"'source' has the class 3, and the judge .* knows 2 classes, from 0 to 1"):
        metric(photographs(), source=labels())


def test_data_without_labels_is_refused(tmp_path: Path) -> None:
    metric = FCNScore(judge=str(segmenter(tmp_path / "model")))
    for given, message in (
        ({"target": photographs()}, "field 'source', and the data has target"),
        ({"source": photographs()}, "field 'source', and the data holds no class ids there"),
    ):
        with pytest.raises(UsageError, match=message):
            metric(photographs(), **given)


def test_what_is_no_judge_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"\x00" * 20)
    for judge, error, message in (
        ("", UsageError, "needs a judge. Train one with `i2i judge train`"),
        (tmp_path / "none.onnx", MissingInputError, "There is no file"),
        (tmp_path / "none", MissingInputError, "none"),
        (tmp_path / "broken.onnx", DataError, "cannot be read as ONNX"),
        (small_models.model_folder(tmp_path / "pix2pix"), UsageError, "makes image of image. A judge makes class ids"),
    ):
        with pytest.raises(error, match=message):
            FCNScore(judge=str(judge))


def test_a_judge_comes_back_from_its_folder(tmp_path: Path) -> None:
    figures = {"test": {"pixel": 0.8, "class": 0.4, "iou": 0.3}}
    folder = judge_of(tmp_path / "judge", 2, 4, figures=figures)
    about = read_judge(folder)
    assert [each.model for each in about.segmenters] == ["seed-0", "seed-1"]
    assert about.figures("test") == {"pixel": [0.8, 0.8], "class": [0.4, 0.4], "iou": [0.3, 0.3]}
    assert about.figures("val") == {}


@pytest.mark.parametrize("change", [{"format": 2}, {"segmenters": []}, {"size": "large"}])
def test_a_damaged_judge_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = judge_of(tmp_path / "judge", 2)
    file = folder / "judge.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(I2iError, match=r"judge\.json"):
        FCNScore(judge=str(folder))


def test_a_judge_reaches_no_folder_but_its_own(tmp_path: Path) -> None:
    folder = judge_of(tmp_path / "judge", 2)
    text = (folder / "judge.json").read_text().replace('"seed-0"', '"../seed-0"')
    (folder / "judge.json").write_text(text)
    with pytest.raises(I2iError, match=r"judge\.json"):
        FCNScore(judge=str(folder))


def test_a_reader_is_told_what_the_judge_finds_in_real_photographs(tmp_path: Path) -> None:
    folder = judge_of(tmp_path / "judge", 2, 4)
    about = read_judge(folder)
    for one, pixel in zip(about.segmenters, (0.7, 0.9), strict=True):
        one.figures = {"test": {"pixel": pixel}}
    write_judge(folder, about)
    caution = FCNScore(judge=str(folder)).caution(10)
    assert "not comparable with the FCN-8s of the paper" in caution
    assert caution.endswith("on its real photographs: pixel 0.800 ± 0.141 over 2 seeds")  # (0.9 - 0.7) / sqrt(2)
    assert "real photographs" not in FCNScore(judge=str(folder / "seed-0")).caution(10)


def test_networks_are_frozen_and_move_with_the_metric(tmp_path: Path) -> None:
    metric = FCNScore(judge=str(judge_of(tmp_path / "judge", 2, 4)))
    assert [p for p in metric.parameters() if p.requires_grad] == []
    assert {p.dtype for p in metric.double().parameters()} == {torch.float64}


def onnx_of(weight: Tensor, bias: Tensor, path: Path, size: int | str = SIZE, shrink: int = 1) -> Path:
    """A convolution of 3x3 as an ONNX file."""
    onnx = pytest.importorskip("onnx", reason="the extra `dev` is not installed")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    node = helper.make_node("Conv", ["photo", "w", "b"], ["logits"], pads=[1, 1, 1, 1], strides=[shrink, shrink])
    sides = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("photo", [1, 3, size, size]), ("logits", [1, len(bias), "h", "w"]))
    ]
    stored = [numpy_helper.from_array(t.numpy(), name) for t, name in ((weight, "w"), (bias, "b"))]
    graph = helper.make_graph([node], "judge", sides[:1], sides[1:], stored)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    return path


@pytest.mark.parametrize("size", [SIZE, "side"])
def test_an_onnx_judge_sees_what_the_torch_one_does(tmp_path: Path, size: int | str) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    torch.manual_seed(0)
    weight, bias = torch.randn(CLASSES, 3, 3, 3), torch.randn(CLASSES)
    metric = FCNScore(judge=str(onnx_of(weight, bias, tmp_path / "judge.onnx", size)))
    logits = torch.nn.functional.conv2d(photographs(), weight, bias, padding=1)
    right = (logits.argmax(1) == labels()).flatten(1).sum(1)
    assert torch.equal(metric(photographs(), source=labels())[:, 0, 0].sum(-1), right)


def test_an_onnx_judge_makes_logits_of_the_images_size(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    file = onnx_of(torch.randn(CLASSES, 3, 3, 3), torch.zeros(CLASSES), tmp_path / "judge.onnx", shrink=2)
    with pytest.raises(UsageError, match="makes logits of the image's size"):
        FCNScore(judge=str(file))(photographs(), source=labels())


def test_its_segmenter_is_a_translator(tmp_path: Path) -> None:
    model = segmenter(tmp_path / "model")
    pixels = np.full((SIZE, SIZE, 3), 200, np.uint8)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
    assert (OwnSegmenter(model)(image)[0].numpy() == Translator.load(model)(pixels)[..., 0]).all()
