"""Runs the command line of i2i in a process of its own, which has read its environment before it imports anything.

The client of the Hub reads its address when it is imported. One process serves many calls, since to import torch takes
seconds. Lines of JSON come in, `{"arguments": [...], "room": -1, "environment": {...}}`, and go out, `{"code", "out",
"err"}`.
"""

import contextlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


class Commander:
    """A process that runs commands.

    Args:
        environment: Its environment variables, beside those of this process.
        log: File for what is not said by a command, such as what libraries log when they are imported.
    """

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with log.open("w") as file:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env={**os.environ, **environment},
                text=True,
            )

    def __call__(self, *arguments: object, room: int = -1, **environment: str) -> Outcome:
        """Run a command, with some environment variables set as long as it runs.

        Args:
            arguments: Of the command line; or ``-c`` and a program, as Python takes it.
            room: Bytes that a file may have, as if the disk were full then.
            environment: The variables.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        words = [str(argument) for argument in arguments]
        call = {"arguments": words, "room": room, "environment": environment}
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process of the command line has died"
        return Outcome(**json.loads(answer))

    def arguments(self) -> bytes:
        """Of the process, as everybody on the machine can read them."""
        return Path(f"/proc/{self._process.pid}/cmdline").read_bytes()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _serve() -> None:
    from i2i.cli import main
    from i2i_hub import client

    sleep = time.sleep
    time.sleep = lambda seconds: sleep(float(seconds) / 100)  # nothing is learnt from a second between attempts
    client.TIMEOUT, client.RETRY = 2.0, replace(client.RETRY, sleep=time.sleep)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # so that nothing but answers goes there
    for line in sys.stdin:
        call: dict[str, Any] = json.loads(line)
        before = dict(os.environ)
        os.environ.update(call["environment"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (call["room"], -1))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(call["arguments"]) if call["arguments"][0] != "-c" else exec(call["arguments"][1], {})
                code = 0
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else int(left.code is not None)
            except Exception:
                traceback.print_exc()
                code = 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
        os.environ.clear()
        os.environ.update(before)
        answers.write(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
