"""Items of any fields, as training and validation see them."""

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from loaded_batches import assert_equal

from i2i.data.items import Items
from i2i.data.jitter import Draws, Jitter
from i2i.data.loading import Loaded, Loader
from i2i.data.order import keyed
from i2i.errors import DataError
from i2i.fields import Field, fields_of
from i2i.pairs import Pixels


class Street:
    """Photos, their class ids and a vector; all of an item hold its index."""

    fields: ClassVar[dict[str, Field]] = {
        "photo": Field(channels=3),
        "labels": Field(channels=6, kind="ids", void=255),
        "time": Field(channels=2, kind="vector", dtype="float32"),
    }

    def __init__(self) -> None:
        self.names = [f"street {index}" for index in range(6)]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int, /) -> Mapping[str, Pixels]:
        return self.of(index, index)

    def of(self, index: int, label: int) -> Mapping[str, Pixels]:
        return {
            "photo": np.full((9, 9, 3), 10 * index, np.uint8),
            "labels": np.full((9, 9, 1), label, np.uint8),
            "time": np.array([index, -1], np.float32),
        }


class Varying(Street):
    """The labels are those of another street each time."""

    def draw(self, index: int, rng: Random, /) -> Mapping[str, Pixels]:
        return self.of(index, rng.randrange(6))


class Noted(Varying):
    def draw_noted(self, index: int, rng: Random, /) -> tuple[Mapping[str, Pixels], tuple[str, ...]]:
        return self.draw(index, rng), (f"photo: noted {index}",)


def items(dataset: Any, seed: int = 0, crop: tuple[int, int] = (8, 8)) -> Items:
    return Items(dataset, fields_of(dataset), Jitter(crop, None, mirror=True), seed)


def batches(dataset: Any, start: int = 0, workers: int = 0) -> list[Loaded]:
    loader = Loader(items(dataset), batch_size=4, start=start, stop=7, workers=workers)
    try:
        return list(loader)
    finally:
        loader.close()


def test_images_ids_and_vectors_come_as_tensors_of_their_kind() -> None:
    batch = batches(Street())[0].batch
    assert {name: (values.dtype, tuple(values.shape)) for name, values in batch.items()} == {
        "photo": (torch.float32, (4, 3, 8, 8)),
        "labels": (torch.int64, (4, 8, 8)),
        "time": (torch.float32, (4, 2)),
    }
    assert torch.equal(batch["labels"][:, 0, 0], batch["time"][:, 0].long())


def test_what_a_dataset_draws_changes_from_epoch_to_epoch() -> None:
    drawn = [loaded.batch["labels"][:, 0, 0] for loaded in batches(Varying())]
    indices = [loaded.batch["time"][:, 0].long() for loaded in batches(Varying())]
    epochs = [
        dict(zip(torch.cat(indices[i : i + 2]).tolist(), torch.cat(drawn[i : i + 2]).tolist(), strict=True))
        for i in (0, 2, 4)
    ]
    assert len({tuple(sorted(epoch.items())) for epoch in epochs}) == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_drawn_does_not_depend_on_the_number_of_workers(workers: int) -> None:
    assert_equal(batches(Varying(), workers=workers), batches(Varying()))


@pytest.mark.parametrize("start", [1, 3, 6])
def test_what_is_drawn_is_the_same_from_any_step_on(start: int) -> None:
    assert_equal(batches(Varying(), start), batches(Varying())[start:])


class Apart(Street):
    """Two photographs that say where their pixels were, of groups that are given."""

    def __init__(self, *groups: str) -> None:
        super().__init__()
        self.fields = {f"photo{n}": Field(channels=2, group=group) for n, group in enumerate(groups)}  # type: ignore[misc]

    def of(self, index: int, label: int) -> Mapping[str, Pixels]:
        rows, columns = np.mgrid[:20, :20].astype(np.uint8)
        return dict.fromkeys(self.fields, np.stack([rows, columns], axis=2))


def test_fields_of_one_group_are_cropped_alike_and_those_of_others_independently() -> None:
    together = [items(Apart("", "")).train(0, index).fields.values() for index in range(6)]
    assert all(np.array_equal(one, other) for one, other in together)
    for groups in (("source", "target"), ("", "target")):
        apart = [items(Apart(*groups)).train(0, index).fields.values() for index in range(6)]
        assert not any(np.array_equal(one, other) for one, other in apart)


class OfNoGroup(Draws):
    def of(self, group: str) -> Random:
        return keyed(self.seed, self.epoch, self.item)


def test_aligned_fields_are_drawn_by_seed_epoch_and_index_alone() -> None:
    made, where = items(Apart("", "other"), seed=7), dict(Apart("")[0])
    for key in ((0, 0), (0, 5), (3, 5)):
        drawn = made.jitter.train(where, Apart("").fields, OfNoGroup(7, *key))
        assert np.array_equal(made.train(*key).fields["photo0"], drawn["photo0"])


def test_validation_draws_nothing() -> None:
    seen = [items(Varying()).test(index)["labels"].unique().tolist() for index in range(6)]
    assert seen == [[index] for index in range(6)]


def test_notes_of_what_was_drawn_are_kept() -> None:
    assert items(Noted()).train(0, 3).notes == ("photo: noted 3",)


def test_gray_images_of_a_held_out_split_become_colour() -> None:
    class Gray(Street):
        def of(self, index: int, label: int) -> Mapping[str, Pixels]:
            item = super().of(index, label)
            return {**item, "photo": item["photo"][..., :1]}

    assert items(Street()).of(Gray()).test(2)["photo"].shape == (3, 8, 8)


def faulty(**fields: Pixels) -> Street:
    class Faulty(Street):
        def of(self, index: int, label: int) -> Mapping[str, Pixels]:
            return {**super().of(index, label), **fields}

    return Faulty()


def labels(value: int, dtype: type = np.uint8) -> Pixels:
    """Ids that are 1 but for one in the corner that no crop at the centre has."""
    ids: Pixels = np.ones((12, 12, 1), dtype)
    ids[0, 0] = value
    return ids


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"labels": labels(6)}, r"labels of 'street 2' has the label 6\. 6 classes are declared, 0 to 5"),
        ({"labels": labels(-3, np.int32)}, r"the label -3\. 6 classes are declared"),
        ({"labels": labels(1)[..., 0]}, r"labels of 'street 2' is of shape \(12, 12\)"),
        ({"labels": labels(1).repeat(3, axis=2)}, r"has 3 channels of uint8\. Ids are one channel of whole numbers"),
        ({"labels": labels(1).astype(np.float32)}, r"has 1 channels of float32"),
        ({"time": np.zeros(3, np.float32)}, r"time of 'street 2' is of shape \(3,\)\. A vector of \(2,\) is declared"),
        ({"depth": labels(1)}, r"'street 2' has the fields depth, labels, photo, time\. Every item must have labels"),
    ],
)
def test_what_is_not_as_it_was_declared_is_named_in_training_and_in_validation(
    fields: dict[str, Pixels], complaint: str
) -> None:
    dataset = faulty(photo=np.zeros((12, 12, 3), np.uint8), **fields)
    with pytest.raises(DataError, match=complaint):
        items(dataset).train(0, 2)
    with pytest.raises(DataError, match=complaint):
        items(dataset).test(2)


def test_what_has_no_class_is_marked_and_no_wrong_label() -> None:
    ids = labels(255, np.int64)  # as they are in a tensor, so that nothing need be copied to get there
    dataset = faulty(photo=np.zeros((12, 12, 3), np.uint8), labels=ids)
    made = items(dataset, crop=(12, 12)).test(0)["labels"]
    assert (made[0, 0].item(), made[1:].unique().tolist()) == (-100, [1])
    assert ids[0, 0, 0] == 255


def test_ids_that_are_no_classes_may_be_any_number() -> None:
    class Instances(Street):
        fields: ClassVar[dict[str, Field]] = Street.fields | {"labels": Field(channels=0, kind="ids", dtype="int32")}

        def of(self, index: int, label: int) -> Mapping[str, Pixels]:
            return {**super().of(index, label), "labels": np.full((9, 9, 1), 24_000 + index, np.int32)}

    assert np.unique(items(Instances()).train(0, 3).fields["labels"]).tolist() == [24_003]
