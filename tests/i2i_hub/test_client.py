"""Attempts: as often as it helps, as far apart as the Hub asks."""

from dataclasses import replace

import httpx2
import pytest
from huggingface_hub import HfApi, get_session, hf_api
from huggingface_hub.errors import HfHubHTTPError

from i2i_hub import client
from i2i_hub.client import TIMEOUT, HubError, attempt, connect


def refusal(status: int, **headers: str) -> HfHubHTTPError:
    request = httpx2.Request("GET", "http://localhost")
    return HfHubHTTPError("no", response=httpx2.Response(status, headers=headers, request=request))


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds between attempts, which nobody waits for."""
    seconds: list[float] = []
    monkeypatch.setattr(client, "RETRY", replace(client.RETRY, sleep=seconds.append))
    return seconds


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, [1.0, 2.0, 4.0, 8.0]), ({"Retry-After": "7"}, [7.0] * 4), ({"Retry-After": "9999"}, [])],
)
def test_waits_are_those_that_the_hub_asks_for_and_are_told(
    headers: dict[str, str], expected: list[float], waited: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    def action() -> None:
        raise refusal(429, **headers)

    with pytest.raises(HubError, match="out of order"):
        attempt("ada/x", action)
    assert waited == expected
    assert [record.getMessage() for record in caplog.records] == [
        f"The Hub is out of order (status 429). Trying again in {seconds:.0f} s ({number} of 5)."
        for number, seconds in enumerate(expected, start=2)
    ]


@pytest.mark.parametrize("answer", ["{}", "[]", "null", "1", "<html>", '{"id": "ada/x", "siblings": [1]}'])
def test_answer_of_another_kind_is_one_line(answer: str, waited: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, text=answer))
    monkeypatch.setattr(hf_api, "get_session", lambda: httpx2.Client(transport=transport))
    with pytest.raises(
        HubError, match=r"^What answers is not the Hub, or it is cut off\. Check the network and [^\n]*$"
    ):
        attempt("ada/x", lambda: HfApi().repo_info("ada/x"))


@pytest.mark.parametrize("mistake", [KeyError("name"), TypeError(), AttributeError()])
def test_mistake_of_our_own_is_not_blamed_on_the_hub(mistake: Exception, waited: list[float]) -> None:
    def action() -> None:
        raise mistake

    with pytest.raises(type(mistake)):
        attempt("ada/x", action)
    assert not waited


def test_no_request_waits_for_ever() -> None:
    connect()
    assert get_session().timeout == httpx2.Timeout(TIMEOUT)
