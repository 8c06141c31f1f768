"""What a translation takes on this machine, by the model and by a file: each in a process of its own."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from i2i import safe_json
from i2i.errors import I2iError

STATUS = Path("/proc/self/status")
RUNS, SECONDS = 30, 20.0
"""Translations that are timed, and for how long at most."""


class Cost(NamedTuple):
    """Of one picture of the training's size."""

    median: float
    """Seconds."""
    slow: float
    """Seconds that 19 of 20 stay below."""
    memory: int
    """Bytes by which the process grew, at most, from before it opened the model; 0 where the system does not say."""


def cost_of(told: Mapping[str, Any]) -> Cost:
    """Measure in a new process.

    Args:
        told: ``model``, the folder, ``to``, ``mode`` and ``plugin_files``; and of a file besides ``format``,
            ``options``, ``file`` and ``bare``.

    Raises:
        I2iError: If the process fails, with what it says last.
    """
    command = [sys.executable, "-m", "i2i.exporting.cost", json.dumps(dict(told))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise I2iError(f"Measuring time and memory failed: {last}. Say --no-measure to export without.")
    found = safe_json.load(done.stdout.splitlines()[-1])
    times = np.array(found["times"])
    return Cost(float(np.quantile(times, 0.5)), float(np.quantile(times, 0.95)), int(found["memory"]))


def timed(run: Callable[[], object]) -> list[float]:
    """Run something often, after two times that are not counted; returns seconds."""
    run()
    run()
    times = list[float]()
    end = time.monotonic() + SECONDS
    while len(times) < RUNS and (len(times) < 3 or time.monotonic() < end):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times


def peak() -> int:
    """Return how large this process has been, in bytes; 0 where the system does not say."""
    if STATUS.exists():  # what `getrusage` says begins on Linux with what the process had that started this one
        found = re.search(r"^VmHWM:\s*(\d+) kB", STATUS.read_text(), re.M)
        return 1024 * int(found[1]) if found else 0
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(arguments: Sequence[str]) -> None:
    """Measure what the one argument tells, as JSON, and print what was found."""
    told = safe_json.load(arguments[0])
    from i2i.exporting.parity import draw
    from i2i.options import build
    from i2i.plugin_files import load_plugin_file
    from i2i.plugins import lookup
    from i2i.translation.exports import to_pictures
    from i2i.translation.model import read_config
    from i2i.translation.translator import Translator

    for file in told["plugin_files"]:
        load_plugin_file(Path(file))
    config = read_config(Path(told["model"]))
    field = config.fields[told["source"]]
    drawn = draw(field, config.size, 0)
    if "format" in told:
        exporter = build(lookup("exporter", told["format"]).cls, options=told["options"], owner=told["format"])
        given = drawn.numpy() if told["bare"] else to_pictures(drawn, field)
        before = peak()
        opened = exporter.open(Path(told["file"]))
        times = timed(lambda: opened(given))
    else:
        before = peak()
        translator = Translator.load(told["model"], told["to"], mode=told["mode"], device="cpu", precision="float32")
        picture = to_pictures(drawn, field)[0]
        given_values = translator.given({told["source"]: [picture]})
        times = timed(lambda: translator.render([given_values]))
    print(json.dumps({"times": times, "memory": peak() - before}))


if __name__ == "__main__":
    main(sys.argv[1:])
