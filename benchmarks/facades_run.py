"""The paper's facades run, timed and judged: ``facades_run.py FOLDER --out DIR``.

400 pairs, 200 epochs, batch 1, 256 px: 80,000 steps of pix2pix from labels to photos (Isola et al. 2017, appendix 6.2),
of each seed in two forms: ``fast`` as i2i computes on this device by itself, and ``eager`` in float32 without a set on
the device and without a recorded step. FOLDER has ``train`` and ``val`` of images A|B, photo left, labels right.

It prints where the time went, L1 and KID of the last models on ``val``, and whether the first two forms can be told
apart: the record, which is written to ``DIR/record.json`` too. Validation and checkpoints come every tenth of the run.

``--forms float32 bf16 --size 128 --steps 2000 --set generator.depth=7`` shows what bf16 costs in quality, also on a CPU
that computes in it by itself (AMX); others emulate it, many times slower.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import mean, stdev
from typing import Any
from unittest.mock import patch

import torch

import i2i
from i2i.config import merge
from i2i.training.reporting import Reporter
from i2i.training.trainer import Trainer

PAPER_STEPS = 80_000
GOAL = 180.0
"""Seconds of one run in which it is to be done on an H200."""
FORMS: dict[str, dict[str, dict[str, Any]]] = {
    "fast": {},
    "eager": {"training": {"precision": "float32", "capture": False}, "data": {"cache": "none"}},
    "float32": {"training": {"precision": "float32"}},
    "bf16": {"training": {"precision": "bf16"}},
}
PARTS = {"_validate": "validating", "_draw": "drawing", "_save": "saving"}
"""Methods of the trainer, and what their time is called; what is left of a run are its steps."""
FIGURES = {"l1": "L1", "kid-lite0": "KID"}


class Heard(Reporter):
    """Notes when a run was ready to begin, and what it said."""

    def __init__(self) -> None:
        self.ready = 0.0
        self.said: list[str] = []

    def started(self, facts: Mapping[str, str], done: int, total: int) -> None:
        self.ready = time.perf_counter()
        print("    " + "; ".join(f"{name}: {facts[name]}" for name in ("data", "device") if name in facts), flush=True)

    def warned(self, text: str) -> None:
        self.said.append(text)
        print(f"    {text}", flush=True)


def main() -> None:
    said = parsed()
    record: dict[str, Any] = {"machine": machine(said.device), "steps": said.steps, "size": said.size, "set": said.set}
    print(record["machine"], flush=True)
    runs = []
    for seed in said.seeds:
        for form in said.forms:
            runs.append(trained(form, seed, said))
            print(f"  {form}, seed {seed}: {one_line(runs[-1])}", flush=True)
            judge([run for run in runs if "figures" not in run], said)
            record["runs"] = runs
            (said.out / "record.json").write_text(json.dumps(record, indent=1) + "\n")
    print("\n".join(table(runs)))
    print("\n".join(verdicts(runs, said.steps, said.size)))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("facades", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of everything that is made")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--forms", choices=FORMS, nargs="+", default=["fast", "eager"])
    parser.add_argument("--steps", type=int, default=PAPER_STEPS)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--set", nargs="*", default=[], metavar="SECTION.OPTION=VALUE", help="further settings")
    said = parser.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    return said


def machine(device: str) -> str:
    """Say what computes."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() and device != "cpu" else "no GPU"
    processor = f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    return f"{gpu}; {processor}; torch {torch.__version__}; i2i {i2i.__version__}"


def trained(form: str, seed: int, said: argparse.Namespace) -> dict[str, Any]:
    """Train one run, and return where its time went."""
    out, tenth = said.out / f"{form}-seed-{seed}", max(1, said.steps // 10)
    settings = {
        "dataset": {"direction": "BtoA"},
        "validation": {"every": tenth},
        "training": {"checkpoint_every": tenth},
    }
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    spent, heard, began = dict.fromkeys(PARTS.values(), 0.0), Heard(), time.perf_counter()
    with timed(spent):
        i2i.train(
            "pix2pix",
            said.facades,
            out,
            config=merge([settings, FORMS[form]]),
            set=said.set,
            steps=said.steps,
            size=said.size,
            seed=seed,
            device=said.device,
            reporter=heard,
        )
    whole = time.perf_counter() - began
    steps = whole - (heard.ready - began) - sum(spent.values())
    seconds = {"setting up": heard.ready - began, "steps": steps, **spent, "all": whole}
    peak = torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None
    return {"form": form, "seed": seed, "run": str(out), "seconds": seconds, "said": heard.said, "peak MiB": peak}


@contextmanager
def timed(spent: dict[str, float]) -> Iterator[None]:
    """Add up the time of the `PARTS`, each without that of the others in it."""
    inner = [0.0]

    def wrapped(method: Callable[..., Any], part: str) -> Callable[..., Any]:
        def work(*given: Any, **options: Any) -> Any:
            inner.append(0.0)
            began = time.perf_counter()
            try:
                return method(*given, **options)
            finally:
                took = time.perf_counter() - began
                spent[part] += took - inner.pop()
                inner[-1] += took

        return work

    with ExitStack() as stack:
        for name, part in PARTS.items():
            stack.enter_context(patch.object(Trainer, name, wrapped(getattr(Trainer, name), part)))
        yield


def judge(runs: Sequence[dict[str, Any]], said: argparse.Namespace) -> None:
    """Measure the last models of runs on held-out pairs."""
    for run in runs:
        found = i2i.evaluate(
            Path(run["run"]) / "model-last",
            said.facades,
            split="val",
            metric=list(FIGURES),
            references=False,
            device=said.device,
        )
        (model,) = found.models
        run["figures"] = {FIGURES[name]: figure.value for name, figure in model.figures.items()}
        run["notes"] = found.notes


def one_line(run: Mapping[str, Any]) -> str:
    return ", ".join(f"{part} {seconds:.1f} s" for part, seconds in run["seconds"].items())


def table(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lay out where the time went and how good the models are, in Markdown."""
    parts, figures = list(runs[0]["seconds"]), list(FIGURES.values())
    lines = ["", f"| form | seed | {' | '.join(f'{part}, s' for part in parts)} | {' | '.join(figures)} |"]
    lines.append("| --- " * (2 + len(parts) + len(figures)) + "|")
    for run in runs:
        seconds = [f"{run['seconds'][part]:.1f}" for part in parts]
        values = [f"{run['figures'][name]:.4g}" if name in run["figures"] else "-" for name in figures]
        lines.append(f"| {run['form']} | {run['seed']} | {' | '.join([*seconds, *values])} |")
    return lines


def verdicts(runs: Sequence[Mapping[str, Any]], steps: int, size: int) -> Iterator[str]:
    """Say what the runs come to."""
    of: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs:
        of.setdefault(run["form"], []).append(run)
    for form, own in of.items():
        seconds = [run["seconds"]["all"] for run in own]
        a_step = 1000 * mean(run["seconds"]["steps"] for run in own) / steps
        yield f"{form}: {mean(seconds):.1f} s a run, {a_step:.3g} ms a step"
        if (form, steps, size) == ("fast", PAPER_STEPS, 256):
            kept = "within" if max(seconds) <= GOAL else "not within"
            yield f"{form}: the slowest run took {max(seconds):.0f} s, {kept} {GOAL:.0f} s"
    for name in FIGURES.values():
        values: dict[str, list[float]] = {
            form: [run["figures"][name] for run in own if name in run["figures"]] for form, own in of.items()
        }
        for form, found in values.items():
            if found:
                yield f"{name} of {form}: {mean(found):.4g}" + (f" ± {stdev(found):.2g}" if len(found) > 1 else "")
        compared = [found for found in values.values() if len(found) > 1][:2]
        if len(compared) == 2:
            far = abs(mean(compared[0]) - mean(compared[1]))
            within = "within" if far <= max(map(stdev, compared)) else "beyond"
            yield f"{name}: the means are {far:.2g} apart, {within} the larger standard deviation"


if __name__ == "__main__":
    main()
