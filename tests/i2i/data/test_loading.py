from pathlib import Path

import pytest
import torch
from loaded_batches import assert_equal, batches

from i2i.errors import I2iError


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_do_not_depend_on_the_number_of_workers(pairs_folder: Path, workers: int) -> None:
    assert_equal(batches(pairs_folder, workers=workers), batches(pairs_folder))


@pytest.mark.parametrize("start", [1, 2, 5])
def test_starting_anywhere_gives_the_rest_of_the_same_batches(pairs_folder: Path, start: int) -> None:
    assert_equal(batches(pairs_folder, start=start), batches(pairs_folder)[start:])


def test_every_epoch_visits_every_pair_once_in_another_order(pairs_folder: Path) -> None:
    visited = [name for loaded in batches(pairs_folder, stop=6) for name in loaded.names]  # 4 + 2 pairs an epoch
    epochs = [visited[i : i + 6] for i in (0, 6, 12)]
    assert all(sorted(epoch) == [f"{i:02}" for i in range(6)] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_another_seed_is_another_order(pairs_folder: Path) -> None:
    assert [b.names for b in batches(pairs_folder)] != [b.names for b in batches(pairs_folder, seed=1)]


def test_loading_draws_nothing_from_the_generator_that_dropout_uses(pairs_folder: Path) -> None:
    before = torch.get_rng_state()
    batches(pairs_folder, workers=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_values_are_in_range_and_sources_are_negatives_of_targets(pairs_folder: Path) -> None:
    for loaded in batches(pairs_folder, stop=2):
        source, target = loaded.batch["source"], loaded.batch["target"]
        assert source.abs().max() <= 1
        # resizing rounds each half to whole levels on its own
        torch.testing.assert_close(source, -target, atol=2.01 / 255, rtol=0)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_image_is_one_line_even_from_a_worker(pairs_folder: Path, workers: int) -> None:
    (pairs_folder / "train" / "imageB" / "03.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    with pytest.raises(I2iError, match=r"03\.png") as refusal:
        batches(pairs_folder, workers=workers)
    assert "\n" not in str(refusal.value)
