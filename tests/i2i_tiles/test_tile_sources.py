from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pmtiles.tile import TileType
from tile_maps import SIDE, TILES, ZOOM, png, two_maps, write_mbtiles, write_pmtiles, write_tree

from i2i.errors import DataError, UsageError
from i2i_tiles import sources
from i2i_tiles.sources import Place
from i2i_tiles.stores import MBTiles, PMTiles, TileFolder
from i2i_tiles.web import WebTiles

Stored = TileFolder | MBTiles | PMTiles
AERIAL, _ = two_maps()
ALL = frozenset((x, y) for x in range(TILES) for y in range(TILES))


@pytest.fixture(params=["tree", "tms", "mbtiles", "pmtiles"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Stored:
    if request.param == "mbtiles":
        return MBTiles(write_mbtiles(tmp_path / "a b?#.mbtiles", AERIAL))
    if request.param == "pmtiles":
        return PMTiles(write_pmtiles(tmp_path / "a.pmtiles", AERIAL))
    tms = request.param == "tms"
    return TileFolder(write_tree(tmp_path, AERIAL, tms=tms), "tms" if tms else "xyz")


def test_every_store_has_each_tile_in_its_place(source: Stored) -> None:
    assert source.zooms() == (ZOOM, ZOOM)
    assert source.coverage(ZOOM) == (0, 0, TILES, TILES, ALL)
    for x, y in ALL:
        place = Place(ZOOM, x, y)
        assert source.has(place)
        patch = source.patch(place)
        assert np.array_equal(patch.pixels, AERIAL[y * SIDE : (y + 1) * SIDE, x * SIDE : (x + 1) * SIDE])
        assert patch.filled.all()


def test_every_store_knows_what_it_has_not(source: Stored) -> None:
    assert not source.has(Place(ZOOM + 1, 0, 0))
    assert not source.has(Place(ZOOM, TILES, 0))
    assert source.coverage(ZOOM + 1).listed == frozenset()


def test_a_file_of_very_many_tiles_is_not_listed(source: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_LISTED", TILES**2 - 1)
    if not isinstance(source, TileFolder):  # whose names are in memory anyway
        with pytest.raises(UsageError, match=f"has {TILES**2} tiles at zoom {ZOOM}"):
            source.coverage(ZOOM)


def test_archives_say_whose_they_are(tmp_path: Path) -> None:
    said: dict[str, Any] = {"attribution": '<a href="https://x.org">&copy; X</a>  people', "license": "CC0"}
    mbtiles = MBTiles(write_mbtiles(tmp_path / "a.mbtiles", AERIAL, **said))
    pmtiles = PMTiles(write_pmtiles(tmp_path / "a.pmtiles", AERIAL, **said))
    assert mbtiles.credit == pmtiles.credit == ("CC0", "© X people")


def test_vector_tiles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="vector"):
        MBTiles(write_mbtiles(tmp_path / "a.mbtiles", AERIAL, format="pbf"))
    with pytest.raises(DataError, match="vector"):
        PMTiles(write_pmtiles(tmp_path / "a.pmtiles", AERIAL, TileType.MVT))


@pytest.mark.parametrize("damage", [b"", b"SQLite format 3\0", b"PMTiles\x03", b"nonsense" * 100])
def test_a_damaged_archive_is_one_clear_error(damage: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(damage)
    with pytest.raises(DataError, match="'a'"):
        MBTiles(file).zooms()
    with pytest.raises(DataError, match="'a'"):
        PMTiles(file)


def test_an_archive_that_is_cut_off_is_one_clear_error(tmp_path: Path) -> None:
    file = write_pmtiles(tmp_path / "a.pmtiles", AERIAL)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(DataError, match="cut off"):
        PMTiles(file).data(Place(ZOOM, 0, TILES - 1)), PMTiles(file).data(Place(ZOOM, TILES - 1, 0))


def test_other_files_in_a_tree_do_not_matter_unless_they_are_the_same_tile(tmp_path: Path) -> None:
    write_tree(tmp_path, AERIAL)
    for name in ("0/0.png.aux.xml", "0/x.png", "0/99.png", "x/0.png", "0/-1.png"):
        file = tmp_path / str(ZOOM) / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    assert TileFolder(tmp_path, "xyz").coverage(ZOOM).listed == ALL
    (tmp_path / str(ZOOM) / "0" / "0.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="the same tile"):
        TileFolder(tmp_path, "xyz").coverage(ZOOM)
    with pytest.raises(UsageError, match="no tiles"):
        TileFolder(tmp_path / str(ZOOM) / "x", "xyz").zooms()


def test_transparency_is_white_and_without_data_and_gray_becomes_colour(tmp_path: Path) -> None:
    clear = np.dstack([AERIAL[:SIDE, :SIDE], np.full((SIDE, SIDE), 255, np.uint8)])
    clear[:, :8, 3] = 0
    for name, pixels in (("0", clear), ("1", AERIAL[:SIDE, :SIDE, :1])):
        file = tmp_path / "1" / "0" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(pixels))
    patch, gray = (TileFolder(tmp_path, "xyz").patch(Place(1, 0, y)) for y in (0, 1))
    assert not patch.filled[:, :8].any()
    assert patch.filled[:, 8:].all()
    assert (patch.pixels[:, :8] == 255).all()
    assert np.array_equal(patch.pixels[:, 8:], AERIAL[:SIDE, 8:SIDE])
    assert np.array_equal(gray.pixels, AERIAL[:SIDE, :SIDE, :1].repeat(3, axis=2))


@pytest.mark.parametrize(
    ("address", "scheme", "expected"),
    [
        ("https://x.org/{z}/{x}/{y}.png", "xyz", "https://x.org/5/3/7.png"),
        ("https://x.org/{z}/{x}/{y}.png", "tms", "https://x.org/5/3/24.png"),
        ("https://x.org/{z}/{x}/{-y}.png", "xyz", "https://x.org/5/3/24.png"),
        ("https://x.org/{z}/{x}/{-y}.png", "tms", "https://x.org/5/3/24.png"),
        ("https://x.org/{x}/{y}?k={z}", "xyz", "https://x.org/3/7?k=5"),
    ],
)
def test_addresses_are_filled_in(address: str, scheme: str, expected: str, tmp_path: Path) -> None:
    assert WebTiles(address, scheme, tmp_path).url(Place(5, 3, 7)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://x.org/{z}/{x}.png", "does not say where"),
        ("https://{s}.x.org/{z}/{x}/{y}.png", "Give one server"),
        ("https://{z}.x.org/{x}/{y}.png", "in its host"),
        ("https://x.org/{z}/{x}/{y}/{style}.png", "{style}"),
    ],
)
def test_an_address_that_says_too_little_is_refused(address: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        WebTiles(address, "xyz", tmp_path)


def test_a_provider_is_known_by_name(tmp_path: Path) -> None:
    pytest.importorskip("xyzservices")
    source = WebTiles("xyz:USGS.USImagery", "xyz", tmp_path)
    assert "U.S. Geological Survey" in source.credit.attribution
    assert source.url(Place(5, 3, 7)).endswith("/5/7/3")
    for name, message in (
        ("No.Such", "no provider"),
        ("USGS.USImagry", "Did you mean 'USGS.USImagery'"),
        ("MapBox", "needs a key"),
    ):
        with pytest.raises(UsageError, match=message):
            WebTiles(f"xyz:{name}", "xyz", tmp_path)
