"""How a run is told on a terminal: what comes first, what gives way, and how often without one."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from i2i import pace as pace_module
from i2i.cli.training_progress import PLAIN_EVERY, TrainingProgress
from i2i.pace import Pace, time_in_words

LOSSES = {"discriminator/gan": 0.6931, "generator/pixel": 46.6, "generator/gan": 2.914, "generator/perceptual": None}
ROW = {"step": 1240, "epoch": 4, "lr": 2e-4, **LOSSES}


class Clock:
    """A clock that is set."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def told(clock: Clock, terminal: bool = True) -> TrainingProgress:
    """How a run of 80,000 steps is told, of which 1240 are done, at 3.2 a second."""
    progress = TrainingProgress()
    progress.console = Console(file=io.StringIO(), width=80, highlight=False, force_terminal=terminal)
    progress._pace = Pace(clock)
    progress.started({}, 0, 80000)
    progress._bar.stop()
    for step in (1, 920, 1240):
        clock.seconds = step / 3.2
        progress.advanced([{**ROW, "step": step}])
    return progress


def test_step_rate_and_time_left_come_first() -> None:
    line = told(Clock()).line().plain
    assert line.startswith("step 1240/80000  3.2/s  6 h 50 min left  discriminator gan 0.693  generator pixel 46.6 gan")
    assert line.endswith("gan 2.91 perceptual not finite")


@given(st.integers(20, 300))
def test_losses_give_way_as_a_whole_and_the_line_always_fits(width: int) -> None:
    line = told(Clock()).line(width).plain
    head = "step 1240/80000  3.2/s  6 h 50 min left"
    assert line.startswith(head)
    assert len(line) <= max(width, len(head))
    words = re.sub("━+", "", line).strip()
    assert words in {
        head,
        f"{head}  discriminator gan 0.693",
        f"{head}  discriminator gan 0.693  generator pixel 46.6",
        f"{head}  discriminator gan 0.693  generator pixel 46.6 gan 2.91",
        f"{head}  discriminator gan 0.693  generator pixel 46.6 gan 2.91 perceptual not finite",
    }


def test_at_eighty_columns_there_is_the_loss_of_each_network() -> None:
    assert told(Clock()).line(80).plain.rstrip("━ ").endswith("left  discriminator gan 0.693")


def test_names_of_losses_do_not_steer_the_terminal() -> None:
    progress = TrainingProgress()
    progress.advanced([{"step": 1, "g/\x1b[2J": 1.0}])
    assert "\x1b[2J" not in progress.line().plain


def test_without_a_terminal_there_are_numbers_at_the_first_step_and_then_a_line_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock)
    progress = TrainingProgress()
    progress.console = Console(file=(said := io.StringIO()), width=80, force_terminal=False)
    progress.started({}, 0, 100)
    for step in range(1, 36):
        clock.seconds = 5.0 + step
        progress.advanced([{**ROW, "step": step}])
    lines = said.getvalue().splitlines()
    assert [line.split()[1] for line in lines if line] == ["1/100", "11/100", "21/100", "31/100"]
    assert "  discriminator gan 0.693  generator pixel 46.6 gan 2.91 perceptual not finite" in lines[0]
    assert PLAIN_EVERY == 10


def test_the_rate_is_of_the_last_minute_and_the_time_left_of_the_whole_run() -> None:
    clock = Clock()
    pace = Pace(clock)
    for second in range(200):
        clock.seconds = float(second)
        pace.advance(second if second < 100 else 100 + 3 * (second - 100))
    assert pace.rate == pytest.approx(3)
    done = 100 + 3 * 99
    assert pace.left(done + 1000) == pytest.approx(1000 * 199 / done)
    clock.seconds += 10
    assert pace.left(done + 1000) == pytest.approx(1000 * 199 / done - 10)


def test_nothing_is_known_of_the_pace_before_the_second_look() -> None:
    pace = Pace(Clock())
    assert (pace.rate, pace.left(10)) == (0, None)
    pace.advance(1)
    assert (pace.rate, pace.left(10)) == (0, None)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (7380, "2 h 3 min"),
        (86400, "1 d"),
    ],
)
def test_times_are_said_by_their_two_largest_units(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words
    assert pace_module.RECENT == 60
