import http.client
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import uvicorn
from small_models import model_folder

from i2i import images
from i2i.errors import DataError, OutputError
from i2i.pairs import Pixels
from i2i.translation import Translator
from i2i_serve.app import Door, make_app, source_of
from i2i_serve.service import BusyError, ClosedError, Limits, Service
from i2i_serve.serving import run


def noise(height: int = 8, width: int = 12, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)


class Client:
    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def translated(self, path: str, pixels: Pixels) -> Pixels:
        answer = self.ask(path, images.encode(pixels, ".png"))
        assert answer.status == 200, answer.body
        return images.read(answer.body).pixels


@contextmanager
def serving(service: Service, door: Door = Door()) -> Iterator[Client]:  # noqa: B008 - it has no state
    server = uvicorn.Server(uvicorn.Config(make_app(service, door), port=0, log_level="warning"))
    with service:
        thread = threading.Thread(target=server.run)
        thread.start()
        while not (server.started and server.servers):
            thread.join(0.01)
        yield Client(server.servers[0].sockets[0].getsockname()[1])
        server.should_exit = True
        thread.join()


@pytest.fixture
def translators(tmp_path: Path) -> dict[str, Translator]:
    return {name: Translator.load(model_folder(tmp_path / name)) for name in ("faces", "shoes")}


def test_answers_are_what_translate_makes(translators: dict[str, Translator]) -> None:
    with serving(Service(translators, 1, Limits())) as client:
        for path, name in (("/translate", "faces"), ("/models/shoes/translate", "shoes")):
            np.testing.assert_array_equal(client.translated(path, noise()), translators[name](noise()))
        answer = client.ask("/translate?encoding=npy", images.encode(noise(), ".jpg"))
        jpeg = images.read(images.encode(noise(), ".jpg")).pixels
        np.testing.assert_array_equal(np.load(BytesIO(answer.body)), translators["faces"](jpeg))
        assert (
            client.ask("/translate?encoding=jpg", images.encode(noise(), ".npy")).headers["content-type"]
            == "image/jpeg"
        )


def test_many_clients_get_their_own_pictures(translators: dict[str, Translator]) -> None:
    given = [noise(8, 8 + 4 * (seed % 2), seed) for seed in range(24)]
    with serving(Service(translators, 2, Limits())) as client, ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda pixels: client.translated("/translate", pixels), given))
        counted = client.ask("/metrics").body.decode()
    for pixels, picture in zip(given, made, strict=True):
        assert np.abs(picture.astype(int) - translators["faces"](pixels)).max() <= 1
    assert "i2i_translated_total 24\n" in counted
    assert "i2i_waiting 0\n" in counted


def test_the_server_describes_itself(translators: dict[str, Translator]) -> None:
    with serving(Service(translators, 1, Limits()), Door(hosts=("127.0.0.1",))) as client:
        assert client.ask("/health").said == {"status": "ok"}
        facts = client.ask("/models").said
        assert list(facts) == ["faces", "shoes"]
        assert "/models/{name}/translate" in client.ask("/openapi.json").said["paths"]
        assert client.ask("/").headers["location"] == "docs"
        assert client.ask("/health", Host="evil.example").status == 400


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/translate", b"no image", 415, "not an image"),
        ("/translate", b"", 415, "not an image"),
        ("/translate", images.encode(noise(), ".png")[:60], 415, "the image"),
        ("/translate", images.encode(noise(40, 40), ".png"), 413, "1600"),
        ("/translate", bytes(9000), 413, "more than 8,000 bytes"),
        ("/translate?encoding=gif", images.encode(noise(), ".png"), 422, "'png'"),
        ("/models/cats/translate", images.encode(noise(), ".png"), 404, "faces, shoes"),
    ],
)
def test_what_cannot_be_translated_is_an_answer_of_one_line(
    translators: dict[str, Translator], path: str, body: bytes, status: int, words: str
) -> None:
    with serving(Service(translators, 1, Limits()), Door(bytes=8000, pixels=1000)) as client:
        answer = client.ask(path, body)
        assert answer.status == status
        assert words in str(answer.said["detail"])
        assert "\n" not in str(answer.said["detail"])
        assert client.translated("/translate", noise()).shape == (8, 12, 3)


def test_strangers_are_refused_without_the_token(translators: dict[str, Translator]) -> None:
    with serving(Service(translators, 1, Limits()), Door(token="a secret")) as client:
        body = images.encode(noise(), ".png")
        assert client.ask("/translate", body).status == 401
        assert client.ask("/translate", body, Authorization="Bearer another").status == 401
        assert client.ask("/translate", body, Authorization="Bearer a secret").status == 200
        assert client.ask("/models").status == client.ask("/metrics").status == 401
        assert client.ask("/health").status == 200


class Slow:
    """A translator that waits until it may go on, and notes what it is given."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self.begun, self.may = threading.Event(), threading.Event()
        self.batches = list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._translator, name)

    def translate(self, items: Any) -> Any:
        self.batches.append(len(items))
        self.begun.set()
        assert self.may.wait(20)
        return self._translator.translate(items)


@pytest.fixture
def slow(translators: dict[str, Translator]) -> Any:
    return Slow(translators["faces"])


def given(slow: Any, *sizes: tuple[int, int]) -> list[dict[str, Pixels]]:
    return [slow.given({"source": [noise(*size)]}) for size in sizes]


def test_images_of_one_size_that_wait_are_one_batch(slow: Any) -> None:
    with Service({"m": slow}, 1, Limits()) as service:
        first = service.ask("m", *given(slow, (4, 4)))
        assert slow.begun.wait(20)
        others = [service.ask("m", item) for item in given(slow, (8, 8), (4, 8), (8, 8), (8, 8))]
        slow.may.set()
        assert [made.result(20).shape[:2] for made in (first, *others)] == [(4, 4), (8, 8), (4, 8), (8, 8), (8, 8)]
    assert slow.batches == [1, 3, 1]


def test_more_than_can_wait_is_refused_and_what_was_given_up_is_not_translated(slow: Any) -> None:
    with Service({"m": slow}, 1, Limits(images=2)) as service:
        item = given(slow, (4, 4))[0]
        running = service.ask("m", item)
        assert slow.begun.wait(20)
        waiting = [service.ask("m", item) for _ in range(2)]
        with pytest.raises(BusyError, match="2 images wait already"):
            service.ask("m", item)
        assert all(made.cancel() for made in waiting)
        slow.may.set()
        assert running.result(20).shape == (4, 4, 3)
    assert slow.batches == [1]
    assert service.counts.refused == 1


def test_images_that_are_being_read_wait_too(slow: Any) -> None:
    service = Service({"m": slow}, 1, Limits(images=2))
    with (
        service.reading(),
        service.reading(),
        pytest.raises(BusyError, match="2 images wait already"),
        service.reading(),
    ):
        pass
    with service.reading():  # there is room again
        pass


def test_what_had_to_be_done_to_read_an_image_is_said(translators: dict[str, Translator]) -> None:
    long = np.zeros((4, 80, 3), np.uint8)
    with serving(Service(translators, 1, Limits())) as client:
        assert client.ask("/translate", images.encode(long, ".png")).headers["i2i-notes"] == "very long: 80x4"
        assert "i2i-notes" not in client.ask("/translate", images.encode(noise(), ".png")).headers


def test_a_result_that_cannot_be_encoded_so_is_no_fault_of_the_image(tmp_path: Path) -> None:
    deep = Translator.load(model_folder(tmp_path / "deep", dtype="uint16"))
    with serving(Service({"deep": deep}, 1, Limits())) as client:
        answer = client.ask("/translate?encoding=jpg", images.encode(noise(), ".png"))
        assert answer.status == 422
        assert "cannot hold" in answer.said["detail"]


def test_few_large_images_fill_the_queue_too(slow: Any) -> None:
    with Service({"m": slow}, 1, Limits(pixels=100)) as service:
        service.ask("m", *given(slow, (4, 4)))
        assert slow.begun.wait(20)
        service.ask("m", *given(slow, (16, 16)))
        with pytest.raises(BusyError):
            service.ask("m", *given(slow, (4, 4)))
        slow.may.set()


def test_one_that_takes_too_long_is_told_so(slow: Any) -> None:
    with serving(Service({"m": slow}, 1, Limits(seconds=0.1))) as client:
        answer = client.ask("/translate", images.encode(noise(), ".png"))
        assert answer.status == 503
        assert "more than 0.1 seconds" in answer.said["detail"]
        assert answer.headers["retry-after"] == "1"
        slow.may.set()


def test_who_asks_a_server_that_ends_is_told_so(slow: Any) -> None:
    service = Service({"m": slow}, 1, Limits())
    with service:
        slow.may.set()
    with pytest.raises(ClosedError):
        service.ask("m", *given(slow, (4, 4)))


def test_what_goes_wrong_reaches_who_asked_and_nobody_else(slow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slow.may.set()
    with Service({"m": slow}, 1, Limits()) as service:
        with monkeypatch.context() as patched:
            patched.setattr(slow._translator, "translate", lambda items: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                service.ask("m", *given(slow, (4, 4))).result(20)
        assert service.ask("m", *given(slow, (4, 4))).result(20).shape == (4, 4, 3)
    assert service.counts.failed == 1


def test_a_model_of_two_images_is_refused(translators: dict[str, Translator], monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"photo": ("photo",), "mask": ("mask",)}
    monkeypatch.setattr(Translator, "columns", property(lambda _: both))
    with pytest.raises(DataError, match="faces takes photo and mask"):
        source_of(translators["faces"], "faces")


def test_a_port_that_is_taken_is_said(translators: dict[str, Translator]) -> None:
    service = Service(translators, 1, Limits())
    with serving(service) as client, pytest.raises(OutputError, match="Choose another --port"):
        run(service, host="127.0.0.1", port=client.port, max_bytes=1, max_pixels=1)


def test_other_machines_are_let_in_with_a_token_only(
    tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, said = run_cli("serve", model_folder(tmp_path / "m"), "--host", "0.0.0.0")
    assert code == 2
    assert "Give a --token" in said
