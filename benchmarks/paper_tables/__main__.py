"""Command line: trains what is not trained yet, judges it, and writes tables and pictures."""

import argparse
import json
from pathlib import Path
from typing import Any

import paper_tables
from i2i.config import Mode
from paper_tables import judging, pictures, report, streets
from paper_tables.cells import PROFILES, Cell, Profile, cells
from paper_tables.tables import tables
from paper_tables.training import costs, finished, run_folder, train_all


def main() -> None:
    said = parsed()
    profile = PROFILES[said.profile]
    folder = (said.out / "streets").resolve()
    said.out.mkdir(parents=True, exist_ok=True)
    streets.prepare_streets(said.camvid, folder, profile.size)
    chosen = cells(profile)
    if not said.trained:
        train_all(chosen, said.seeds, profile, folder, said.out, said.processes)
    done = finished(said.out)
    runs = {
        cell: [run for seed in said.seeds if (run := run_folder(said.out, cell, seed)).name in done] for cell in chosen
    }
    write_results(runs, profile, streets.tested(folder), folder, said)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m paper_tables",
        description=paper_tables.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("camvid", type=Path, help="folder of CamVid: SPLIT/photo/*.jpg, and SPLIT/labels/*.png of ids")
    parser.add_argument("out", type=Path, help="folder of everything that is made")
    parser.add_argument("--judge", type=Path, required=True, help="what `i2i judge train` made of CamVid at this size")
    parser.add_argument("--profile", choices=PROFILES, default="small")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--processes", type=int, default=2, help="runs at a time")
    parser.add_argument("--mode", choices=["paper", "deterministic", "running"], default="paper")
    parser.add_argument("--trained", action="store_true", help="train nothing more, and judge the runs that are there")
    return parser.parse_args()


def write_results(
    runs: dict[Cell, list[Path]], profile: Profile, tested: streets.Tested, folder: Path, said: argparse.Namespace
) -> None:
    """Judge the runs of each cell, and write ``tables.md``, ``tables.json`` and ``pictures``."""
    mode: Mode = said.mode
    out: Path = said.out
    kept = out / mode
    judges = {to_labels: judging.Judge(tested, to_labels, said.judge) for to_labels in (False, True)}
    judged: dict[str, list[dict[str, Any]]] = {}
    first = {}
    for cell, trained in runs.items():
        judge = judges[cell.to_labels]
        judged[cell.name] = [
            judging.judge_run(run, cell, tested, judge, kept, mode, further=run == trained[0]) for run in trained
        ]
        if trained:
            first[cell.name] = judging.made_by(trained[0], cell, tested, kept / "made", mode)
        print(f"{cell.name}: {len(trained)} runs are judged", flush=True)
    references = judging.references(tested, folder, judges, out)
    found = tables(profile)
    took = report.took(costs(out), len(runs) * len(said.seeds))
    (out / "tables.md").write_text(f"{report.page(found, judged, references)}\n\n{took}\n")
    (out / "tables.json").write_text(json.dumps(report.as_json(found, judged, references), indent=1) + "\n")
    pictures.draw(first, tested, profile, out / "pictures")


if __name__ == "__main__":
    main()
