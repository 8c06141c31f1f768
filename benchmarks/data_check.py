"""What `i2i data check` costs: against a bare loop that only reads and decodes the same files with OpenCV.

The share of decoding is the CPU time of that loop, the mean of one before and one after, over that of all processes of
the check, with their starts, the listing of the folders and the sizes that generators take.

    python benchmarks/data_check.py FOLDER [PAIRS]

Makes PAIRS pairs (10,000 when not given) of 256x256 in FOLDER where there are none, half JPEG and half PNG.
"""

import resource
import sys
import time
from multiprocessing import forkserver
from pathlib import Path

import cv2
import numpy as np

from i2i_doctor.examination import examine

WORKERS = 2


def make(folder: Path, pairs: int) -> None:
    """Make pairs of blobs and their edges; as costly to decode as photographs of that size."""
    for number in range(pairs):
        rng = np.random.default_rng(number)
        split = folder / ("val" if number % 10 == 0 else "train")
        layers = [cv2.resize(rng.normal(size=(n, n, 3)) / n**0.6, (256, 256)) for n in (4, 16, 64, 256)]
        photo = np.clip(128 + 60 * np.sum(layers, axis=0), 0, 255).astype(np.uint8)
        edges = 255 - cv2.Canny(photo, 100, 200)
        for half, suffix, pixels in (("imageA", ".png", edges), ("imageB", ".jpg" if number % 2 else ".png", photo)):
            (split / half).mkdir(parents=True, exist_ok=True)
            (split / half / f"{number:06}{suffix}").write_bytes(cv2.imencode(suffix, pixels)[1].tobytes())


def bare(folder: Path) -> float:
    """Measure the CPU seconds of reading and decoding every file, one thread."""
    started = time.process_time()
    for file in folder.glob("*/image?/*"):
        assert cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED) is not None
    return time.process_time() - started


def cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def main() -> None:
    folder, pairs = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    if not folder.exists():
        make(folder, pairs)
    cv2.setNumThreads(1)
    loops = [bare(folder)]
    before = [cpu(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    examination = examine(folder, workers=WORKERS)
    forkserver._forkserver._stop()  # type: ignore[attr-defined]  # its children's time counts once it was waited for
    main_cpu, workers_cpu = (
        cpu(who) - start for who, start in zip((resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN), before, strict=True)
    )
    loops.append(bare(folder))
    loop = sum(loops) / 2
    peak = {
        name: resource.getrusage(who).ru_maxrss / 1024
        for name, who in (("main process", resource.RUSAGE_SELF), ("largest worker", resource.RUSAGE_CHILDREN))
    }
    print(f"decoding        {loop / (workers_cpu + main_cpu):8.2f} of all CPU time")
    print(f"{sum(examination.pairs.values())} pairs, {examination.counts}")
    print(f"wall            {examination.seconds:8.1f} s with {WORKERS} workers")
    print(f"CPU, workers    {workers_cpu:8.1f} s")
    print(f"CPU, main       {main_cpu:8.1f} s")
    print(f"CPU, bare loop  {loop:8.1f} s")
    for name, mebibytes in peak.items():
        print(f"peak, {name:14}{mebibytes:8.0f} MiB")


if __name__ == "__main__":
    main()
