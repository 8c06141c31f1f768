import numpy as np
import pytest

from i2i.images.lettering import fitting_size, letter


def test_words_are_as_wide_as_they_need_and_black_on_white() -> None:
    short, long = letter("a", 20), letter("a" * 10, 20)
    assert short.dtype == np.uint8
    assert long.shape == (short.shape[0], pytest.approx(10 * short.shape[1], rel=0.2), 3)
    assert (long.max(), int(long.min()) < 100) == (255, True)


def test_words_that_do_not_fit_keep_their_ends() -> None:
    cut, other = (
        letter(f"start start {middle} the end", 15, 80) for middle in ("of something", "of what is no shorter")
    )
    assert cut.shape[1] == 80
    assert (cut == other).all()


def test_words_stand_in_the_middle() -> None:
    columns = np.flatnonzero(letter("ooo", 15, 101).min(axis=(0, 2)) < 128)
    assert columns[0] + columns[-1] == pytest.approx(100, abs=2)


def test_letters_become_smaller_to_fit_but_no_smaller_than_two_thirds() -> None:
    assert fitting_size("a", 100, 15) == 15
    assert 10 < fitting_size("a" * 12, 90, 15) < 15
    assert fitting_size("a" * 100, 90, 15) == 10


@pytest.mark.parametrize("words", ["", "two\nlines", "\x1b[2J", "\udc80", "画"])
def test_any_text_of_a_stranger_is_one_line(words: str) -> None:
    assert letter(words, 15, 60).shape == letter("a", 15, 60).shape
