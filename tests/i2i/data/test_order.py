from i2i.data.order import keyed, order


def test_order_is_a_permutation_that_depends_on_seed_and_epoch_alone() -> None:
    assert sorted(order(3, 5, 100)) == list(range(100))
    assert order(3, 5, 100) == order(3, 5, 100)
    assert order(3, 5, 100) != order(3, 6, 100)
    assert order(3, 5, 100) != order(4, 5, 100)


def test_keys_do_not_run_into_each_other() -> None:
    assert keyed(1, 11).random() != keyed(11, 1).random()
    assert keyed(1, 23).random() != keyed(12, 3).random()


def test_values_are_those_that_python_promises() -> None:
    # worked out from the documented seeding: int.from_bytes(text + sha512(text)), Mersenne Twister, 53 bits
    from hashlib import sha512
    from random import Random

    text = b"7/0/2"
    assert keyed(7, 0, 2).random() == Random(int.from_bytes(text + sha512(text).digest(), "big")).random()
