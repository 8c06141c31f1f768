from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from i2i.data.jitter import Jitter, jitter_of
from i2i.data.order import keyed
from i2i.errors import DataError
from i2i.fields import Field
from i2i.pairs import Pixels

PAIR = {"source": Field(channels=2), "target": Field(channels=2)}
UNPAIRED = {name: field.model_copy(update={"group": name}) for name, field in PAIR.items()}


def where(height: int, width: int) -> Pixels:
    """An image whose pixels say where they were."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.stack([rows, columns], axis=2)


def coordinates(height: int, width: int) -> dict[str, Pixels]:
    return {"source": where(height, width), "target": where(height, width)}


def drawn(*key: int) -> Callable[[str], Random]:
    return lambda group: keyed(*key, *filter(None, [group]))


def test_aligned_fields_get_the_same_crop_and_mirror() -> None:
    jitter, masked = Jitter((8, 6), None, mirror=True), PAIR | {"mask": Field(channels=0, kind="ids")}
    for index in range(50):
        item = coordinates(20, 30)
        jittered = jitter.train(item | {"mask": item["source"][..., 1:]}, masked, drawn(0, 0, index))
        np.testing.assert_array_equal(jittered["source"], jittered["target"])
        np.testing.assert_array_equal(jittered["source"][..., 1:], jittered["mask"])
        assert jittered["source"].shape == (8, 6, 2)


def test_fields_of_different_groups_get_crops_and_mirrors_of_their_own() -> None:
    jitter = Jitter((8, 8), None, mirror=True)
    tops, mirrored = set(), set()
    for index in range(50):
        source, target = jitter.train(coordinates(20, 30), UNPAIRED, drawn(0, 0, index)).values()
        tops.add(source[0, 0, 0] == target[0, 0, 0])
        mirrored.add((source[0, 0, 1] < source[0, 1, 1], target[0, 0, 1] < target[0, 1, 1]))
    assert False in tops
    assert len(mirrored) == 4


def test_fields_of_different_groups_may_differ_in_size() -> None:
    item = {"source": where(20, 30), "target": where(9, 40)}
    jittered = Jitter((8, 8), None, mirror=True).train(item, UNPAIRED, drawn(0))
    assert [pixels.shape for pixels in jittered.values()] == [(8, 8, 2)] * 2


def test_crops_reach_every_corner_and_mirrors_come_half_of_the_time() -> None:
    jitter = Jitter((8, 8), None, mirror=True)
    tops, lefts, mirrored = set(), set(), 0
    for index in range(600):
        source = jitter.train(coordinates(11, 10), PAIR, drawn(0, 0, index))["source"]
        flipped = source[0, 0, 1] > source[0, 1, 1]
        mirrored += int(flipped)
        tops.add(int(source[0, 0, 0]))
        lefts.add(int(source[0, -1 if flipped else 0, 1]))
    assert (tops, lefts) == ({0, 1, 2, 3}, {0, 1, 2})
    assert 240 < mirrored < 360


def test_mirror_off_never_mirrors_and_shifts_no_other_draw() -> None:
    for index in range(20):
        with_mirror = Jitter((8, 8), None, True).train(coordinates(20, 20), PAIR, drawn(0, 0, index))["source"]
        without = Jitter((8, 8), None, False).train(coordinates(20, 20), PAIR, drawn(0, 0, index))["source"]
        assert without[0, 0, 1] < without[0, 1, 1]
        assert min(with_mirror[0, 0, 1], with_mirror[0, -1, 1]) == without[0, 0, 1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_ids_are_resized_to_the_nearest_and_never_mixed(dtype: type) -> None:
    ids: Pixels = np.zeros((20, 20, 1), dtype)
    ids[:, 10:] = 200
    fields = {"source": Field(channels=1), "target": Field(channels=0, kind="ids")}
    item = {"source": ids.astype(np.uint8), "target": ids}
    for jitter in (Jitter((7, 7), (7, 7), False), Jitter((31, 31), (31, 31), False)):
        for made in (jitter.train(item, fields, drawn(0)), jitter.test(item, fields)):
            assert set(np.unique(made["target"])) == {0, 200}
            assert made["target"].dtype == dtype
            assert set(np.unique(made["source"])) > {0, 200}


def test_vectors_pass() -> None:
    fields, pose = PAIR | {"pose": Field(channels=2, kind="vector")}, np.array([0.5, -2], np.float32)
    for made in (
        Jitter((8, 8), (9, 9), True).train(coordinates(9, 9) | {"pose": pose}, fields, drawn(0)),
        Jitter((8, 8), (9, 9), True).test(coordinates(9, 9) | {"pose": pose}, fields),
    ):
        assert made["pose"] is pose


def test_auto_resize_has_the_ratio_of_the_paper() -> None:
    assert jitter_of((256, 256), "auto", True).resize == (286, 286)
    assert jitter_of((256, 128), "auto", True).resize == (286, 143)
    assert jitter_of((128, 128), "keep", True).resize is None
    assert jitter_of((128, 128), (200, 150), True).resize == (200, 150)


def test_validation_sees_the_whole_picture_or_its_centre() -> None:
    assert Jitter((16, 8), (18, 9), True).test(coordinates(40, 30), PAIR)["source"].shape == (16, 8, 2)
    centre = Jitter((4, 6), None, True).test(coordinates(10, 12), PAIR)["source"]
    assert (centre[0, 0, 0], centre[0, 0, 1]) == (3, 3)
    assert centre.shape == (4, 6, 2)


@pytest.mark.parametrize("resize", [None, (6, 6)])
def test_an_image_smaller_than_the_crop_is_named(resize: tuple[int, int] | None) -> None:
    with pytest.raises(DataError, match=r"tiny.* is (7x7|6x6), smaller than data\.crop \(8\)"):
        Jitter((8, 8), resize, True).train(coordinates(7, 7), PAIR, drawn(0), "tiny")
    with pytest.raises(DataError, match=r"tiny.* is 7x9, smaller than data\.crop \(\[8, 9\]\)"):
        Jitter((8, 9), None, True).test(coordinates(9, 7), PAIR, "tiny")


def test_aligned_fields_of_different_size_need_a_resize() -> None:
    item = {"source": where(10, 12), "target": where(12, 12)}
    with pytest.raises(DataError, match=r"odd: source is 12x10, target 12x12. Set data\.resize"):
        Jitter((8, 8), None, True).train(item, PAIR, drawn(0), "odd")
    assert Jitter((8, 8), (9, 9), True).train(item, PAIR, drawn(0))["target"].shape == (8, 8, 2)
