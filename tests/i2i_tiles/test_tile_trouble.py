"""What is wrong with some tiles costs those tiles and no others, and is said in words."""

import sqlite3
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from map_files import TILES, ZOOM, tiles_of, two_maps, write_mbtiles, write_pmtiles, write_tree
from scripted_server import Request, Server, http

from i2i.errors import DataError, UsageError
from i2i_tiles import sources
from i2i_tiles.stores import MBTiles, PMTiles
from i2i_tiles.tiles import Tiles

AERIAL, DRAWN = two_maps()
WHOLE: dict[str, Any] = {"split_by": "none"}


def made_and_damaged(*sources: Path) -> tuple[int, int]:
    """How many pairs can be made, and how many cannot."""
    preparer = Tiles(**WHOLE)
    counts = Counter[bool]()
    for item in preparer.find([str(source) for source in sources], lambda done, total: None).items:
        try:
            preparer.make(item)
            counts[True] += 1
        except DataError:
            counts[False] += 1
    return counts[True], counts[False]


@pytest.mark.parametrize("content", [b"", b"<html>Sorry</html>"])
def test_tiles_with_the_same_damage_in_many_places_are_rejected_and_stop_nothing(
    content: bytes, tmp_path: Path
) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    for x in range(5):
        (b / str(ZOOM) / str(x) / "6.png").write_bytes(content)
    assert made_and_damaged(a, b) == (TILES**2 - 5, 5)


def test_what_is_no_tile_in_a_tree_does_not_matter(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    (b / str(ZOOM) / "9").write_text("a file where a column would be")
    (b / str(ZOOM) / "3" / "4.png").unlink()
    (b / str(ZOOM) / "3" / "4.png").mkdir()
    finding = Tiles(**WHOLE).find([str(a), str(b)], lambda done, total: None)
    assert [(left.name, left.reason) for left in finding.left_out] == [(f"{ZOOM}/3/4", "missing-in-b")]


@pytest.mark.parametrize("nothing", [None, "", "a text"])
def test_a_row_of_mbtiles_without_bytes_is_a_damaged_tile(nothing: str | None, tmp_path: Path) -> None:
    a, b = write_mbtiles(tmp_path / "a.mbtiles", AERIAL), write_mbtiles(tmp_path / "b.mbtiles", DRAWN)
    with sqlite3.connect(b) as database:
        database.execute("UPDATE tiles SET tile_data = ? WHERE tile_column = 2", (nothing,))
    database.close()
    assert made_and_damaged(a, b) == (TILES**2 - TILES, TILES)


def test_a_file_of_very_many_tiles_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores: list[MBTiles | PMTiles] = [
        MBTiles(write_mbtiles(tmp_path / "a.mbtiles", AERIAL), "a"),
        PMTiles(write_pmtiles(tmp_path / "a.pmtiles", AERIAL), "a"),
    ]
    monkeypatch.setattr(sources, "MAX_LISTED", TILES**2 - 1)
    for store in stores:
        with pytest.raises(UsageError, match=f"has {TILES**2} tiles at zoom {ZOOM}"):
            store.coverage(ZOOM)


def from_server(tmp_path: Path, **options: Any) -> dict[str, Any]:
    return {"contact": "me@example.org", "cache": tmp_path / "cache", **WHOLE, **options}


def test_an_address_that_has_no_tile_at_all_is_asked_about(tmp_path: Path, server: Server) -> None:
    server.answer = lambda request: http(404)
    tree = write_tree(tmp_path / "a", AERIAL)
    with pytest.raises(DataError, match=r"64 missing-in-b\. Is the address right\?"):
        Tiles(**from_server(tmp_path)).find(
            [str(tree), f"http://127.0.0.1:{server.port}/{{z}}/{{x}}/{{y}}"], lambda done, total: None
        )


def test_facts_say_on_which_days_tiles_were_fetched(tmp_path: Path, server: Server) -> None:
    tiles = {f"/{ZOOM}/{x}/{y}": data for x, y, data in tiles_of(DRAWN)}

    def answer(request: Request) -> bytes:
        return http(200, tiles[request.target], Content_Type="image/png") if request.target in tiles else http(404)

    server.answer = answer
    tree = write_tree(tmp_path / "a", AERIAL)
    address = f"http://127.0.0.1:{server.port}/{{z}}/{{x}}/{{y}}"
    before = datetime.now(UTC).date().isoformat()
    facts = Tiles(**from_server(tmp_path)).find([str(tree), address], lambda done, total: None).facts
    first, last = facts["fetched"]
    assert before <= first <= last <= datetime.now(UTC).date().isoformat()
    assert "fetched" not in Tiles(**WHOLE).find([str(tree), str(tree)], lambda done, total: None).facts


def test_a_forecast_knows_that_this_computer_is_asked_without_pauses(tmp_path: Path, server: Server) -> None:
    tree = write_tree(tmp_path / "a", AERIAL)
    here = f"http://127.0.0.1:{server.port}/{{z}}/{{x}}/{{y}}"
    assert "64 tiles to fetch, without pauses, and 1.3 MB" in Tiles(**from_server(tmp_path)).plan([str(tree), here])
    there = "https://tiles.example.org/{z}/{x}/{y}"
    for rate, told in ((1.0, "about 64 s at 1 a second"), (0.01, "about 107 min"), (0.001, "about 17.8 h")):
        assert told in Tiles(**from_server(tmp_path, rate=rate)).plan([str(tree), there])
