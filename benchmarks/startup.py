"""CPU time until a command does what it is for.

    python startup.py
    python startup.py DATA MODEL IMAGE

The first: ``i2i --help`` over ``python -c pass``, and what it imports. The second besides: what `i2i translate` of one
image, and `i2i train` to the end of its first step with a tiny network, take over ``import torch``; and all that
`i2i data check` takes, with its workers, the second time, when it knows what generators say.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

RUNS = 9
SLOW_RUNS = 3
HELP = "import sys; from i2i.cli import main; sys.argv = ['i2i', '--help']; main()"
LISTED = (
    "import contextlib, io, sys\nfrom i2i.cli import main\n"
    "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main(['--help'])\n"
    "print(*sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
)


COMMAND = """
import sys
if __name__ == "__main__":
    from i2i.cli import main
    sys.argv = ["i2i", *{arguments!r}]
    main()
"""
TO_FIRST_STEP = """
import os, sys
from i2i.training.trainer import Trainer
Trainer._record = lambda *_, **__: os._exit(0)
from i2i.cli import main
sys.argv = ["i2i", *{arguments!r}]
main()
"""
TINY = ["--steps", "9", "--set", "generator.base_channels=4", "--set", "discriminator.base_channels=4"]


def commands(data: str, model: str, image: str) -> None:
    """Measure the commands, each in a process of its own, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        place = count()

        def out() -> str:
            return str(Path(folder, str(next(place))))

        ways: dict[str, Callable[[], float]] = {
            "import torch": lambda: cpu_seconds("import torch"),
            "translate": lambda: in_file(folder, COMMAND, ["translate", model, image, "--out", out()]),
            "train": lambda: in_file(
                folder,
                TO_FIRST_STEP,
                ["train", "--plugin", "pix2pix", "--data", data, "--out", out(), "--set", "data.workers=0", *TINY],
            ),
            "data check": lambda: in_file(folder, COMMAND, ["data", "check", data, "--out", out()]),
        }
        for measure in ways.values():  # leaves bytecode, and what the check is to know
            measure()
        rounds = [{way: measure() for way, measure in ways.items()} for _ in range(SLOW_RUNS)]
    seconds = {way: statistics.median(each[way] for each in rounds) for way in ways}
    for way, taken in seconds.items():
        over = f", {taken - seconds['import torch']:+.2f} over import torch" if way in ("translate", "train") else ""
        print(f"{way:14} {taken:.2f} s{over}")


def in_file(folder: str, code: str, arguments: Sequence[str]) -> float:
    """Measure a program that is a file, as programs are that start processes."""
    program = Path(folder, "program.py")
    program.write_text(code.format(arguments=list(arguments)))
    return cpu_seconds(program)


def main() -> None:
    with tempfile.TemporaryDirectory() as bytecode:
        # as where it is installed, whatever this environment says of bytecode
        os.environ["PYTHONPYCACHEPREFIX"] = bytecode
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        measure_all()


def measure_all() -> None:
    # in turn, so that a drift of the machine meets both
    rounds = [(cpu_seconds("pass"), cpu_seconds(HELP)) for _ in range(RUNS)]
    bare, helped = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(
        f"python -c pass  {bare * 1e3:.0f} ms\ni2i --help      {helped * 1e3:.0f} ms, {helped / bare:.1f} times as much"
    )
    print("imports        ", run(LISTED, capture=True).strip())
    if len(sys.argv) > 1:
        commands(*sys.argv[1:])


def cpu_seconds(code: str | Path) -> float:
    before = used()
    run(code)
    return used() - before


def used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(code: str | Path, capture: bool = False) -> str:
    command: Sequence[str] = (sys.executable, str(code)) if isinstance(code, Path) else (sys.executable, "-c", code)
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE if capture else subprocess.DEVNULL)
    return done.stdout or ""


if __name__ == "__main__":
    main()
