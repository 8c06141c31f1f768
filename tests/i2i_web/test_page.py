from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import Browser
from numpy.typing import NDArray

from i2i_prepare.lines import thin

ort = pytest.importorskip("onnxruntime")

SIDE = 32
"""Of the page's model; see ``conftest.py``."""
PATIENCE = 300
"""Seconds for a page to load, on a machine that has much else to do."""
IDLE = "document.querySelector('#picture')?.getAttribute('aria-busy') === 'false'"


def open_page(browser: Browser, address: str) -> None:
    """Have a page with a blank sheet and a thin pen; the one that is there, since loading one takes seconds."""
    if browser.value("location.href") != address:
        browser("Page.navigate", url=address)
        browser.wait(f"location.href === {address!r} && {IDLE}", PATIENCE)
    browser.value("document.querySelector('#width').value = 0")
    press(browser, "pen")
    press(browser, "clear")


def draw(browser: Browser, *points: tuple[float, float]) -> None:
    """Draw a stroke through points, in shares of width and height of the drawing."""
    box = browser.value("(r => [r.x, r.y, r.width, r.height])(document.all.drawing.getBoundingClientRect())")
    for number, (x, y) in enumerate((*points, points[-1])):
        kind = "mousePressed" if number == 0 else "mouseReleased" if number == len(points) else "mouseMoved"
        at = {"x": box[0] + x * box[2], "y": box[1] + y * box[3]}
        browser("Input.dispatchMouseEvent", type=kind, **at, button="left", buttons=1, clickCount=1)
    browser.wait(IDLE, PATIENCE)


def press(browser: Browser, does: str) -> None:
    browser.value(f"document.querySelector('[data-does={does}]').click()")
    browser.wait(IDLE, PATIENCE)


def canvas(browser: Browser, name: str) -> NDArray[np.uint8]:
    """Return the pixels of a canvas, (H, W, 3)."""
    size, values = browser.value(
        f"(c => [[c.height, c.width], [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]])"
        f"(document.getElementById('{name}'))"
    )
    return np.array(values, np.uint8).reshape(*size, 4)[..., :3]


def given_and_made(browser: Browser) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return what the model was given, (H, W, 1), and what the page shows, (H, W, 3)."""
    press(browser, "seen")
    drawing = canvas(browser, "drawing")
    press(browser, "seen")
    return drawing[..., :1], canvas(browser, "picture")


def check(model: bytes, drawing: NDArray[np.uint8], picture: NDArray[np.uint8]) -> None:
    (expected,) = ort.InferenceSession(model).run(None, {"image": drawing[None]})
    assert np.abs(expected[0].astype(int) - picture).max() <= 1


def test_a_drawing_is_translated_as_elsewhere(browser: Browser, host: str, model: bytes) -> None:
    open_page(browser, host)
    blank, first = given_and_made(browser)
    assert (blank == 255).all()
    check(model, blank, first)
    draw(browser, (0.2, 0.2), (0.8, 0.2), (0.5, 0.9), (0.2, 0.2))
    drawing, picture = given_and_made(browser)
    assert set(np.unique(drawing)) == {0, 255}
    assert np.abs(picture.astype(int) - first).max() > 20
    check(model, drawing, picture)


def test_threads_are_there_on_a_plain_host(browser: Browser, host: str) -> None:
    open_page(browser, host)
    assert browser.value("crossOriginIsolated") is True


def test_strokes_are_undone_and_redone(browser: Browser, host: str) -> None:
    open_page(browser, host)
    draw(browser, (0.1, 0.5), (0.9, 0.5))
    drawn, _ = given_and_made(browser)
    press(browser, "undo")
    assert (given_and_made(browser)[0] == 255).all()
    press(browser, "redo")
    np.testing.assert_array_equal(given_and_made(browser)[0], drawn)
    press(browser, "clear")
    press(browser, "undo")
    np.testing.assert_array_equal(given_and_made(browser)[0], drawn)


def test_a_thick_line_is_thinned_to_that_of_the_sources(browser: Browser, host: str) -> None:
    open_page(browser, host)
    browser.value("document.querySelector('#width').value = 8")
    draw(browser, (0.2, 0.5), (0.8, 0.5))
    drawing, _ = given_and_made(browser)
    ink = drawing[..., 0] == 0
    assert ink.sum(axis=0).max() == 1
    assert ink.sum() > SIDE / 2


def test_the_eraser_leaves_paper(browser: Browser, host: str) -> None:
    open_page(browser, host)
    draw(browser, (0.1, 0.5), (0.9, 0.5))
    press(browser, "eraser")
    draw(browser, (0.0, 0.5), (1.0, 0.5))
    assert (given_and_made(browser)[0] == 255).all()


def test_one_file_opens_from_the_disk(browser: Browser, one_file: Path, model: bytes) -> None:
    open_page(browser, one_file.as_uri())
    draw(browser, (0.2, 0.2), (0.8, 0.8))
    drawing, picture = given_and_made(browser)
    assert (drawing == 0).any()
    check(model, drawing, picture)


def test_a_folder_that_is_opened_from_the_disk_says_why_it_cannot(browser: Browser, folder: Path) -> None:
    browser("Page.navigate", url=(folder / "index.html").as_uri())
    browser.wait("/Opened from the disk/.test(document.querySelector('#says')?.textContent)")


def test_nothing_is_asked_of_anybody_else(browser: Browser, host: str) -> None:
    open_page(browser, host)
    urls = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    assert f"{host}model.json" in urls
    assert [url for url in urls if not url.startswith((host, "data:", "blob:", "file:"))] == []
    refused = browser.value("fetch('https://example.org/').then(() => 'sent', error => error.message)")
    assert "Failed to fetch" in refused


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844), (390, 664), (844, 390)])
def test_everything_is_on_one_screen(browser: Browser, host: str, width: int, height: int) -> None:
    browser.emulate(width, height, touches=width < 1000)
    try:
        open_page(browser, host)
        boxes = browser.value(
            "[...document.querySelectorAll('canvas, button:not([hidden]), .width')].map(e => e.getBoundingClientRect())"
            ".map(r => [r.left, r.top, r.right, r.bottom, r.width, r.height])"
        )
        for left, top, right, bottom, wide, high in boxes:
            assert left >= 0
            assert top >= 0
            assert right <= width
            assert bottom <= height
            assert min(wide, high) >= 40  # a finger hits it
        drawing = browser.value("document.querySelector('#drawing').getBoundingClientRect().width")
        assert drawing >= 0.35 * min(width, height)
    finally:
        browser.emulate(1280, 800)


def test_lines_are_thinned_as_preparing_does(browser: Browser, host: str) -> None:
    rng = np.random.default_rng(1)
    blobs = rng.random((40, 30)) < 0.7
    open_page(browser, host)
    thinned = run(browser, "lines", f"m.thin({as_mask(blobs)}).on", blobs.shape)
    np.testing.assert_array_equal(thinned, thin(blobs))


def test_a_dropped_drawing_is_redrawn_as_the_sources_are(browser: Browser, host: str) -> None:
    """A thick light ring on black, off the middle of a larger picture, is thin, dark and as large as sources are."""
    y, x = np.indices((200, 300))
    ring = np.abs(np.hypot(y - 70, x - 90) - 40) < 6
    open_page(browser, host)
    data = f"Uint8ClampedArray.from({(ring * 255).ravel().tolist()}.flatMap(v => [v, v, v, 255]))"
    image = f"{{height: 200, width: 300, data: {data}}}"
    call = f"m.linesOf({image}, (await (await fetch('model.json')).json()).look, [{SIDE}, {SIDE}]).lines.on"
    lines = run(browser, "fit", call, (SIDE, SIDE)).astype(bool)
    rows, columns = np.flatnonzero(lines.any(axis=1)), np.flatnonzero(lines.any(axis=0))
    diameter = 0.85 * SIDE
    assert abs(rows[-1] - rows[0] + 1 - diameter) <= 2
    assert abs(columns[-1] - columns[0] + 1 - diameter) <= 2
    y, x = np.nonzero(lines)
    assert (np.abs(np.hypot(y - (SIDE - 1) / 2, x - (SIDE - 1) / 2) - diameter / 2) < 2).all()
    np.testing.assert_array_equal(thin(lines), lines)


def as_mask(values: NDArray[np.bool_]) -> str:
    height, width = values.shape
    return f"{{height: {height}, width: {width}, on: Uint8Array.from({values.astype(int).ravel().tolist()})}}"


def run(browser: Browser, module: str, call: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return what a function of a module of the page makes."""
    values = browser.value(f"import('./{module}.js').then(async m => [...{call}])")
    return np.array(values).reshape(shape)
