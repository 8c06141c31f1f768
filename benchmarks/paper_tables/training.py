"""Trains cells for seeds, several runs at a time, each by ``i2i train`` in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from i2i.training.folder import RunFolder
from paper_tables.cells import Cell, Profile, run_settings

COSTS = "costs.jsonl"
"""One line for each process that trained: its run, exit status, and seconds of wall and CPU."""


def run_folder(out: Path, cell: Cell, seed: int) -> Path:
    """Return the folder of a run."""
    return out / "runs" / f"{cell.name}-seed-{seed}"


def train_all(
    cells: Sequence[Cell], seeds: Sequence[int], profile: Profile, streets: Path, out: Path, processes: int
) -> None:
    """Train what is not trained yet, every cell of a seed before any of the next; what was stopped goes on.

    Args:
        cells: What to train.
        seeds: Seeds of each cell.
        profile: At which size.
        streets: The dataset folder.
        out: Folder of everything that is made.
        processes: Runs at a time.

    Raises:
        SystemExit: If a run has failed, once those beside it have ended.
        KeyboardInterrupt: At Ctrl-C, when the runs have saved what they did.
    """
    (out / "runs").mkdir(parents=True, exist_ok=True)
    done = finished(out)
    waiting = [(cell, seed) for seed in seeds for cell in cells if run_folder(out, cell, seed).name not in done]
    pool = ThreadPoolExecutor(processes)
    try:
        for line in pool.map(lambda run: _train(run[0], run[1], profile, streets, out), waiting):
            print(line, flush=True)
    finally:
        pool.shutdown(cancel_futures=True)


def finished(out: Path) -> set[str]:
    """Return the names of runs that have come to their end."""
    return {cost["run"] for cost in costs(out) if cost["status"] == 0}


def costs(out: Path) -> list[dict[str, Any]]:
    """Return what each process that trained has cost."""
    file = out / COSTS
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _train(cell: Cell, seed: int, profile: Profile, streets: Path, out: Path) -> str:
    folder = run_folder(out, cell, seed)
    command = [sys.executable, "-m", "i2i", "train", "--quiet"]
    if RunFolder(folder).has_progress():
        command += ["--resume", str(folder)]
    else:
        config = out / "runs" / f"{folder.name}.yaml"
        config.write_text(yaml.safe_dump(run_settings(cell, profile, str(streets), seed)))
        command += ["--config", str(config), "--out", str(folder)]
    waiting = {"OMP_WAIT_POLICY": "passive"}  # threads that spin would take the CPU from the runs beside them
    log, begun = out / "runs" / f"{folder.name}.txt", time.time()
    with log.open("ab") as said:
        process = subprocess.Popen(command, env={**waiting, **os.environ}, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = status = os.waitstatus_to_exitcode(status)
    spent = {"wall": time.time() - begun, "cpu": used.ru_utime + used.ru_stime}
    cost = {"run": folder.name, "status": status} | spent
    with (out / COSTS).open("a") as file:
        file.write(json.dumps(cost) + "\n")
    if status:
        raise SystemExit(f"{folder.name} has stopped: see {log}. Begin again to go on.")
    return f"{folder.name}: {spent['wall']:.0f} s, of CPU {spent['cpu']:.0f} s"
