"""Runs the command line of i2i in a process of its own, which has read its environment before it imports anything.

The client of the Hub reads its address when it is imported. One process serves many calls, since to import torch takes
seconds. Lines of JSON come in, `{"arguments": [...], "environment": {...}}`, and go out, `{"code", "out", "err"}`.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
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
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
        )

    def __call__(self, *arguments: object, **environment: str) -> Outcome:
        """Run a command, with some environment variables set as long as it runs."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        call = {"arguments": [str(argument) for argument in arguments], "environment": environment}
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process of the command line has died"
        return Outcome(**json.loads(answer))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _serve() -> None:
    from i2i.cli import main

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # so that nothing but answers goes there
    for line in sys.stdin:
        call: dict[str, Any] = json.loads(line)
        before = dict(os.environ)
        os.environ.update(call["environment"])
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(call["arguments"])
                code = 0
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else int(left.code is not None)
        os.environ.clear()
        os.environ.update(before)
        answers.write(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
