"""Judges are trained on a translator's dataset, gone on with, and say what they find in real photographs."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from i2i import images
from i2i.cli.app import build_app
from i2i.errors import UsageError
from i2i.evaluation.judges import Judge, read_judge
from i2i.training import Reporter
from i2i.translation import Translator
from i2i_judge.training import train_judge, turned

SAID = [
    *("generator.channels=2", "generator.pretrained=false", "dataset.source_classes=3", "dataset.void=9"),
    *("data.workers=0", "training.threads=1", "training.batch_size=2", "training.device=cpu"),
]


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels and photographs of 32 px: the three classes are dark, middling and bright; a corner has no class."""
    root = tmp_path_factory.mktemp("data") / "streets"
    rng = np.random.default_rng(0)
    for split, count in (("train", 4), ("test", 2)):
        for number in range(count):
            ids = cv2.resize(rng.integers(0, 3, (4, 4), np.uint8), (32, 32), interpolation=cv2.INTER_NEAREST)
            photo = np.repeat((ids * 100 + 20)[..., None], 3, axis=2)
            ids[:4, :4] = 9
            for column, pixels in (("label", ids[..., None]), ("photo", photo)):
                file = root / split / column / f"{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                images.write(file, pixels)
    return root


class Counted(Reporter):
    """Counts the steps that are made."""

    def __init__(self) -> None:
        self.steps = 0

    def advanced(self, rows: Any) -> None:
        self.steps = max(self.steps, rows[-1]["step"])

    def warned(self, text: str) -> None:
        pass


def trained(data: Path, out: Path, said: list[str] = SAID, reporter: Reporter | None = None, **given: Any) -> Judge:
    known: dict[str, Any] = {"seeds": 1, "size": "32", "direction": "AtoB", "flags": {"steps": 2}, **given}
    return train_judge(str(data), out, said=said, reporter=reporter or Counted(), **known)


@pytest.fixture(scope="module")
def judge(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("judges") / "judge"
    trained(streets, out, seeds=2)
    return out


def test_a_judge_remembers_what_it_is(judge: Path, streets: Path) -> None:
    about = read_judge(judge)
    assert (about.classes, about.size, about.data) == (3, (32, 32), str(streets))
    assert [each.seed for each in about.segmenters] == [0, 1]
    assert about.training["training"]["steps"] == 2
    assert about.training["dataset"]["direction"] == "BtoA"


def test_its_seeds_learn_other_networks(judge: Path) -> None:
    one, other = (Translator.load(judge / f"seed-{seed}") for seed in range(2))
    assert one.made.kind == "ids"
    weights = [next(each.predictor.networks[0].parameters()) for each in (one, other)]
    assert not weights[0].equal(weights[1])


def test_figures_are_of_the_photographs_that_are_not_learned_from(judge: Path, streets: Path) -> None:
    right, known = 0, 0
    translator = Translator.load(judge / "seed-0")
    for file in sorted((streets / "test" / "label").iterdir()):
        ids = images.read(file).pixels
        found = translator(images.read(streets / "test" / "photo" / file.name).pixels)
        right, known = right + int(((found == ids) & (ids != 9)).sum()), known + int((ids != 9).sum())
    figures = read_judge(judge).segmenters[0].figures
    assert list(figures) == ["test"]
    assert figures["test"]["pixel"] == pytest.approx(right / known)


def test_the_same_command_goes_on_where_it_was(streets: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "judge", Counted()
    first = trained(streets, out)
    assert trained(streets, out, reporter=again) == first
    assert again.steps == 0
    assert trained(streets, out, flags={"steps": 3}, reporter=again).segmenters[0].seed == 0
    assert again.steps == 3


def test_seeds_that_are_there_stay(judge: Path, streets: Path) -> None:
    before = read_judge(judge)
    assert trained(streets, judge, seeds=1).segmenters == before.segmenters


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"said": [*SAID, "generator.channels=3"]}, r"begun with generator\.channels=2, and 3 is said now"),
        ({"said": [*SAID, "dataset.void=8"]}, r"begun with dataset\.void=9, and 8 is said now"),
        ({"direction": "BtoA"}, r"begun with dataset\.direction=BtoA, and AtoB is said now"),
        ({"size": "16"}, "begun with --size 32x32, not 16"),
    ],
)
def test_another_judge_is_not_begun_in_its_folder(
    judge: Path, streets: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        trained(streets, judge, **change)


def test_named_columns_are_turned_by_their_names() -> None:
    assert turned({"source": ["label"], "target": ["photo"], "source_classes": 3}, "AtoB") == {
        "target": ["label"],
        "source": ["photo"],
        "target_classes": 3,
    }


def test_the_command_ends_with_a_table(streets: Path, judge: Path) -> None:
    words = ["judge", "train", "--data", str(streets), "--out", str(judge), "--seeds", "2", "--size", "32"]
    said = CliRunner().invoke(build_app(), [*words, "--quiet", *(w for each in SAID for w in ("--set", each))])
    assert said.exit_code == 0
    found = read_judge(judge).figures("test")["pixel"]
    assert f"{np.mean(found):.3f} ± {np.std(found, ddof=1):.3f}" in said.output
