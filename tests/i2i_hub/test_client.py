"""Attempts: as often as it helps, as far apart as the Hub asks."""

import time

import httpx2
import pytest
from huggingface_hub import get_session
from huggingface_hub.errors import HfHubHTTPError

from i2i_hub.client import ATTEMPTS, PATIENCE, TIMEOUT, WAITS, HubError, attempt, connect


def refusal(status: int, **headers: str) -> HfHubHTTPError:
    request = httpx2.Request("GET", "http://localhost")
    return HfHubHTTPError("no", response=httpx2.Response(status, headers=headers, request=request))


@pytest.mark.parametrize(
    ("headers", "waits"),
    [({}, list(WAITS)), ({"Retry-After": "7"}, [7.0] * 4), ({"Retry-After": "99999"}, [PATIENCE] * 4)],
)
def test_waits_are_those_that_the_hub_asks_for(
    headers: dict[str, str], waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    asked = []

    def action() -> None:
        asked.append(1)
        raise refusal(429, **headers)

    with pytest.raises(HubError, match="out of order"):
        attempt("ada/x", action)
    assert len(asked) == ATTEMPTS
    assert waited[: len(waits)] == waits


def test_lasting_refusal_is_not_repeated() -> None:
    asked = []

    def action() -> None:
        asked.append(1)
        raise refusal(403)

    with pytest.raises(HubError, match="may not write to ada/x"):
        attempt("ada/x", action)
    assert len(asked) == 1


def test_refusal_after_an_unclear_answer_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request took effect after the look at it, so that the second is refused for that."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    answers, looks = iter([refusal(504), refusal(412)]), iter([None, "there"])

    def action() -> str:
        raise next(answers)

    assert attempt("ada/x", action, done=lambda: next(looks)) == "there"


def test_no_request_waits_for_ever() -> None:
    connect()
    assert get_session().timeout == httpx2.Timeout(TIMEOUT)
