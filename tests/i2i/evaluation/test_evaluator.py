"""What an evaluation measures, of what, and what it makes of it, with the smallest models and sets."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
import torch
from small_models import any_model, model_folder
from torch import Tensor

import i2i
from i2i import images
from i2i.errors import MissingSplitError, UsageError
from i2i.evaluation import Evaluation
from i2i.evaluation.subjects import blur, commonest
from i2i.fields import Field
from i2i.kinds import COMPONENTS
from i2i.plugins import installed

SIDE = 16


class Spread:
    """How far the spread of all values of what was made is from that of what is real."""

    higher_is_better: ClassVar[bool] = False
    pairs: ClassVar[bool] = False
    better: ClassVar[str] = "as varied as it should be"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return torch.stack([output.mean((1, 2, 3)), target.mean((1, 2, 3))], 1)

    def aggregate(self, seen: Tensor) -> float:
        ours, theirs = seen.double().std(0, correction=0)
        return float((ours - theirs).abs())


class Brighter:
    """The part of the pixels that count that are brighter than they should be."""

    higher_is_better: ClassVar[bool] = False

    def __init__(self, *, by: float = 0.0, weights: str = "") -> None:
        self.by = by

    def __call__(self, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        brighter = (output > target + self.by).float().mean(1)
        counts = torch.ones_like(brighter) if mask is None else mask.float()
        return (brighter * counts).flatten(1).sum(1) / counts.flatten(1).sum(1)


class Own:
    """The plugin that brings them."""

    @i2i.hookimpl
    def i2i_metrics(self) -> dict[str, type]:
        return {"spread": Spread, "brighter": Brighter}


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    own = Own()
    installed(COMPONENTS).register(own, "own-metrics")
    yield
    installed(COMPONENTS).manager.unregister(own)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight training and six test pairs; targets are negatives of the sources, and a mask is their left half."""
    root = tmp_path_factory.mktemp("data") / "set"
    rng = np.random.default_rng(0)
    for split, count in (("train", 8), ("test", 6)):
        for index in range(count):
            source = cv2.resize(rng.integers(0, 256, (4, 4, 3), np.uint8), (SIDE, SIDE))
            mask = np.zeros((SIDE, SIDE, 1), np.uint8)
            mask[:, : SIDE // 2] = 255
            for column, pixels in {"imageA": source, "imageB": 255 - source, "mask": mask}.items():
                file = root / split / column / f"{index}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                images.write(file, pixels)
    return root


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A network with dropout, in modes with it and without."""
    root = tmp_path_factory.mktemp("models")
    return model_folder(root / "quiet"), model_folder(root / "noisy", mode="paper")


def targets(root: Path, split: str) -> Tensor:
    files = sorted((root / split / "imageB").iterdir())
    return torch.stack([torch.from_numpy(images.read(file).pixels).movedim(-1, 0) / 127.5 - 1 for file in files])


def outputs(model: Path, root: Path, seed: int = 0) -> Tensor:
    translator = i2i.Translator.load(model, seed=seed)
    batch = [images.read(file).pixels for file in sorted((root / "test" / "imageA").iterdir())]
    fields = {"source": torch.stack([torch.from_numpy(b).movedim(-1, 0) / 127.5 - 1 for b in batch])}
    return translator.predictor(fields, seed)


def subject(found: Evaluation, name: str) -> Any:
    return next(each for each in found.subjects if each.name == name)


def test_a_figure_is_the_mean_over_the_items_of_what_the_model_makes(data: Path, models: tuple[Path, Path]) -> None:
    found = i2i.evaluate(models[0], data, metric="l1")
    wanted = (outputs(models[0], data) - targets(data, "test")).abs().flatten(1).mean(1)
    (model,) = found.models
    assert model.items["l1"] == pytest.approx(wanted.tolist(), abs=1e-5)
    figure = model.figures["l1"]
    assert figure.value == pytest.approx(float(wanted.mean()), abs=1e-5)
    assert figure.low < figure.value < figure.high
    assert (figure.spread, figure.count, found.names) == ("bootstrap", 6, [str(n) for n in range(6)])


def test_models_stand_beside_real_blurred_and_mean_images(data: Path, models: tuple[Path, Path]) -> None:
    found = i2i.evaluate(models[0], data, metric=["l1", "spread"])
    names = ["quiet", "real", "real, blurred by 1 px", "real, blurred by 2 px", "mean of training"]
    assert [each.name for each in found.subjects] == names
    real, train = targets(data, "test"), targets(data, "train")
    assert subject(found, "real").figures["l1"].value == 0
    blurred = [
        cv2.GaussianBlur(image.movedim(0, -1).numpy(), (0, 0), 2.0, borderType=cv2.BORDER_REFLECT_101) for image in real
    ]
    off = np.mean([np.abs(b - r.movedim(0, -1).numpy()).mean() for b, r in zip(blurred, real, strict=True)])
    assert subject(found, "real, blurred by 2 px").figures["l1"].value == pytest.approx(float(off), abs=1e-5)
    partners = train[[0, 1, 3, 4, 6, 7]]  # six of eight, spread evenly
    mean = (partners.double().mean(0) - real).abs().mean()
    assert subject(found, "mean of training").figures["l1"].value == pytest.approx(float(mean), abs=1e-5)
    spread = partners.mean((1, 2, 3)).double().std(correction=0) - real.mean((1, 2, 3)).double().std(correction=0)
    assert subject(found, "real").figures["spread"].value == pytest.approx(abs(float(spread)), abs=1e-5)
    assert subject(found, "real").figures["spread"].spread == "subsets"


def test_models_are_compared_on_the_same_items_and_in_words(data: Path, models: tuple[Path, Path]) -> None:
    other = models[0].parent / "another"
    torch.manual_seed(5)
    model_folder(other, parts={"generator": {"depth": 1, "base_channels": 2}})
    found = i2i.evaluate([f"a={models[0]}", f"b={other}"], data, metric=["l1", "brighter"], references=False)
    a, b = (np.array(model.items["l1"]) for model in found.models)
    (l1,) = [each for each in found.comparisons if each.figure == "l1"]
    assert (l1.first, l1.second) == ("a", "b")
    assert l1.difference == pytest.approx((a - b).mean(), abs=1e-6)
    assert l1.low <= l1.difference <= l1.high
    assert {model.rank["l1"] for model in found.models} == {1, 2}
    winner = "a" if a.mean() < b.mean() else "b"
    told = [sentence for sentence in found.sentences if sentence.startswith(f"{winner} is ")]
    assert bool(told) == l1.is_told
    itself = i2i.evaluate([f"a={models[0]}", f"b={models[0]}"], data, metric=["l1"], references=False)
    assert itself.sentences == ["a and b cannot be told apart by l1."]
    assert [model.rank["l1"] for model in itself.models] == [1, 1]


def test_same_call_finds_the_same(data: Path, models: tuple[Path, Path]) -> None:
    first, second = (i2i.evaluate(models[1], data, metric=["l1", "spread"], seed=3) for _ in range(2))
    assert first == second
    assert i2i.evaluate(models[1], data, metric=["l1"], seed=4).models[0].figures != first.models[0].figures


def test_samples_vary_where_a_model_has_noise_and_only_there(data: Path, models: tuple[Path, Path]) -> None:
    found = i2i.evaluate(list(models), data, metric=["l1", "psnr"], samples=3)
    name = "l1 between samples"
    # what varies more is farther apart, and less alike
    higher = {figure.name: figure.higher_is_better for figure in found.measured if figure.name.endswith("samples")}
    assert higher == {name: True, "psnr between samples": False}
    assert subject(found, "quiet").figures[name].value == 0
    drawn = [outputs(models[1], data, seed) for seed in range(3)]
    pairs = [(drawn[i] - drawn[j]).abs().flatten(1).mean(1) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert subject(found, "noisy").figures[name].value == pytest.approx(float(torch.stack(pairs).mean()), abs=1e-5)
    assert name not in subject(found, "real").figures


EXTRA = {"dataset.extra": {"mask": {"column": "mask", "channels": 1}}}


def test_a_mask_measures_its_region_besides(data: Path, models: tuple[Path, Path]) -> None:
    found = i2i.evaluate(models[0], data, metric=["brighter", "l1"], mask="mask", set=EXTRA)
    brighter = (outputs(models[0], data) > targets(data, "test")).float().mean(1)
    assert found.models[0].figures["brighter"].value == pytest.approx(float(brighter.mean()), abs=1e-4)
    left = brighter[..., : SIDE // 2]
    assert found.models[0].figures["brighter[mask]"].value == pytest.approx(float(left.mean()), abs=1e-4)


def test_a_mask_of_classes_measures_each_and_leaves_out_what_is_not_there(
    data: Path, models: tuple[Path, Path]
) -> None:
    labels = {"dataset.extra": {"mask": {"column": "mask", "kind": "ids", "classes": 256}}}
    found = i2i.evaluate(models[0], data, metric="brighter", mask="mask", set=labels, references=False)
    regions = {name for name in found.models[0].figures if "[" in name}
    assert regions == {"brighter[mask=0]", "brighter[mask=255]"}


def test_what_cannot_be_measured_is_refused_where_it_was_asked_for_and_else_noted(
    data: Path, models: tuple[Path, Path]
) -> None:
    with pytest.raises(UsageError, match="There is no metric 'l2'"):
        i2i.evaluate(models[0], data, metric="l2")
    with pytest.raises(UsageError, match="--mask depth is no field that lies on target"):
        i2i.evaluate(models[0], data, metric="l1", mask="depth")
    with pytest.raises(UsageError, match="metric 'brighter': no option 'bye'"):
        i2i.evaluate(models[0], data, metric="brighter", set={"brighter.bye": 1})
    with pytest.raises(UsageError, match=r"--weights is for .*brighter"):
        i2i.evaluate(models[0], data, metric="l1", weights="w.safetensors")
    with pytest.raises(MissingSplitError, match="no split 'val'"):
        i2i.evaluate(models[0], data, split="val")


def test_of_metrics_that_were_not_named_those_that_refuse_the_images_are_left_out_with_their_reason(
    data: Path, models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="ms-ssim of 5 scales needs images of 176x176 at least, got 16x16"):
        i2i.evaluate(models[0], data, metric="ms-ssim")
    monkeypatch.setattr("i2i.evaluation.asked.METRICS", {"image": ("l1", "ms-ssim")})
    monkeypatch.setattr("i2i.evaluation.asked.SEEN", ())
    found = i2i.evaluate(models[0], data, references=False)
    assert list(found.models[0].figures) == ["l1"]
    assert [note.partition(" scales")[0] for note in found.notes] == ["ms-ssim is not measured: ms-ssim of 5"]


def test_options_reach_their_metric(data: Path, models: tuple[Path, Path]) -> None:
    found = i2i.evaluate(models[0], data, metric="brighter", set={"brighter.by": 2.0}, weights="x", references=False)
    assert found.models[0].figures["brighter"].value == 0
    assert found.measured[0].options == {"by": 2.0, "weights": "x"}


def test_models_of_one_name_and_of_different_fields_are_refused(
    data: Path, models: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="Two models are called 'quiet'"):
        i2i.evaluate([models[0], models[0]], data)
    gray = model_folder(tmp_path / "gray", target=1)
    with pytest.raises(UsageError, match="quiet makes target, image of 3, and gray makes target, image of 1"):
        i2i.evaluate([models[0], gray], data)


def test_a_run_knows_its_data(data: Path, tmp_path: Path) -> None:
    settings = {"generator": {"depth": 1, "base_channels": 2}, "training": {"threads": 1}, "data": {"workers": 0}}
    run = tmp_path / "run"
    i2i.train(
        "regression",
        data,
        run,
        config={**settings, "dataset": {"direction": "BtoA"}, "validation": {"metrics": ["l1"]}},
        steps=1,
        size=SIDE,
    )
    found = i2i.evaluate(run, metric="l1", out=tmp_path / "out")
    assert (found.data, found.models[0].about["recipe"]) == (str(data), "regression")
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["data"] == str(data)
    source = targets(data, "test").mul(-1)  # negatives: with the direction turned, targets are the sources
    mean = subject(found, "mean of training").figures["l1"].value
    wanted = (-targets(data, "train")[[0, 1, 3, 4, 6, 7]].double().mean(0) - source).abs().mean()
    assert mean == pytest.approx(float(wanted), abs=0.01)


def test_a_run_on_images_as_they_are_stored_is_measured_so(data: Path, tmp_path: Path) -> None:
    small = {"generator": {"depth": 1, "base_channels": 2}, "training": {"threads": 1}}
    kept = {**small, "data": {"workers": 0, "resize": "keep"}, "validation": {"metrics": ["l1"]}}
    i2i.train("regression", data, tmp_path / "run", config=kept, steps=1, size=8)
    found = i2i.evaluate(tmp_path / "run", metric="l1")
    assert (found.resizing, found.size) == ("the centre of each image as it is stored", (8, 8))
    centres = [targets(data, split)[..., 4:12, 4:12] for split in ("train", "test")]
    mean = (centres[0][[0, 1, 3, 4, 6, 7]].double().mean(0) - centres[1]).abs().mean()
    assert subject(found, "mean of training").figures["l1"].value == pytest.approx(float(mean), abs=1e-5)


def test_colours_are_measured_as_the_pictures_that_they_make(data: Path, tmp_path: Path) -> None:
    lab = [Field(channels=channels, dtype="float32", colours="lab") for channels in (1, 2)]
    fields = dict(zip(("source", "target"), lab, strict=True))
    small = {"generator": {"depth": 2, "base_channels": 4}}
    model = any_model(tmp_path / "model", "pix2pix", small, fields)
    found = i2i.evaluate(model, data, metric="l1")
    translator, off = i2i.Translator.load(model), []
    for file in sorted((data / "test" / "imageB").iterdir()):
        real = images.read(file).pixels
        off.append(float(np.abs(translator(real).astype(float) - real).mean() / 127.5))
    assert found.models[0].items["l1"] == pytest.approx(off, abs=0.006)  # that of 8 bits
    assert subject(found, "real").figures["l1"].value == 0
    assert subject(found, "mean of training").figures["l1"].value > 0.1


def test_classes_have_the_commonest_as_their_floor(tmp_path: Path) -> None:
    root, rng = tmp_path / "set", np.random.default_rng(0)
    for split in ("train", "test"):
        for index in range(5):
            ids = rng.integers(0, 3, (SIDE, SIDE, 1)).astype(np.uint8)
            for column, pixels in {"imageA": rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8), "imageB": ids}.items():
                file = root / split / column / f"{index}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                images.write(file, pixels)
    fields = {"source": Field(channels=3), "target": Field(channels=3, kind="ids")}
    small = {"generator": {"name": "unet", "depth": 1, "base_channels": 2}}
    model = any_model(tmp_path / "model", "regression", small, fields)

    class Wrong:
        """The part of pixels of another class."""

        higher_is_better: ClassVar[bool] = False

        def __call__(self, output: i2i.contracts.Ids, target: i2i.contracts.Ids) -> Tensor:
            return (output != target).float().flatten(1).mean(1)

    class Ids:
        @i2i.hookimpl
        def i2i_metrics(self) -> dict[str, type]:
            return {"wrong": Wrong}

    plugin = Ids()
    installed(COMPONENTS).register(plugin, "ids")
    try:
        found = i2i.evaluate(model, root, metric="wrong")
    finally:
        installed(COMPONENTS).manager.unregister(plugin)
    assert [each.name for each in found.subjects] == ["model", "real", "mean of training"]
    assert subject(found, "real").figures["wrong"].value == 0


def test_commonest_class_leaves_out_what_has_none() -> None:
    batches = [torch.tensor([[[0, 2, -100]], [[1, 2, -100]]]), torch.tensor([[[1, 0, 1]]])]
    assert commonest(batches, Field(channels=3, kind="ids")).tolist() == [[[1, 2, 1]]]


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.0])
def test_blur_is_opencvs(sigma: float) -> None:
    image = np.random.default_rng(0).random((24, 31, 3), np.float32)
    wanted = cv2.GaussianBlur(image, (17, 17), sigma, borderType=cv2.BORDER_REFLECT_101)
    made = blur(torch.from_numpy(image).movedim(-1, 0)[None], sigma)[0].movedim(0, -1).numpy()
    np.testing.assert_allclose(made, wanted, atol=2e-3)


def test_command_prints_figures_and_writes_them(
    data: Path, models: tuple[Path, Path], tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = run_cli("evaluate", *models, "--data", data, "--metric", "l1", "--out", tmp_path / "ev")
    assert code == 0, err
    assert "l1" in out
    found = Evaluation.model_validate_json((tmp_path / "ev" / "evaluation.json").read_text())
    assert found == i2i.evaluate(list(models), data, metric="l1")
    code, _, err = run_cli("evaluate", models[0], "--data", data, "--metric", "nothing")
    assert (code, err.count("\n")) == (2, 1)


def test_usual_metrics_that_are_not_there_are_noted(
    data: Path, models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("i2i.evaluation.asked.METRICS", {"image": ("l1", "kid-nothing")})
    monkeypatch.setattr("i2i.evaluation.asked.SEEN", ())
    found = i2i.evaluate(models[0], data, references=False)
    assert [each.name for each in found.measured] == ["l1"]
    assert found.notes[0].startswith("kid-nothing is not measured: ")


def test_evaluation_survives_json(data: Path, models: tuple[Path, Path]) -> None:
    found = i2i.evaluate(list(models), data, metric=["brighter", "spread"], mask="mask", set=EXTRA, samples=2)
    assert Evaluation.model_validate_json(found.model_dump_json()) == found
