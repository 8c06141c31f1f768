"""What is written beside steps is what was there when it was added, and nothing else waits for it."""

import errno
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from i2i.errors import ContractError, DiskFullError
from i2i.training import snapshot as snapshots
from i2i.training import tensor_file
from i2i.training.snapshot import Snapshot
from i2i.training.tensor_file import TensorFile


def network(value: float) -> dict[str, Tensor]:
    """Weights, and a statistic that a forward pass changes."""
    return {"weight": torch.full((4, 3), float(value)), "mean": torch.full((3,), float(value))}


def learned(**networks: Mapping[str, Tensor]) -> dict[str, list[Tensor]]:
    return {name: [tensors["weight"]] for name, tensors in networks.items()}


def test_networks_are_written_in_the_order_of_their_updates_and_each_update_waits_for_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, soon = network(1), network(2)
    gates = {"late": threading.Event(), "soon": threading.Event()}
    write = TensorFile.write

    def gated(file: TensorFile) -> None:
        assert gates[file.path.name].wait(10)
        write(file)

    monkeypatch.setattr(TensorFile, "write", gated)
    with Snapshot(learned(soon=soon, late=late)) as snapshot:
        folder = snapshot.folder(tmp_path / "saved")
        files = {name: snapshot.add(folder, name, tensors) for name, tensors in {"late": late, "soon": soon}.items()}
        waiting = {name: threading.Thread(target=snapshot.wait, args=([name],)) for name in ("soon", "late", "other")}
        for each in (threading.Thread(target=snapshot.write), *waiting.values()):
            each.start()
        waiting["soon"].join(0.05)
        assert waiting["soon"].is_alive()
        gates["soon"].set()
        waiting["soon"].join(10)
        assert files["soon"].path.exists()
        waiting["other"].join(0.05)
        assert waiting["late"].is_alive()
        assert waiting["other"].is_alive()  # it may change any of them
        gates["late"].set()
        for each in waiting.values():
            each.join(10)
            assert not each.is_alive()
        assert files["late"].path.exists()


@pytest.mark.parametrize(("copied", "at_once"), [(12, False), (11, True)])
def test_what_a_forward_pass_changes_is_copied_where_it_is_little_and_else_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copied: int, at_once: bool
) -> None:
    monkeypatch.setattr(snapshots, "COPIED", copied)
    saved = network(1)
    with Snapshot(learned(network=saved)) as snapshot:
        folder = snapshot.folder(tmp_path / "saved")
        file = snapshot.add(folder, "network", saved)
        assert file.path.exists() == at_once
        saved["mean"] += 1
        snapshot.write()
        snapshot.wait(["network"])
        saved["weight"] += 1
        torch.testing.assert_close(load_file(file.path), network(1), rtol=0, atol=0)


def test_what_changes_at_any_time_is_written_at_once(tmp_path: Path) -> None:
    with Snapshot(learned(network=network(1))) as snapshot:
        pool = {"kept": torch.zeros(3)}
        assert snapshot.add(snapshot.folder(tmp_path / "saved"), "pool", pool).path.exists()


def test_what_is_needed_twice_is_one_file(tmp_path: Path) -> None:
    saved = network(1)
    with Snapshot(learned(network=saved)) as snapshot:
        one, other = (snapshot.folder(tmp_path / name) for name in ("one", "other"))
        assert snapshot.add(one, "a", saved) is snapshot.add(other, "b", dict(reversed(saved.items())))
        snapshot.write()
        assert one.path("a").samefile(other.path("b"))


def test_weights_that_change_without_waiting_are_not_saved(tmp_path: Path) -> None:
    saved = network(1)
    with Snapshot(learned(network=saved)) as snapshot:
        snapshot.add(snapshot.folder(tmp_path / "saved"), "network", saved)
        saved["weight"].clamp_(max=0.5)
        with pytest.raises(ContractError, match=r"'weight' of network was changed while it was saved"):
            snapshot.write()


def test_where_writing_fails_nothing_is_left_and_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fills_the_disk(tensors: Mapping[str, Tensor]) -> Iterator[memoryview]:
        yield memoryview(b"some")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tensor_file, "pieces", fills_the_disk)
    saved = network(1)

    def fill() -> None:
        with Snapshot(learned(network=saved)) as snapshot:
            waiting = threading.Thread(target=snapshot.wait, args=(["network"],))
            waiting.start()
            threads.append(waiting)
            for name in ("one", "other"):
                snapshot.add(snapshot.folder(tmp_path / name), name, {name: saved["weight"]})
            snapshot.write()

    threads = list[threading.Thread]()
    with pytest.raises(DiskFullError, match=r"one' needs 4 bytes or more"):
        fill()
    threads[0].join(10)
    assert not threads[0].is_alive()
    assert list(tmp_path.iterdir()) == []
