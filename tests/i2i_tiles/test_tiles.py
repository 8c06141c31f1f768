"""Pairs of places, the same from every kind of store."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_server import Server
from tile_maps import (
    AERIAL,
    DRAWN,
    SIDE,
    TILES,
    ZOOM,
    find,
    png,
    serve,
    with_server,
    write_mbtiles,
    write_plain,
    write_pmtiles,
    write_tree,
)

from i2i import images, safe_yaml
from i2i.errors import DataError, I2iError, MissingInputError, UsageError
from i2i.pairs import Finding
from i2i.preparation import prepare
from i2i_tiles.tiles import Tiles


def by_place(preparer: Tiles, finding: Finding) -> dict[tuple[int, int], tuple[bytes, bytes, str | None]]:
    """Column and row of each pair, what it looks like and its split."""
    pairs: dict[tuple[int, int], tuple[bytes, bytes, str | None]] = {}
    for item in finding.items:
        pair = preparer.make(item)
        place = item.metadata["x"], item.metadata["y"]
        pairs[place] = (pair.source.tobytes(), pair.target.tobytes(), item.split)
    return pairs


def test_every_way_in_gives_the_same_pairs(
    trees: tuple[Path, Path], tmp_path: Path, server: Server, canary: Server
) -> None:
    plain = Tiles(size=SIDE, test=0.2)
    expected = by_place(plain, find(plain, *write_plain(tmp_path, AERIAL, DRAWN)))
    assert len(expected) == TILES * (TILES - 2)  # two of the eight rows are the buffer
    assert Counter(split for *_, split in expected.values()) == {"test": 2 * TILES, "val": TILES, "train": 3 * TILES}
    other = canary  # a second server
    ways: dict[str, tuple[object, object]] = {
        "tree": trees,
        "mbtiles": (write_mbtiles(tmp_path / "a.mbtiles", AERIAL), write_mbtiles(tmp_path / "b.mbtiles", DRAWN)),
        "pmtiles": (write_pmtiles(tmp_path / "a.pmtiles", AERIAL), write_pmtiles(tmp_path / "b.pmtiles", DRAWN)),
        "server": (serve(server, AERIAL), serve(other, DRAWN)),
        "mixed": (tmp_path / "a.pmtiles", tmp_path / "b.mbtiles"),
    }
    for way, sources in ways.items():
        preparer = with_server(tmp_path, zoom=ZOOM, test=0.2, aoi="-180,-85.06,180,85.06")
        assert by_place(preparer, find(preparer, *sources)) == expected, way


def test_rows_can_be_counted_from_the_south_on_either_side(trees: tuple[Path, Path], tmp_path: Path) -> None:
    plain, tms = Tiles(), Tiles(scheme_b="tms")
    pairs = by_place(tms, find(tms, trees[0], write_tree(tmp_path, DRAWN, tms=True)))
    assert pairs == by_place(plain, find(plain, *trees))


def test_tiles_are_stitched_without_a_seam(tmp_path: Path) -> None:
    stitching = Tiles(stitch=2, split_by="none")
    finding = find(stitching, write_tree(tmp_path / "a", AERIAL), write_mbtiles(tmp_path / "b.mbtiles", DRAWN))
    assert len(finding.items) == (TILES // 2) ** 2
    for item in finding.items:
        top, left = item.metadata["y"] * SIDE, item.metadata["x"] * SIDE
        part = slice(top, top + 2 * SIDE), slice(left, left + 2 * SIDE)
        pair = stitching.make(item)
        assert np.array_equal(pair.source, AERIAL[part])
        assert np.array_equal(pair.target, DRAWN[part])


def test_stitched_cells_that_stick_out_of_the_world_are_not_made(trees: tuple[Path, Path]) -> None:
    finding = find(Tiles(stitch=3, split_by="none"), *trees)
    assert len(finding.items) == (TILES // 3) ** 2
    assert not finding.left_out


def test_the_area_of_interest_keeps_cells_whose_middle_is_inside(trees: tuple[Path, Path]) -> None:
    finding = find(Tiles(aoi="0,0,90,80", split_by="none"), *trees)  # two columns; of the rows, none beyond 80 degrees
    assert {item.metadata["x"] for item in finding.items} == {4, 5}
    assert {item.metadata["y"] for item in finding.items} == {1, 2, 3}
    assert finding.facts["aoi"] == "0,0,90,80"


def test_facts_and_metadata_say_where_everything_is(tmp_path: Path) -> None:
    said: dict[str, Any] = {"attribution": "(c) X", "license": "CC0"}
    finding = find(
        Tiles(stitch=2, size=SIDE, split_by="lon"),
        write_mbtiles(tmp_path / "a.mbtiles", AERIAL, **said),
        write_pmtiles(tmp_path / "b.pmtiles", DRAWN, attribution="(c) Y", license="CC0"),
    )
    assert (finding.licence, finding.attribution) == ("CC0", "(c) X; (c) Y")
    facts = finding.facts
    assert facts["metres_per_pixel"] == pytest.approx(40075016.68 / (TILES / 2) / SIDE, abs=0.1)
    assert facts["split"] == {"by": "lon", "buffer": 1}
    first = finding.items[0]
    assert first.name == f"{ZOOM}/2/0"  # the first column touches the last one, which is for validation
    assert first.metadata["bbox"] == pytest.approx([-90, 66.51326, 0, 85.05113], abs=1e-5)
    assert json.loads(json.dumps([first.key, first.metadata, facts])) == [first.key, first.metadata, facts]


@pytest.mark.parametrize(
    ("sources", "options", "error", "message"),
    [
        (["a.png"], {}, UsageError, "Two maps"),
        (["a.png", "none.png"], {}, MissingInputError, "none.png"),
        (["a.png", "b.png"], {"split_by": "geojson"}, UsageError, "belong together"),
        (["a.png", "b.png"], {"split_area": Path("a.json")}, UsageError, "belong together"),
        (["a.png", "b.png"], {"val": 0.5, "test": 0.5}, UsageError, "leave nothing for training"),
        (["a.png", "small.png"], {}, DataError, "one size"),
        (["a.png", "tree"], {}, UsageError, "where on Earth it lies"),
        (["a.png", "b.png"], {"zoom": 3}, UsageError, "no zoom"),
        (["a.png", "b.png"], {"aoi": "0,0,1,1"}, UsageError, "where on Earth"),
        (["tree", "tree"], {"zoom": 2}, DataError, "No whole picture"),
        (["tree", "tree"], {"aoi": "0,0,0.1,0.1"}, DataError, "No whole picture"),
        (["https://a.org/{z}/{x}/{y}"] * 2, {"aoi": "0,0,9,9"}, UsageError, "--zoom"),
        (["https://a.org/{z}/{x}/{y}"] * 2, {"zoom": 3}, UsageError, "--aoi"),
        (["https://a.org/{z}/{x}/{y}"] * 2, {"zoom": 24, "aoi": "0,0,90,80"}, UsageError, "too many to look at"),
        (["https://a.org/{z}/{x}/{y}", "tree"], {}, UsageError, "--contact"),
    ],
)
def test_what_cannot_work_is_one_clear_error(
    sources: list[str],
    options: dict[str, Any],
    error: type[I2iError],
    message: str,
    trees: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_plain(tmp_path, AERIAL, DRAWN)
    Path("small.png").write_bytes(png(AERIAL[:-1]))
    Path("tree").symlink_to(trees[0])
    with pytest.raises(error, match=message):
        find(Tiles(cache=tmp_path / "cache", **options), *sources)


def test_a_dataset_of_tiles_says_where_its_pairs_are_and_what_is_left_out(tmp_path: Path) -> None:
    drawn = DRAWN.copy()
    drawn[4 * SIDE : 5 * SIDE, :SIDE] = 10
    sources = [write_tree(tmp_path / "a", AERIAL), write_mbtiles(tmp_path / "b.mbtiles", drawn)]
    report = prepare("tiles", sources, tmp_path / "out", workers=1, options={"test": 0.2})
    assert report.made == TILES * (TILES - 2) - 1
    assert report.skipped == {"blank": 1, "buffer": 2 * TILES}
    card = safe_yaml.load((tmp_path / "out" / "dataset.yaml").read_text(), "dataset.yaml")
    assert "web-mercator" in json.dumps(card)
    first = json.loads((tmp_path / "out" / "train" / "metadata.jsonl").read_text().splitlines()[0])
    assert first["zoom"] == ZOOM
    stored = images.read(tmp_path / "out" / "train" / first["imageA_file_name"]).pixels
    top, left = first["y"] * SIDE, first["x"] * SIDE
    assert np.array_equal(stored, AERIAL[top : top + SIDE, left : left + SIDE])


WITHOUT_EXTRA = """
import sys
for library in ("pmtiles", "protego", "rasterio", "shapely", "xyzservices"):
    sys.modules[library] = None  # as if it were not installed
from i2i.errors import UsageError
from i2i_tiles.tiles import Tiles
print(Tiles(size=64).plan(["a.png", "b.png"]))
tree = Tiles(split_by="none")
print(tree.plan(["tree", "tree"]))
for sources, options in (
    (["tree", "xyz:USGS.USImagery"], {}),
    (["tree", "https://a.org/{z}/{x}/{y}"], {"zoom": 3, "contact": "me@a.org"}),
    (["tree", "a.pmtiles"], {}),
    (["tree", "tree"], {"aoi": "0,0,90,80"}),
):
    try:
        Tiles(**options).plan(sources)
    except UsageError as error:
        print(error)
"""


def test_without_the_extra_images_and_folders_are_cut_and_all_else_names_it(
    trees: tuple[Path, Path], tmp_path: Path
) -> None:
    write_plain(tmp_path, AERIAL, DRAWN)
    (tmp_path / "tree").symlink_to(trees[0])
    write_pmtiles(tmp_path / "a.pmtiles", AERIAL)
    script = [sys.executable, "-c", WITHOUT_EXTRA]
    lines = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0].startswith(f"{TILES * (TILES - 1)} pairs at most")
    assert lines[2].startswith(f"{TILES**2} pairs at most")
    assert len(lines) == 7
    assert all("pip install 'i2i-toolkit[geo]'" in line for line in lines[3:])
