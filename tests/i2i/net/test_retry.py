"""What may pass is tried again, as long after as the server asks, and the user is told meanwhile."""

import logging
from email.utils import formatdate

import pytest

from i2i.net.retry import Retry, retry_after

NOW = 1_000_000.0


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def retry(waits: list[float]) -> Retry:
    return Retry(tries=4, patience=60.0, sleep=waits.append, now=lambda: NOW)


def test_pauses_grow_and_end_with_the_tries_and_none_is_longer_than_the_patience(
    retry: Retry, waits: list[float]
) -> None:
    assert [retry.again(tried, "It is away") for tried in (1, 2, 3, 4)] == [True, True, True, False]
    assert Retry(tries=20, patience=60.0, sleep=waits.append).again(10, "It is away")
    assert retry.again(1, "It is busy", {"retry-after": "60"})
    assert not retry.again(1, "It is busy", {"retry-after": "61"})
    assert waits == [1.0, 2.0, 4.0, 60.0, 60.0]


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (formatdate(NOW + 30, usegmt=True), 30.0),
        (formatdate(5.0, usegmt=True), 0.0),
        ("soon", None),
        ("-3", None),
        ("²", None),
        ("", None),
    ],
)
def test_a_pause_is_a_number_of_seconds_or_a_time(told: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": told}, NOW) == seconds
    assert retry_after({}, NOW) is None


def test_the_user_is_told_before_each_pause(retry: Retry, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "i2i"):
        retry.again(2, "https://example.org/a answers 503")
        retry.again(4, "https://example.org/a answers 503")
    assert [record.getMessage() for record in caplog.records] == [
        "https://example.org/a answers 503. Trying again in 2 s (3 of 4)."
    ]
