from typing import Any

import numpy as np
import pytest

from i2i.data.jitter import Draws, Jitter, jitter_of
from i2i.errors import DataError
from i2i.fields import Field
from i2i.pairs import Pixels
from i2i.sections.data import Data

PAIR = {"source": Field(channels=2), "target": Field(channels=2)}
UNPAIRED = {name: field.model_copy(update={"group": name}) for name, field in PAIR.items()}


def where(height: int, width: int) -> Pixels:
    """An image whose pixels say where they were."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.stack([rows, columns], axis=2)


def coordinates(height: int, width: int) -> dict[str, Pixels]:
    return {"source": where(height, width), "target": where(height, width)}


def drawn(index: int = 0, epoch: int = 0) -> Draws:
    return Draws(0, epoch, index)


def test_aligned_fields_get_the_same_crop_and_mirror() -> None:
    jitter, masked = Jitter((8, 6), None, mirror=True), PAIR | {"mask": Field(channels=0, kind="ids")}
    for index in range(50):
        item = coordinates(20, 30)
        jittered = jitter.train(item | {"mask": item["source"][..., 1:]}, masked, drawn(index))
        np.testing.assert_array_equal(jittered["source"], jittered["target"])
        np.testing.assert_array_equal(jittered["source"][..., 1:], jittered["mask"])
        assert jittered["source"].shape == (8, 6, 2)


def test_fields_of_different_groups_get_crops_and_mirrors_of_their_own() -> None:
    jitter = Jitter((8, 8), None, mirror=True)
    tops, mirrored = set(), set()
    for index in range(50):
        source, target = jitter.train(coordinates(20, 30), UNPAIRED, drawn(index)).values()
        tops.add(source[0, 0, 0] == target[0, 0, 0])
        mirrored.add((source[0, 0, 1] < source[0, 1, 1], target[0, 0, 1] < target[0, 1, 1]))
    assert False in tops
    assert len(mirrored) == 4


def test_fields_of_different_groups_may_differ_in_size() -> None:
    item = {"source": where(20, 30), "target": where(9, 40)}
    jittered = Jitter((8, 8), None, mirror=True).train(item, UNPAIRED, drawn())
    assert [pixels.shape for pixels in jittered.values()] == [(8, 8, 2)] * 2


def test_crops_reach_every_corner_and_mirrors_come_half_of_the_time() -> None:
    jitter = Jitter((8, 8), None, mirror=True)
    tops, lefts, mirrored = set(), set(), 0
    for index in range(600):
        source = jitter.train(coordinates(11, 10), PAIR, drawn(index))["source"]
        flipped = source[0, 0, 1] > source[0, 1, 1]
        mirrored += int(flipped)
        tops.add(int(source[0, 0, 0]))
        lefts.add(int(source[0, -1 if flipped else 0, 1]))
    assert (tops, lefts) == ({0, 1, 2, 3}, {0, 1, 2})
    assert 240 < mirrored < 360


def test_mirror_off_never_mirrors_and_shifts_no_other_draw() -> None:
    for index in range(20):
        with_mirror = Jitter((8, 8), None, True).train(coordinates(20, 20), PAIR, drawn(index))["source"]
        without = Jitter((8, 8), None, False).train(coordinates(20, 20), PAIR, drawn(index))["source"]
        assert without[0, 0, 1] < without[0, 1, 1]
        assert min(with_mirror[0, 0, 1], with_mirror[0, -1, 1]) == without[0, 0, 1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_ids_are_resized_to_the_nearest_and_never_mixed(dtype: type) -> None:
    ids: Pixels = np.zeros((20, 20, 1), dtype)
    ids[:, 10:] = 200
    fields = {"source": Field(channels=1), "target": Field(channels=0, kind="ids")}
    item = {"source": ids.astype(np.uint8), "target": ids}
    for jitter in (Jitter((7, 7), (7, 7), False), Jitter((31, 31), (31, 31), False)):
        for made in (jitter.train(item, fields, drawn()), jitter.test(item, fields)):
            assert set(np.unique(made["target"])) == {0, 200}
            assert made["target"].dtype == dtype
            assert set(np.unique(made["source"])) > {0, 200}


def test_vectors_pass() -> None:
    fields, pose = PAIR | {"pose": Field(channels=2, kind="vector")}, np.array([0.5, -2], np.float32)
    for made in (
        Jitter((8, 8), (9, 9), True).train(coordinates(9, 9) | {"pose": pose}, fields, drawn()),
        Jitter((8, 8), (9, 9), True).test(coordinates(9, 9) | {"pose": pose}, fields),
    ):
        assert made["pose"] is pose


def test_auto_resize_has_the_ratio_of_the_paper() -> None:
    def resize(**data: Any) -> tuple[int, int] | None:
        return jitter_of(Data(path="", **data)).resize

    assert resize(crop=256) == (286, 286)
    assert resize(crop=(256, 128)) == (286, 143)
    assert resize(crop=128, resize="keep") is None
    assert resize(crop=128, resize=(200, 150)) == (200, 150)


def test_validation_sees_the_whole_picture_or_its_centre() -> None:
    assert Jitter((16, 8), (18, 9), True).test(coordinates(40, 30), PAIR)["source"].shape == (16, 8, 2)
    centre = Jitter((4, 6), None, True).test(coordinates(10, 12), PAIR)["source"]
    assert (centre[0, 0, 0], centre[0, 0, 1]) == (3, 3)
    assert centre.shape == (4, 6, 2)


@pytest.mark.parametrize("resize", [None, (6, 6)])
def test_an_image_smaller_than_the_crop_is_named(resize: tuple[int, int] | None) -> None:
    with pytest.raises(DataError, match=r"tiny.* is (7x7|6x6), smaller than data\.crop \(8\)"):
        Jitter((8, 8), resize, True).train(coordinates(7, 7), PAIR, drawn(), "tiny")
    with pytest.raises(DataError, match=r"tiny.* is 7x9, smaller than data\.crop \(\[8, 9\]\)"):
        Jitter((8, 9), None, True).test(coordinates(9, 7), PAIR, "tiny")


def test_aligned_fields_of_different_size_need_a_resize() -> None:
    item = {"source": where(10, 12), "target": where(12, 12)}
    with pytest.raises(DataError, match=r"odd: source is 12x10, target 12x12. Set data\.resize"):
        Jitter((8, 8), None, True).train(item, PAIR, drawn(), "odd")
    assert Jitter((8, 8), (9, 9), True).train(item, PAIR, drawn())["target"].shape == (8, 8, 2)


def test_an_alternate_mirror_mirrors_each_item_in_every_other_epoch_and_half_of_them_at_once() -> None:
    jitter, first = Jitter((8, 8), None, "alternate"), []
    for index in range(100):
        seen = [jitter.train(coordinates(8, 8), PAIR, drawn(index, epoch))["source"] for epoch in range(4)]
        mirrored = [bool(source[0, 0, 1] > source[0, 1, 1]) for source in seen]
        assert mirrored in ([True, False, True, False], [False, True, False, True])
        first.append(mirrored[0])
    assert 30 < sum(first) < 70


def test_quarter_turns_come_equally_often_and_turn_aligned_fields_alike() -> None:
    jitter, turns, square = Jitter((4, 4), None, mirror=False, rotate=True), list[int](), where(4, 4)
    fields = PAIR | {"mask": Field(channels=0, kind="ids")}
    for index in range(200):
        made = jitter.train({"source": square, "target": square, "mask": square[..., 1:]}, fields, drawn(index))
        np.testing.assert_array_equal(made["source"], made["target"])
        np.testing.assert_array_equal(made["source"][..., 1:], made["mask"])
        turns.append(next(turn for turn in range(4) if np.array_equal(np.rot90(square, turn), made["source"])))
    assert all(25 < turns.count(turn) < 75 for turn in range(4))


def test_a_scale_resizes_once_within_its_limits_and_never_below_the_crop() -> None:
    ramp = np.broadcast_to(np.arange(0, 240, 6, dtype=np.float32)[None, :, None] / 240, (40, 40, 2)).copy()
    fields = {name: Field(channels=2, dtype="float32") for name in PAIR} | {"mask": Field(channels=0, kind="ids")}
    jitter, factors = Jitter((20, 20), None, mirror=False, scale=(0.25, 2.0)), []
    for index in range(100):
        ids = (ramp[..., :1] * 240).astype(np.uint8)
        made = jitter.train({"source": ramp, "target": ramp, "mask": ids}, fields, drawn(index))
        assert made["source"].shape == (20, 20, 2)
        assert set(made["mask"].ravel().tolist()) <= set(ids.ravel().tolist())
        np.testing.assert_array_equal(made["source"], made["target"])
        slope = (made["source"][0, 12, 0] - made["source"][0, 8, 0]) / 4
        factors.append(6 / 240 / slope)
    assert min(factors) == pytest.approx(0.5, rel=0.1)  # 20 of 40 pixels
    assert 1.8 < max(factors) < 2.1


def test_colours_of_the_source_alone_change_and_only_of_images() -> None:
    item, ids = coordinates(8, 8), PAIR | {"source": Field(channels=0, kind="ids")}
    made = [Jitter((8, 8), None, False, colour=0.5).train(item, PAIR, drawn(index)) for index in range(10)]
    assert all(np.array_equal(each["target"], item["target"]) for each in made)
    assert sum(not np.array_equal(each["source"], item["source"]) for each in made) == 10
    same = Jitter((8, 8), None, False, colour=0.5).train(item, ids, drawn())
    np.testing.assert_array_equal(same["source"], item["source"])


def test_what_is_named_besides_shifts_no_draw_of_the_paper() -> None:
    for index in range(20):
        plain = Jitter((8, 8), None, True).train(coordinates(20, 20), PAIR, drawn(index))
        other = Jitter((8, 8), None, True, colour=0.5, rotate=True).train(coordinates(20, 20), PAIR, drawn(index))
        np.testing.assert_array_equal(np.sort(other["target"], axis=None), np.sort(plain["target"], axis=None))
