"""Batches in memory that processes share."""

import multiprocessing

import numpy as np

from i2i.data.batches import Stacked
from i2i.data.slots import Place, Slots


def slots() -> Slots:
    return Slots(multiprocessing.get_context(), 2, 1000)


def test_arrays_in_a_slot_are_sent_as_their_places_and_come_back_the_same() -> None:
    shared = slots()
    made = [shared.room(number) for number in (0, 1)]
    arrays = [room((3, 7), np.dtype(dtype)) for room in made for dtype in (np.uint8, np.float32, np.int64)]
    for number, values in enumerate(arrays):
        values[:] = number
    sent = shared.packed(Stacked(dict(zip("abcdef", arrays, strict=True)), ["name"], [("name", "a note")]))
    assert all(isinstance(place, Place) for place in sent.fields.values())
    got = shared.unpacked(sent)
    assert (got.names, got.notes) == (["name"], [("name", "a note")])
    for number, (values, array) in enumerate(zip(got.fields.values(), arrays, strict=True)):
        assert (values.dtype, values.shape) == (array.dtype, (3, 7))
        assert (values == number).all()


def test_what_does_not_fit_into_a_slot_is_sent_as_it_is() -> None:
    shared = slots()
    room = shared.room(1)
    fitting, large = room((900,), np.dtype(np.uint8)), room((9000,), np.dtype(np.uint8))
    fitting[:], large[:] = 1, 2
    sent = shared.packed(Stacked({"fitting": fitting, "large": large}, [], []))
    assert isinstance(sent.fields["fitting"], Place)
    assert sent.fields["large"] is large
    assert [values.sum() for values in shared.unpacked(sent).fields.values()] == [900, 18_000]
