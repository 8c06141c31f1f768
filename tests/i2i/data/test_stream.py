import random
from collections import OrderedDict
from itertools import groupby, pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loaded_batches import assert_equal, batches
from pyarrow import parquet as pq

from i2i.data.batches import KeyedBatches
from i2i.data.dataset import Pairs
from i2i.data.order import BlockCache, visits, windows
from i2i.pairs import Block, PairStream

blocks_of_any_kind = st.lists(st.builds(Block, st.integers(0, 9), st.integers(1, 50)), max_size=12)


@pytest.fixture
def streamed(pairs_folder: Path, tmp_path: Path) -> Path:
    """The pairs of the folder in two Parquet files, two pairs in each row group."""
    rows = {
        column: [file.read_bytes() for file in sorted((pairs_folder / "train" / column).iterdir())]
        for column in ("imageA", "imageB")
    }
    folder = tmp_path / "parquet"
    folder.mkdir()
    table = pa.table(rows)
    for number in range(2):
        part = table.slice(3 * number, 3)
        pq.write_table(part, folder / f"train-{number:05}-of-00002.parquet", row_group_size=2)
    return folder


@given(blocks_of_any_kind, st.integers(0, 200), st.integers(1, 120))
def test_an_epoch_visits_every_pair_once_and_can_be_entered_anywhere(
    blocks: list[Block], start: int, limit: int
) -> None:
    whole = list(visits(1, 2, blocks, limit=limit))
    assert sorted(whole) == list(range(sum(block.pairs for block in blocks)))
    assert list(visits(1, 2, blocks, start, limit=limit)) == whole[start:]


@given(blocks_of_any_kind, st.integers(1, 120))
def test_a_window_fits_into_memory_unless_one_block_does_not(blocks: list[Block], limit: int) -> None:
    for window in windows(0, 0, blocks, limit):
        assert len(window) == 1 or sum(blocks[block].size for block in window) <= limit


@given(blocks_of_any_kind, st.integers(1, 120), st.integers(0, 3))
def test_every_block_is_read_once_an_epoch(blocks: list[Block], limit: int, epoch: int) -> None:
    read: list[int] = []
    cache = BlockCache(lambda number: read.append(number), blocks, limit=limit)
    owners = [number for number, block in enumerate(blocks) for _ in range(block.pairs)]
    for pair in visits(0, epoch, blocks, limit=limit):
        cache[owners[pair]]
    assert sorted(read) == sorted(set(owners))


@given(st.lists(st.integers(0, 9)), st.integers(1, 60))
def test_the_cache_keeps_what_was_used_last_within_its_limit(asked: list[int], limit: int) -> None:
    blocks = [Block(1, 1 + 7 * number) for number in range(10)]
    read: list[int] = []

    def load(number: int) -> int:
        read.append(number)
        return number

    cache = BlockCache(load, blocks, limit=limit)
    expected: list[int] = []
    kept: OrderedDict[int, int] = OrderedDict()  # a model of the cache: sizes by number, the oldest first
    for number in asked:
        assert cache[number] == number
        if number not in kept:
            expected.append(number)
            while kept and sum(kept.values()) + blocks[number].size > limit:
                kept.popitem(last=False)
        kept[number] = blocks[number].size
        kept.move_to_end(number)
    assert read == expected


def test_a_set_that_fits_into_a_window_is_shuffled_as_a_whole() -> None:
    blocks = [Block(50, 10)] * 20
    order = list(visits(0, 0, blocks))
    # of an order that keeps neighbours together, most steps stay within a block; of a whole shuffle one in twenty
    staying = sum(a // 50 == b // 50 for a, b in pairwise(order))
    assert staying < 100


def test_epochs_and_seeds_differ() -> None:
    blocks = [Block(5, 10)] * 4
    orders = {tuple(visits(seed, epoch, blocks, limit=20)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


@given(blocks_of_any_kind.filter(lambda blocks: any(block.pairs for block in blocks)), st.integers(1, 7))
def test_batches_from_any_step_are_the_rest_of_all_batches(blocks: list[Block], batch_size: int) -> None:
    length = sum(block.pairs for block in blocks)
    steps = 3 * -(-length // batch_size)
    whole = list(KeyedBatches(7, length, batch_size, 0, steps, blocks))
    assert len(whole) == steps
    assert sorted(key for batch in whole for key in batch) == [
        (epoch, pair) for epoch in range(3) for pair in range(length)
    ]
    start = random.Random(length).randrange(steps)
    assert list(KeyedBatches(7, length, batch_size, start, steps, blocks)) == whole[start:]


@pytest.mark.parametrize("workers", [1, 2])
def test_streamed_batches_do_not_depend_on_the_number_of_workers(streamed: Path, workers: int) -> None:
    assert_equal(batches(streamed, workers=workers), batches(streamed))


def test_a_streamed_set_goes_on_from_any_step(streamed: Path) -> None:
    whole = batches(streamed)
    for start in (1, 2, 5):
        assert_equal(batches(streamed, start=start), whole[start:])


def test_the_row_groups_of_parquet_files_are_the_blocks(streamed: Path) -> None:
    pairs = Pairs(streamed, "train")
    assert isinstance(pairs, PairStream)
    assert [block.pairs for block in pairs.blocks] == [2, 1, 2, 1]
    order = list(visits(0, 0, pairs.blocks, limit=1))
    groups = [{0: 0, 1: 0, 2: 1, 3: 2, 4: 2, 5: 3}[pair] for pair in order]
    assert len([group for group, _ in groupby(groups)]) == 4  # with room for one, none is come back to
