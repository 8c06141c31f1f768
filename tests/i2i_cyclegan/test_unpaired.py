"""Images that are no pairs: how they are found, and who meets whom."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from loaded_batches import assert_equal

from i2i import images
from i2i.data.dataset import open_pairs
from i2i.data.items import Items
from i2i.data.jitter import Jitter
from i2i.data.loading import Loaded, Loader
from i2i.errors import DataError, I2iError, MissingInputError, MissingSplitError, UsageError
from i2i.fields import Fields
from i2i.testing import check_dataset
from i2i_cyclegan import Unpaired

HORSES, ZEBRAS = 7, 4


def fill(path: Path, value: int, size: tuple[int, int] = (12, 9), channels: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(path, np.full((*size, channels), value, np.uint8))


def write(root: Path, a: str, b: str, horses: int = HORSES, zebras: int = ZEBRAS) -> Path:
    """Horses hold their number, zebras 100 and theirs; they differ in counts, names, sizes and formats."""
    for number in range(horses):
        fill(root / a / f"horse {number}.png", number)
    for number in range(zebras):
        fill(root / b / "deep" / f"z{number}.webp", 100 + number, (9, 20))
    return root


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    return write(tmp_path / "zoo", "trainA", "trainB")


def drawn(dataset: Unpaired, epoch: int) -> list[tuple[int, int]]:
    pairs = [dataset.draw(index, Random(f"{epoch}/{index}")) for index in range(len(dataset))]
    return [(int(pair.source[0, 0, 0]), int(pair.target[0, 0, 0])) for pair in pairs]


def batches(root: Path, start: int = 0, workers: int = 0) -> list[Loaded]:
    dataset = Unpaired(root, "train")
    items = Items(dataset, dataset.fields, Jitter((8, 8), None, mirror=True), seed=3)
    loader = Loader(items, batch_size=3, start=start, stop=9, workers=workers)  # 3 steps an epoch
    try:
        return list(loader)
    finally:
        loader.close()


def partners(loaded: list[Loaded]) -> list[dict[str, int]]:
    """Epoch -> name of a horse -> the zebra that it met."""
    met = [
        dict(zip(one.names, ((one.batch["target"][:, 0, 0, 0] + 1) * 127.5).tolist(), strict=True)) for one in loaded
    ]
    return [{name: round(zebra) for one in met[at : at + 3] for name, zebra in one.items()} for at in (0, 3, 6)]


def test_the_contract_of_datasets_is_kept(zoo: Path) -> None:
    check_dataset(Unpaired, zoo)
    check_dataset(Unpaired, zoo, options={"direction": "BtoA"})


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("trainA", "trainB"),
        ("train_A", "train_B"),
        ("train/A", "train/B"),
        ("train/imageA", "train/imageB"),
        ("A/train", "B/train"),
        ("A", "B"),
    ],
)
def test_folders_are_found_as_those_of_pairs_are(tmp_path: Path, a: str, b: str) -> None:
    dataset = Unpaired(write(tmp_path, a, b), "train")
    assert len(dataset) == HORSES
    assert dataset.names == [f"horse {number}" for number in range(HORSES)]
    assert {source for source, _ in drawn(dataset, 0)} == set(range(HORSES))


def test_every_image_of_the_larger_side_is_seen_once_an_epoch(zoo: Path) -> None:
    assert [source for source, _ in drawn(Unpaired(zoo, "train"), 0)] == list(range(HORSES))
    turned = Unpaired(zoo, "train", direction="BtoA")
    assert [target for _, target in drawn(turned, 0)] == list(range(HORSES))
    assert turned.names == Unpaired(zoo, "train").names


def test_partners_are_drawn_alike_from_all_of_the_other_side(zoo: Path) -> None:
    dataset = Unpaired(zoo, "train")
    met = Counter(target for epoch in range(60) for _, target in drawn(dataset, epoch))
    assert met.keys() == {100 + number for number in range(ZEBRAS)}
    assert all(75 <= count <= 135 for count in met.values())  # 105 each, give or take 3.4 standard deviations


def test_partners_change_from_epoch_to_epoch(zoo: Path) -> None:
    epochs = partners(batches(zoo))
    assert all(len(epoch) == HORSES for epoch in epochs)
    assert len({tuple(sorted(epoch.items())) for epoch in epochs}) == 3


@pytest.mark.parametrize("start", [1, 4, 8])
def test_training_meets_the_same_partners_from_any_step_on(zoo: Path, start: int) -> None:
    assert_equal(batches(zoo, start), batches(zoo)[start:])


@pytest.mark.parametrize("workers", [1, 2])
def test_partners_do_not_depend_on_the_number_of_workers(zoo: Path, workers: int) -> None:
    assert_equal(batches(zoo, workers=workers), batches(zoo))


def test_validation_sees_the_same_items_each_time_and_all_of_both_sides(zoo: Path) -> None:
    dataset = Unpaired(zoo, "train")
    seen = [(int(dataset[i].source[0, 0, 0]), int(dataset[i].target[0, 0, 0])) for i in range(len(dataset))]
    assert seen == [(number, 100 + number % ZEBRAS) for number in range(HORSES)]


def test_both_sides_are_independent_fields_of_their_own_size(zoo: Path) -> None:
    dataset = Unpaired(zoo, "train", direction="BtoA", source_range=(0, 510))
    fields = Fields(dataset.fields, (8, 8))
    assert not fields.aligned("source", "target")
    assert [column.name for field in fields.values() for column in field.columns] == ["B", "A"]
    assert (fields["source"].dtype, fields["source"].ranges) == ("float32", ((0, 510),))
    assert (dataset[0].source.shape, dataset[0].target.shape) == ((9, 20, 3), (12, 9, 3))
    assert dataset[0].source[0, 0, 0] == pytest.approx(200 / 510 - 1)


def test_gray_images_among_colour_become_colour(zoo: Path) -> None:
    fill(zoo / "trainA" / "horse 0.png", 50, channels=1)
    dataset = Unpaired(zoo, "train")
    assert (dataset[0].source.shape[2], dataset.fields["source"].channels) == (3, 3)
    assert Unpaired(zoo, "train", source_channels=1)[3].source.shape[2] == 1


def test_what_had_to_be_done_to_images_is_noted(zoo: Path) -> None:
    fill(zoo / "trainA" / "horse 0.png", 50, size=(4, 80))
    assert Unpaired(zoo, "train").draw_noted(0, Random(0))[1] == ("A: very long: 80x4",)
    assert Unpaired(zoo, "train").read_noted(0)[1] == ("A: very long: 80x4",)


@pytest.mark.parametrize(
    ("split", "options", "error", "complaint"),
    [
        ("val", {}, MissingSplitError, r"has no split 'val', it has 'train', 'test'\."),
        ("train", {"max_pixels": 100}, DataError, r"horse 0\.png' is 9x12.*--set dataset\.max_pixels=108"),
        ("train", {"source_channels": 2}, DataError, r"horse 0\.png': An image of 3 channels cannot become one of 2"),
        ("train", {"source_range": [3, 3]}, UsageError, "A range is a smaller and a larger number"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    zoo: Path, split: str, options: dict[str, Any], error: type[I2iError], complaint: str
) -> None:
    write(zoo, "testA", "testB")
    with pytest.raises(error, match=complaint):
        open_pairs(zoo, split, name="unpaired", options=options)[0]


def test_folders_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="There is no dataset"):
        Unpaired(tmp_path / "nowhere", "train")
    with pytest.raises(DataError, match="holds no two folders of images a split, such as trainA and trainB"):
        Unpaired(tmp_path, "train")
    write(tmp_path, "trainA", "trainB", zebras=0)
    (tmp_path / "trainB").mkdir()
    with pytest.raises(DataError, match=r"trainB holds no images\. Put some in"):
        Unpaired(tmp_path, "train")
