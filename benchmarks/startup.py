"""CPU time of ``i2i --help`` over that of ``python -c pass``, and what it imports: ``python startup.py``."""

import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence

RUNS = 9
HELP = "import sys; from i2i.cli import main; sys.argv = ['i2i', '--help']; main()"
LISTED = (
    "import contextlib, io, sys\nfrom i2i.cli import main\n"
    "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main(['--help'])\n"
    "print(*sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
)


def main() -> None:
    # in turn, so that a drift of the machine meets both
    rounds = [(cpu_seconds("pass"), cpu_seconds(HELP)) for _ in range(RUNS)]
    bare, helped = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(
        f"python -c pass  {bare * 1e3:.0f} ms\ni2i --help      {helped * 1e3:.0f} ms, {helped / bare:.1f} times as much"
    )
    print("imports        ", run(LISTED, capture=True).strip())


def cpu_seconds(code: str) -> float:
    before = used()
    run(code)
    return used() - before


def used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(code: str, capture: bool = False) -> str:
    command: Sequence[str] = (sys.executable, "-c", code)
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE if capture else subprocess.DEVNULL)
    return done.stdout or ""


if __name__ == "__main__":
    main()
