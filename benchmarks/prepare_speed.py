"""The runner beside bare loops of the same codecs, as ratios within one run, from CPU and wall clock.

    python benchmarks/prepare_speed.py [--photos 200] [--hed 12]

Goals: `resize` and `concat` of 1500x1000 JPEG at 0.85 of the bare loop, two workers 1.8 times as fast as one, `concat`
of 512x256 halves equal to OpenCV in a multiprocessing.Pool, `edges --method hed` at 1.2 of the bare network in
eager mode. Wall clock means something on idle cores only; the load is printed with it. A second table has what one
worker does in a second, and the bytes that it reads and writes for that: the figures of "Ten million images" in
docs/scale.md.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from photographs import photographs
from rich.console import Console
from rich.table import Table

from i2i.images import geometry, read
from i2i.preparation import prepare
from i2i.system import pool


class Cost(NamedTuple):
    wall: float
    cpu: float
    """Seconds, of this process and its children."""


def measured(work: Callable[[], object]) -> Cost:
    def cpu() -> float:
        return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

    before, start = cpu(), time.perf_counter()
    work()
    return Cost(time.perf_counter() - start, cpu() - before)


def make_photos(folder: Path, count: int, width: int, height: int, suffix: str) -> Path:
    """Make cuts of real photographs, all different."""
    folder.mkdir()
    sources = [geometry.resize(pixels, 1200, 1800) for _, pixels in photographs(1800)]
    rng = np.random.default_rng(0)
    for number in range(count):
        source = sources[number % len(sources)]
        y, x = rng.integers(0, 1200 - height + 1), rng.integers(0, 1800 - width + 1)
        cv2.imwrite(str(folder / f"{number:05}{suffix}"), source[y : y + height, x : x + width, ::-1])
    return folder


def bare_resize(files: Sequence[Path], out: Path) -> None:
    """Decode, cut square, reduce, encode, write: what `resize` writes, and nothing else."""
    out.mkdir()
    for file in files:
        pixels = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        small = cv2.resize(_square(pixels), (256, 256), interpolation=cv2.INTER_AREA)
        (out / f"{file.stem}.png").write_bytes(cv2.imencode(".png", small)[1].tobytes())


def bare_concat(a: Sequence[Path], b: Sequence[Path], out: Path) -> None:
    for half in ("a", "b"):
        (out / half).mkdir(parents=True)
    for pair in zip(a, b, strict=True):
        decoded = [cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR) for file in pair]
        small = [cv2.resize(_square(pixels), (256, 256), interpolation=cv2.INTER_AREA) for pixels in decoded]
        _write_pair(out, pair[0].stem, *small)


def _square(pixels: Any) -> Any:
    side = min(pixels.shape[:2])
    y, x = ((length - side) // 2 for length in pixels.shape[:2])
    return pixels[y : y + side, x : x + side]


def _write_pair(out: Path, stem: str, a: Any, b: Any) -> None:
    for half, pixels in (("a", a), ("b", b)):
        (out / half / f"{stem}.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


def join(job: tuple[str, str, str]) -> None:
    """Join as the script does that people use: `combine_A_and_B.py` of pytorch-CycleGAN-and-pix2pix in its essence."""
    a, b, out = job
    cv2.setNumThreads(1)
    cv2.imwrite(out, cv2.hconcat([_opened(a), _opened(b)]))


def _opened(file: str) -> Any:
    return cv2.imread(file)


def plain_script(a: Sequence[Path], b: Sequence[Path], out: Path, processes: int) -> None:
    out.mkdir()
    jobs = [(str(x), str(y), str(out / f"{x.stem}.png")) for x, y in zip(a, b, strict=True)]
    with get_context("spawn").Pool(processes) as pool:
        pool.map(join, jobs)


def bare_network(files: Sequence[Path], size: int, border: int) -> None:
    import torch

    from i2i_prepare.hed_weights import load_hed

    torch.set_num_threads(1)
    network = load_hed()
    images = [geometry.fit(read(file).pixels, size, "crop") for file in files]
    with torch.inference_mode():
        for image in images:
            padded = np.pad(image, ((border, border), (border, border), (0, 0)), mode="reflect")
            network(torch.from_numpy(padded).permute(2, 0, 1)[None].float())


class Bench:
    """Rows of the table, each a ratio of two costs.

    Args:
        folder: Everything is written below it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.table = Table("what", "ours, CPU s", "other, CPU s", "ratio, CPU", "ours, s", "other, s", "ratio", "goal")
        self.rates = Table("one worker", "a second", "kB read for each", "kB written for each")
        self.written = 0
        """Bytes of the images that the runner made last."""

    def runner(self, name: str, sources: Sequence[Path], workers: int, **options: Any) -> Cost:
        out = self.folder / "out"
        settings = {"layout": options.pop("layout")} if "layout" in options else {}
        settings["options"], settings["workers"] = options, workers

        def work() -> None:
            report = prepare(name, sources, out, **settings)
            assert not report.rejected, report.rejected

        cost = measured(work)
        self.written = sum(file.stat().st_size for file in out.rglob("*.png"))
        shutil.rmtree(out)
        return cost

    def loop(self, work: Callable[..., None], *arguments: Any) -> Cost:
        cost = measured(lambda: work(*arguments, self.folder / "bare"))
        shutil.rmtree(self.folder / "bare")
        return cost

    def add(self, what: str, ours: Cost, other: Cost, goal: float) -> None:
        figures = (ours.cpu, other.cpu, other.cpu / ours.cpu, ours.wall, other.wall, other.wall / ours.wall, goal)
        self.table.add_row(what, *(f"{figure:.2f}" for figure in figures))

    def add_rate(self, what: str, cost: Cost, sources: Sequence[Path]) -> None:
        """Add figures of what the runner made last: how many in a second, and the bytes of each.

        Args:
            what: What was done.
            cost: Of all but the first, which is counted as a part of the start.
            sources: Folders of which one file each was read for each.
        """
        files = [file for folder in sources for file in folder.iterdir()]
        count = len(files) // len(sources)
        read = sum(file.stat().st_size for file in files)
        sizes = (f"{total / count / 1000:.0f}" for total in (read, self.written))
        self.rates.add_row(what, f"{(count - 1) / cost.wall:.2f}", *sizes)


def listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--hed", type=int, default=12)
    given = parser.parse_args()
    pool.CONTEXT = get_context("spawn")  # of workers that a server forks, no processor time is counted here
    cv2.setNumThreads(1)
    console = Console(width=150)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        bench = Bench(folder)
        large = [make_photos(folder / name, given.photos, 1500, 1000, ".jpg") for name in ("a", "b")]
        files = [listed(each) for each in large]
        # what starting a worker costs is paid once whatever there is to do; one photograph tells how much
        one = make_photos(folder / "one", 1, 1500, 1000, ".jpg")
        start = bench.runner("resize", [one], 1, size=256)
        console.print(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores; start {start.wall:.2f} s, not counted")

        def steady(cost: Cost) -> Cost:
            return Cost(cost.wall - start.wall, cost.cpu - start.cpu)

        single = steady(bench.runner("resize", large[:1], 1, size=256))
        bench.add_rate("resize", single, large[:1])
        bench.add("resize, 1 worker / bare loop", single, bench.loop(bare_resize, files[0]), 0.85)
        concat = steady(bench.runner("concat", large, 1, size=256))
        bench.add_rate("concat", concat, large)
        bench.add("concat, 1 worker / bare loop", concat, bench.loop(bare_concat, *files), 0.85)
        bench.add("resize, 2 workers / 1", steady(bench.runner("resize", large[:1], 2, size=256)), single, 1.8)
        for suffix in (".png", ".jpg"):
            count = 5 * given.photos  # so that the start of the processes does not decide
            small = [make_photos(folder / f"{name}{suffix}", count, 256, 256, suffix) for name in ("a", "b")]
            ours = bench.runner("concat", small, 2, layout="ab")
            halves = listed(small[0]), listed(small[1])
            script = measured(lambda: plain_script(*halves, folder / "script", 2))  # noqa: B023
            shutil.rmtree(folder / "script")
            bench.add(f"concat of 256x256 {suffix}, 2 processes, with start / plain script", ours, script, 1.0)
        some = make_photos(folder / "some", given.hed, 600, 400, ".jpg")
        first = make_photos(folder / "first", 1, 600, 400, ".jpg")
        hed_start = bench.runner("edges", [first], 1, size=256)
        hed = bench.runner("edges", [some], 1, size=256)
        network = measured(lambda: bare_network(listed(some), 256, 64))
        alone = measured(lambda: bare_network(listed(first), 256, 64))
        ours, other = (
            Cost(cost.wall - begin.wall, cost.cpu - begin.cpu) for cost, begin in ((hed, hed_start), (network, alone))
        )
        bench.add("edges --method hed, 1 worker / bare network", ours, other, 1.2)
        bench.add_rate("edges --method hed", ours, [some])
        console.print(bench.table, bench.rates)
        console.print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
