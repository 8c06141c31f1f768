"""A Ray run on two simulated nodes, of which one worker and then one node are killed: the same bytes as a local run.

python benchmarks/ray_cluster.py [--photos 3000]
"""

import argparse
import hashlib
import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np

from i2i.preparation import prepare


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def workers_at_work() -> list[int]:
    """Process ids of Ray workers that are busy with a shard."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::do_shard" in (place / "cmdline").read_bytes() and place.stat().st_uid == os.getuid():
                found.append(int(place.name))
        except OSError:
            continue
    return found


def main() -> None:
    import ray
    from ray.cluster_utils import Cluster

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=3000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = folder / "photos"
        source.mkdir()
        for number in range(given.photos):
            coarse = np.random.default_rng(number).integers(0, 256, (12, 12, 3), np.uint8)
            cv2.imwrite(str(source / f"{number:05}.jpg"), cv2.resize(coarse, (640, 480)))
        options = {"size": 128, "method": "canny"}
        prepare("edges", [source], folder / "local", options=options, workers=2)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        node = cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False)
        killed: list[str] = []

        def disturb() -> None:
            while not (busy := workers_at_work()):
                time.sleep(0.05)
            os.kill(busy[0], signal.SIGKILL)
            killed.append("worker")
            time.sleep(2)
            cluster.remove_node(node, allow_graceful=False)
            killed.append("node")

        thread = threading.Thread(target=disturb)
        thread.start()
        report = prepare("edges", [source], folder / "ray", options=options, engine="ray")
        done = time.monotonic()
        thread.join()
        late = time.monotonic() - done > 1
        print(f"{report.made} of {given.photos} made; killed: {', '.join(killed)}{' (too late)' if late else ''}")
        print(f"same bytes as the local run: {tree(folder / 'ray') == tree(folder / 'local')}")
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
