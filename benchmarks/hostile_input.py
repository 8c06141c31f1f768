"""Everything that hurts, in numbers: a hostile folder, bombs, and hostile YAML. Linux only.

python benchmarks/hostile_input.py [--mutants 6000] [--seed 0]

The files are those of ``tests/standins/hostile_*.py``, which the tests use too, with fewer mutants. The command fails
where a figure is above its limit.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "standins"))

import hostile_folder
from hostile_documents import DOCUMENTS
from hostile_files import BOMBS, ENDLESS, READABLE, SPARSE, peak_memory

from i2i import plugins, safe_yaml
from i2i.errors import UsageError
from i2i.images import ImageError, read

MAX_WORKER = 600e6
MAX_FILE = 5.0
MAX_GROWTH = 64e6
MAX_BOMB = 0.2
MAX_ENDLESS = 1.0
MAX_DOCUMENT = 0.1


def folder(mutants: int, seed: int) -> bool:
    installed = plugins.Plugins()
    installed.register(hostile_folder.Plugin(), "hostile")
    plugins.installed = lambda group: installed  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as place:
        trial = hostile_folder.tried(Path(place), mutants=mutants, seed=seed)
    fates = Counter({"made": trial.report.made, "skipped": sum(trial.report.skipped.values())})
    fates.update({reason: len(names) for reason, names in trial.report.rejected.items()})
    print(f"hostile folder: {mutants} mutants of seed {seed}, {len(trial.fates) - mutants} other files")
    print(", ".join(f"{fate} {count}" for fate, count in fates.most_common()))
    print(f"most memory of the worker {trial.memory / 1e6:.0f} MB, slowest file {trial.slowest:.2f} s")
    print(f"wrong: {len(trial.wrong)}", *trial.wrong[:20], sep="\n  ")
    return not trial.wrong and trial.memory <= MAX_WORKER and trial.slowest <= MAX_FILE


def bombs() -> bool:
    print("bomb, kB, growth in MB, ms, outcome")
    fine = True
    for name, make in BOMBS.items():
        data = make()
        with peak_memory() as peak:
            start = time.monotonic()
            try:
                read(data)
                outcome = "read"
            except ImageError as error:
                outcome = error.reason
            seconds = time.monotonic() - start
        print(f"{name}, {len(data) / 1e3:.0f}, {peak.bytes / 1e6:.1f}, {1e3 * seconds:.1f}, {outcome}")
        fine &= peak.bytes <= MAX_GROWTH
        fine &= name in READABLE or (seconds <= MAX_BOMB and outcome == "too-large")
    return fine


def endless() -> bool:
    """Make files that keep parsers busy, and files of 4 GiB that take no room on disk."""
    print("endless or sparse, growth in MB, ms, outcome")
    fine = True
    with tempfile.TemporaryDirectory() as place:
        files = {name: make() for name, make in ENDLESS.items()} | {f"sparse {name}": SPARSE[name] for name in SPARSE}
        for name, data in files.items():
            path = Path(place, "photo.png")
            path.write_bytes(data)
            if name.startswith("sparse"):
                os.truncate(path, 2**32)
            with peak_memory() as peak:
                start = time.monotonic()
                try:
                    read(path)
                    outcome = "read"
                except ImageError as error:
                    outcome = error.reason
                seconds = time.monotonic() - start
            print(f"{name}, {peak.bytes / 1e6:.1f}, {1e3 * seconds:.1f}, {outcome}")
            fine &= seconds <= MAX_ENDLESS and outcome != "read"
    return fine


def documents() -> bool:
    slowest, accepted = 0.0, []
    for name, (text, _) in DOCUMENTS.items():
        start = time.monotonic()
        try:
            safe_yaml.load(text, name)
            accepted.append(name)
        except UsageError:
            slowest = max(slowest, time.monotonic() - start)
    print(f"hostile YAML: {len(DOCUMENTS)} documents, the slowest took {1e3 * slowest:.1f} ms, accepted: {accepted}")
    return slowest <= MAX_DOCUMENT and not accepted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    fine = [bombs(), endless(), documents(), folder(given.mutants, given.seed)]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
