"""Drives Chromium, where there is one, to see what pages do."""

import base64
import json
import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any


def find_chromium() -> str | None:
    """Return where it is; None where there is none."""
    return shutil.which("chromium") or shutil.which("google-chrome")


class Browser:
    """Chromium, spoken to over its debugging pipe.

    Args:
        profile: Folder for what it keeps.
        *more: Its options.
    """

    def __init__(self, profile: Path, *more: str) -> None:
        if (chromium := find_chromium()) is None:
            raise SystemExit("There is no Chromium here.")
        commands, answers = os.pipe(), os.pipe()
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            *more,
        ]

        def hand_over() -> None:  # Chromium reads from 3 and writes to 4
            theirs = os.dup(commands[0]), os.dup(answers[1])
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        self._process = subprocess.Popen(
            [chromium, *options], preexec_fn=hand_over, close_fds=False, stderr=subprocess.DEVNULL
        )
        os.close(commands[0])
        os.close(answers[1])
        self._commands = os.fdopen(commands[1], "wb", buffering=0)
        self._answers = os.fdopen(answers[0], "rb")
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and return its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def _read(self) -> dict[str, Any]:
        data = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            if not byte:
                raise SystemExit("Chromium ended.")
            data += byte
        return dict(json.loads(data))

    def value(self, expression: str) -> Any:
        answer = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(RuntimeError):  # where a page goes and the next comes, there is none to ask
                if found := self.value(expression):
                    return found
            time.sleep(0.02)
        raise SystemExit(f"Waited in vain for {expression}. The page says: {self.value('document.body.innerText')!r}")

    def sees(self, selector: str) -> None:
        self.wait(f"!!document.querySelector({selector!r})")

    def emulate(self, width: int, height: int, ratio: float = 1, *, touches: bool = False) -> None:
        """Have a screen of so many CSS pixels, and a finger for a mouse where it `touches`."""
        self(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=ratio, mobile=touches
        )  # fmt: skip
        self("Emulation.setTouchEmulationEnabled", enabled=touches)

    def darken(self, dark: bool = True) -> None:
        """Prefer dark pages, or light ones."""
        scheme = "dark" if dark else "light"
        self("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        self._session = ""
        self("Browser.close")
        self._process.wait(10)
        self._commands.close()
        self._answers.close()
