"""Saves that are finished beside the steps."""

import threading

import pytest

from i2i.errors import OutputError
from i2i.training.saver import Saver


def test_one_save_at_a_time_is_finished_and_the_end_waits_for_it() -> None:
    done, go = list[int](), threading.Event()

    def slow() -> None:
        go.wait(10)
        done.append(1)

    with Saver() as saver:
        saver.start(slow)
        saver.check()  # waits for nothing
        assert done == []
        threading.Timer(0.05, go.set).start()
        saver.start(lambda: done.append(2))
    assert done == [1, 2]


def fail() -> None:
    raise OutputError("the disk is full")


def test_what_goes_wrong_is_raised_once_where_it_is_asked_for() -> None:
    saver = Saver()
    saver.start(fail)
    assert saver._thread
    saver._thread.join()
    with pytest.raises(OutputError, match="the disk is full"):
        saver.check()
    saver.check()
    saver.wait()


def test_the_next_save_is_not_begun_over_one_that_failed() -> None:
    saver, done = Saver(), list[int]()
    saver.start(fail)
    with pytest.raises(OutputError):
        saver.start(lambda: done.append(1))
    saver.wait()
    assert done == []


def test_an_error_of_the_run_is_told_before_one_of_a_save() -> None:
    saver = Saver()

    def run() -> None:
        with saver:
            saver.start(fail)
            raise KeyError

    with pytest.raises(KeyError):
        run()
