"""Plays a rater of ``i2i study`` in Chromium: ``python study_page.py STUDY OUT [--device phone] [--session 3]``.

Looks at each image until it is known for what it is (by the key, which raters lack), answers by keys or, on a phone, by
taps, saves a screenshot of each kind of screen, and the result as the page offers it. ``--fooled 0.3`` is how often it
is wrong on purpose, ``--inattentive`` answers at random, ``--post`` receives results on loopback: make the study with
the address that it names.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from chromium import Browser
from PIL import Image

from i2i_study.key import Key, Session, read_key

DEVICES = {"desktop": (1280, 800, 1, False), "phone": (390, 844, 3, True), "sideways": (844, 390, 3, True)}
KEYS = {1: ("f", "KeyF", 70), 2: ("ArrowRight", "ArrowRight", 39)}
MOMENTS = [("2-fixation", ".next"), ("3-first", ".shown"), ("4-second", ".place + .shown")]
"""What passes, one in a trial: a screenshot takes its time."""
SHEET = ["1-welcome", "3-first", "5-question", "6-right"]
PORT = 8765


class Rater:
    """Somebody in front of the page."""

    def __init__(self, browser: Browser, device: str, out: Path) -> None:
        self.browser, self.out, self.device = browser, out, device
        width, height, ratio, self.touches = DEVICES[device]
        browser("Page.enable")
        browser("Runtime.enable")
        browser("Network.enable")
        browser("Log.enable")
        browser.emulate(width, height, ratio, touches=self.touches)

    def picture(self, name: str) -> None:
        self.browser.screenshot(self.out / f"{self.device}-{name}.png")
        wide, high = self.browser.value(
            "[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"
        )
        inside = self.browser.value(
            "[...document.querySelectorAll('.words, .places')].every(e => e.scrollHeight <= e.clientHeight)"
        )
        if wide > 0 or high > 0 or not inside:
            print(f"{self.device} {name}: something does not fit ({wide}, {high}, inside {inside})")

    def press(self, key: str, code: str, number: int) -> None:
        for kind in ("keyDown", "keyUp"):
            self.browser("Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=number)

    def tap(self, selector: str) -> None:
        found = f"document.querySelector({selector!r}).getBoundingClientRect()"
        self.browser.value(f"document.querySelector({selector!r}).scrollIntoView({{block: 'nearest'}})")
        x, y = self.browser.value(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({found})")
        if self.touches:
            self.browser("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
            self.browser("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        else:
            for kind in ("mousePressed", "mouseReleased"):
                self.browser("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def onward(self) -> None:
        if self.touches:
            self.tap(".go")
        else:
            self.press(" ", "Space", 32)

    def say(self, fake: int) -> None:
        if self.touches:
            self.tap(f".place:nth-child({fake}) button")
        else:
            self.press(*KEYS[fake])

    def take_part(self, page: str, sessions: list[Session], fooled: float, inattentive: bool) -> str:
        """Play a session; returns the result as it was kept."""
        self.browser("Page.navigate", url=page)
        self.browser.sees(".go:enabled")
        self.picture("1-welcome")
        session = sessions[int(page.rpartition("=")[2]) - 1]
        self.onward()
        seen: set[str] = set()
        for number, trial in enumerate(session.trials):
            self.trial(number, trial.part, trial.fake, fooled, inattentive, seen)
            if trial.part == "practice" and session.trials[number + 1].part != "practice":
                self.browser.sees(".found")
                self.picture("7-practised")
                self.onward()
        self.browser.sees(".words h1")
        kept = "Object.entries(localStorage).find(([name]) => name.startsWith('i2i-study-'))[1]"
        return str(json.loads(self.browser.wait(kept))["text"])

    def trial(self, number: int, part: str, fake: int, fooled: float, inattentive: bool, seen: set[str]) -> None:
        def once(name: str) -> None:
            if name not in seen:
                seen.add(name)
                self.picture(name)

        if number < len(MOMENTS):
            name, selector = MOMENTS[number]
            self.browser.sees(selector)
            once(name)
        elif part == "attention" and "8-attention" not in seen:
            self.browser.sees(f".place:nth-child({fake}).shown")
            once("8-attention")
        self.browser.sees(".asking")
        once("5-question")
        wrong = random.random() < (0.5 if inattentive else fooled if part != "attention" else 0)
        self.say(3 - fake if wrong else fake)
        if part == "practice":
            self.browser.sees(".tag")
            once("6-wrong" if wrong else "6-right")
            self.onward()
        self.browser.wait("!document.querySelector('.asking, .tag')")

    def finish(self, downloads: Path) -> None:
        """Wait for the end: what was sent, or a file that is saved."""
        self.browser("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        self.browser.wait("/were sent|as a file/.test(document.body?.innerText)")
        self.picture("9-end")
        if self.browser.value("!!document.querySelector('.go:not(.plain)')"):
            self.tap(".go")
            end = time.monotonic() + 10
            while not list(downloads.glob("study-*.json")) and time.monotonic() < end:
                time.sleep(0.1)
        self.browser("Page.reload")
        self.browser.wait("/taken part already/.test(document.body?.innerText)")
        self.picture("10-again")


@contextmanager
def receiver(folder: Path) -> Iterator[None]:
    """Receive results on loopback, as somebody's server would."""

    class Handler(BaseHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Headers", "Content-Type")
            super().end_headers()

        def log_message(self, *_: object) -> None:
            pass

        def do_OPTIONS(self) -> None:
            self.send_response(204)
            self.end_headers()

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / f"posted-{json.loads(data)['rater']}.json").write_bytes(data)
            self.send_response(204)
            self.end_headers()

    server = HTTPServer(("127.0.0.1", PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()


def draw_sheet(out: Path, device: str, sheet: Path) -> None:
    """Draw four screenshots side by side, at three quarters of their CSS pixels."""
    pictures = [Image.open(out / f"{device}-{name}.png").convert("RGB") for name in SHEET]
    width, height = (side * 3 // 4 for side in DEVICES[device][:2])
    drawn = Image.new("RGB", (len(pictures) * (width + 12) - 12, height), "white")
    for place, picture in enumerate(pictures):
        drawn.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (place * (width + 12), 0))
    drawn.quantize(256, kmeans=1).save(sheet, optimize=True)


def outside(browser: Browser) -> list[str]:
    """Addresses that the page asked for and that are not its own."""
    urls = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("file:", "data:", "blob:", f"http://127.0.0.1:{PORT}/"))]


def complaints(browser: Browser) -> list[str]:
    return [
        json.dumps(event["params"])[:400]
        for event in browser.events
        if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", choices=DEVICES, default="desktop")
    parser.add_argument("--session", type=int, default=1)
    parser.add_argument("--fooled", type=float, default=0.2)
    parser.add_argument("--inattentive", action="store_true")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--sheet", type=Path, help="Draw a picture of four screens for the docs.")
    parser.add_argument("--post", action="store_true", help=f"Receive results on http://127.0.0.1:{PORT}/.")
    said = parser.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    random.seed(said.session)
    key: Key = read_key(said.study)
    page = f"{(said.study / 'page' / 'index.html').resolve().as_uri()}?session={said.session}"
    receiving = receiver(said.out) if said.post else nullcontext()
    with tempfile.TemporaryDirectory() as profile, receiving:
        browser = Browser(Path(profile))
        rater = Rater(browser, said.device, said.out)
        if said.dark:
            browser.darken()
        start = time.monotonic()
        result = rater.take_part(page, key.sessions, said.fooled, said.inattentive)
        print(
            f"{said.device}: {time.monotonic() - start:.0f} s for {len(key.sessions[said.session - 1].trials)} trials"
        )
        rater.finish(said.out.resolve())
        print(f"asked for outside of the page: {outside(browser) or 'nothing'}")
        print(f"complaints: {complaints(browser) or 'none'}")
        times = [time for answer in json.loads(result)["answers"] for time in answer["shown"]]
        print(f"images were shown for {min(times):.4f} to {max(times):.4f} s, on average {sum(times) / len(times):.4f}")
        browser.close()
    if said.sheet:
        draw_sheet(said.out, said.device, said.sheet)


if __name__ == "__main__":
    main()
