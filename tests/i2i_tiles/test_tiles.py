import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from map_files import SIDE, TILES, ZOOM, png, tiles_of, two_maps, write_mbtiles, write_pmtiles, write_tree
from scripted_server import Request, Server, http

from i2i import safe_yaml
from i2i.errors import DataError, I2iError, MissingInputError, UsageError
from i2i.net import UnsafeUrlError
from i2i.pairs import Finding, Item, Pair, Pixels, SkipError
from i2i.preparation import prepare
from i2i_tiles import gathering
from i2i_tiles.terms import ForbiddenError
from i2i_tiles.tiles import Tiles

AERIAL, DRAWN = two_maps()
PLAIN: dict[str, Any] = {"size": SIDE}


def nothing(done: int, total: int) -> None:
    pass


def find(preparer: Tiles, *sources: object) -> Finding:
    return preparer.find([str(source) for source in sources], nothing)


def write_plain(folder: Path, *rasters: Pixels) -> list[str]:
    files = []
    for letter, raster in zip("ab", rasters, strict=True):
        (folder / f"{letter}.png").write_bytes(png(raster))
        files.append(str(folder / f"{letter}.png"))
    return files


def serve(server: Server, raster: Pixels, *, tms: bool = False) -> str:
    tiles = {f"/{ZOOM}/{x}/{TILES - 1 - y if tms else y}": data for x, y, data in tiles_of(raster)}

    def answer(request: Request) -> bytes:
        data = tiles.get(request.target.partition("?")[0])
        return http(404) if data is None else http(200, data, Content_Type="image/png")

    server.answer = answer
    return f"http://127.0.0.1:{server.port}/{{z}}/{{x}}/{{y}}"


def with_server(tmp_path: Path, **options: Any) -> Tiles:
    return Tiles(contact="me@example.org", cache=tmp_path / "cache", **options)


def by_place(preparer: Tiles, finding: Finding) -> dict[tuple[int, int], tuple[bytes, bytes, str | None]]:
    """Column and row of each pair, what it looks like and its split."""
    pairs: dict[tuple[int, int], tuple[bytes, bytes, str | None]] = {}
    for item in finding.items:
        pair = preparer.make(item)
        place = item.metadata["x"], item.metadata["y"]
        pairs[place] = (pair.source.tobytes(), pair.target.tobytes(), item.split)
    return pairs


def test_every_way_in_gives_the_same_pairs(tmp_path: Path, server: Server, canary: Server) -> None:
    plain = Tiles(size=SIDE, test=0.2)
    expected = by_place(plain, find(plain, *write_plain(tmp_path, AERIAL, DRAWN)))
    assert len(expected) == TILES * (TILES - 2)  # two of the eight rows are the buffer
    assert Counter(split for *_, split in expected.values()) == {"test": 2 * TILES, "val": TILES, "train": 3 * TILES}
    other = canary  # a second server
    ways: dict[str, tuple[object, object]] = {
        "tree": (write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)),
        "mbtiles": (write_mbtiles(tmp_path / "a.mbtiles", AERIAL), write_mbtiles(tmp_path / "b.mbtiles", DRAWN)),
        "pmtiles": (write_pmtiles(tmp_path / "a.pmtiles", AERIAL), write_pmtiles(tmp_path / "b.pmtiles", DRAWN)),
        "server": (serve(server, AERIAL), serve(other, DRAWN)),
        "mixed": (tmp_path / "a.pmtiles", tmp_path / "b.mbtiles"),
    }
    for way, sources in ways.items():
        preparer = with_server(tmp_path, zoom=ZOOM, test=0.2, aoi="-180,-85.06,180,85.06")
        assert by_place(preparer, find(preparer, *sources)) == expected, way


def test_rows_can_be_counted_from_the_south_on_either_side(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN, tms=True)
    plain, tms = Tiles(), Tiles(scheme_b="tms")
    pairs = by_place(tms, find(tms, a, b))
    assert pairs == by_place(plain, find(plain, a, write_tree(tmp_path / "c", DRAWN)))


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


def test_stitched_cells_that_stick_out_of_the_world_are_not_made(tmp_path: Path) -> None:
    stitching = Tiles(stitch=3, split_by="none")
    finding = find(stitching, write_tree(tmp_path / "a", AERIAL), write_pmtiles(tmp_path / "b.pmtiles", DRAWN))
    assert len(finding.items) == (TILES // 3) ** 2
    assert not finding.left_out


@pytest.mark.parametrize("shift", [2, -3])
def test_a_shift_of_a_few_pixels_is_a_warning(shift: int, tmp_path: Path) -> None:
    files = write_plain(tmp_path, AERIAL, np.roll(DRAWN, shift, axis=1))
    finding = find(Tiles(**PLAIN), *files)
    (remark,) = finding.remarks
    assert ("to the right" if shift > 0 else "to the left") in remark
    assert finding.facts["shift_of_b"]["right"] == pytest.approx(shift, abs=0.3)


def test_a_large_shift_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    files = write_plain(tmp_path, AERIAL, np.roll(DRAWN, 9, axis=0))
    with pytest.raises(DataError, match=r"(8\.9|9\.\d) pixels beside A.*(8\.9|9\.\d) down"):
        find(Tiles(**PLAIN), *files)
    forced = find(Tiles(**PLAIN, force=True), *files)
    assert forced.items
    assert "beside A" in forced.remarks[0]


def test_rows_in_the_wrong_order_are_recognised(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN, tms=True)
    with pytest.raises(DataError, match="--scheme-b"):
        find(Tiles(), a, b)
    with pytest.raises(DataError, match="upper edge down"):
        find(Tiles(**PLAIN), *write_plain(tmp_path, AERIAL, DRAWN[::-1]))


def test_maps_of_different_places_are_a_warning(tmp_path: Path) -> None:
    finding = find(Tiles(**PLAIN), *write_plain(tmp_path, AERIAL, two_maps(seed=9)[1]))
    assert "look at some pairs" in finding.remarks[0]
    assert not finding.facts["shift_of_b"]["clear"]


def test_what_one_side_lacks_is_left_out_and_named(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    (a / str(ZOOM) / "2" / "3.png").unlink()
    (b / str(ZOOM) / "4" / "5.png").unlink()
    finding = find(Tiles(split_by="none"), a, b)
    assert {(left.name, left.status, left.reason) for left in finding.left_out} == {
        (f"{ZOOM}/2/3", "skipped", "missing-in-a"),
        (f"{ZOOM}/4/5", "skipped", "missing-in-b"),
    }
    assert len(finding.items) == TILES**2 - 2


def test_placeholders_are_left_out_and_flat_tiles_are_not_taken_for_them(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    nothing_here = cv2.putText(np.full((SIDE, SIDE, 3), 200, np.uint8), "none", (4, 36), 0, 0.7, (90, 90, 90))
    for x in range(5):
        (a / str(ZOOM) / str(x) / "6.png").write_bytes(png(nothing_here))
        (b / str(ZOOM) / str(x) / "2.png").write_bytes(png(np.full((SIDE, SIDE, 3), 180, np.uint8)))
    finding = find(Tiles(split_by="none"), a, b)
    assert [(left.name, left.reason) for left in finding.left_out] == [
        (f"{ZOOM}/{x}/6", "placeholder") for x in range(5)
    ]
    preparer = Tiles(split_by="none")
    (sea,) = [item for item in finding.items if item.name == f"{ZOOM}/3/2"]
    with pytest.raises(SkipError) as skipped:
        preparer.make(sea)
    assert skipped.value.reason == "blank"
    kept = find(Tiles(split_by="none", repeats=0), a, b)
    assert len(kept.items) == TILES**2


@pytest.mark.parametrize(
    ("options", "reason"),
    [({}, "blank"), ({"min_detail": 0.0}, "one-colour"), ({"min_detail": 0.0, "aerial": "b"}, "cloud")],
)
def test_the_drawn_half_and_the_photograph_have_their_own_filters(
    options: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    drawn = DRAWN.copy()
    drawn[:SIDE, :SIDE] = 240
    preparer = Tiles(**PLAIN, split_by="none", max_cloud=0.5, **options)
    finding = find(preparer, *write_plain(tmp_path, AERIAL, drawn))
    with pytest.raises(SkipError) as skipped:
        preparer.make(finding.items[0])
    assert skipped.value.reason == reason
    preparer.make(finding.items[1])


def test_the_area_of_interest_keeps_cells_whose_middle_is_inside(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    finding = find(Tiles(aoi="0,0,90,80", split_by="none"), a, b)  # two columns; of the rows, none beyond 80 degrees
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
    assert first.name == f"{ZOOM}/0/0"
    assert first.metadata["bbox"] == pytest.approx([-180, 66.51326, -90, 85.05113], abs=1e-5)
    assert json.loads(json.dumps([first.key, first.metadata, facts])) == [first.key, first.metadata, facts]


def test_no_area_of_test_or_validation_meets_one_of_training(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    blocks: dict[str, Any] = {"split_by": "blocks", "block": 2, "val": 0.2, "buffer": 0}
    for options in ({"test": 0.2}, blocks):
        items = find(Tiles(**options), a, b).items
        boxes = {split: [item.metadata["bbox"] for item in items if item.split == split] for split in ("train", "val")}
        for west, south, east, north in boxes["val"]:
            assert not [o for o in boxes["train"] if o[0] < east and west < o[2] and o[1] < north and south < o[3]]
        assert all(boxes.values())


def test_polygons_decide_the_split(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    ring = [[1, 1], [20, 1], [20, 20], [1, 20], [1, 1]]
    (tmp_path / "test.json").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    finding = find(Tiles(split_by="geojson", split_area=str(tmp_path / "test.json")), a, b)
    assert [item.name for item in finding.items if item.split == "test"] == [f"{ZOOM}/4/3"]
    assert Counter(left.reason for left in finding.left_out) == {"buffer": 8}


@pytest.mark.parametrize(
    ("sources", "options", "error", "message"),
    [
        (["a.png"], {}, UsageError, "Two maps"),
        (["a.png", "none.png"], {}, MissingInputError, "none.png"),
        (["a.png", "small.png"], {}, DataError, "one size"),
        (["a.png", "tree"], {}, UsageError, "where on Earth it lies"),
        (["a.png", "b.png"], {"zoom": 3}, UsageError, "no zoom"),
        (["a.png", "b.png"], {"aoi": "0,0,1,1"}, UsageError, "where on Earth"),
        (["tree", "tree"], {"zoom": 2}, DataError, "no place in common"),
        (["tree", "tree"], {"aoi": "0,0,0.1,0.1"}, DataError, "no place in common"),
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
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_plain(tmp_path, AERIAL, DRAWN)
    Path("small.png").write_bytes(png(AERIAL[:-1]))
    write_tree(tmp_path / "tree", AERIAL)
    with pytest.raises(error, match=message):
        find(Tiles(cache=tmp_path / "cache", **options), *sources)


@pytest.mark.parametrize("options", [{"split_by": "geojson"}, {"split_area": "a.json"}, {"val": 0.5, "test": 0.5}])
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Tiles(**options)


def test_a_server_is_asked_only_for_what_the_other_map_has_and_nothing_twice(tmp_path: Path, server: Server) -> None:
    tree = write_tree(tmp_path / "a", AERIAL)
    (tree / str(ZOOM) / "2" / "3.png").unlink()
    address = serve(server, DRAWN)
    told: list[tuple[int, int]] = []
    for _ in range(2):
        preparer = with_server(tmp_path, split_by="none")
        finding = preparer.find([str(tree), address], lambda done, total: told.append((done, total)))
        assert len(finding.items) == TILES**2 - 1
        targets = [request.target for request in server.requests]
        assert Counter(targets) == Counter(set(targets))
        assert len(targets) == TILES**2  # the tiles, and robots.txt
        assert f"/{ZOOM}/2/3" not in targets
    total = TILES**2 - 1
    assert told == [(done, total) for done in range(1, total + 1)] + [(total, total)]


def test_a_worker_makes_pairs_from_the_cache_alone(tmp_path: Path, server: Server) -> None:
    tree, address = write_tree(tmp_path / "a", AERIAL), serve(server, DRAWN)
    finding = find(with_server(tmp_path), tree, address)
    server.close()
    item = Item(*json.loads(json.dumps(finding.items[0])))
    assert isinstance(with_server(tmp_path).make(item), Pair)


def test_tiles_that_a_server_lacks_or_fails_at_are_told_apart(tmp_path: Path, server: Server) -> None:
    tree, address = write_tree(tmp_path / "a", AERIAL), serve(server, DRAWN)
    tiles = server.answer
    page = http(200, b"no", Content_Type="text/html")
    bad = {f"/{ZOOM}/1/1": http(404), f"/{ZOOM}/1/2": http(403), f"/{ZOOM}/1/3": page}
    server.answer = lambda request: bad.get(request.target) or tiles(request)
    finding = find(with_server(tmp_path, split_by="none"), tree, address)
    assert {(left.name, left.status, left.reason) for left in finding.left_out} == {
        (f"{ZOOM}/1/1", "skipped", "missing-in-b"),
        (f"{ZOOM}/1/2", "rejected", "download-failed"),
        (f"{ZOOM}/1/3", "rejected", "download-failed"),
    }


def test_a_redirect_into_the_private_network_is_not_followed(tmp_path: Path, server: Server, canary: Server) -> None:
    tree, address = write_tree(tmp_path / "a", AERIAL), serve(server, DRAWN)
    server.answer = lambda request: http(302, Location=f"http://localhost:{canary.port}/secret")
    with pytest.raises(UnsafeUrlError):
        find(with_server(tmp_path), tree, address)
    assert canary.connections == 0


def test_a_plan_asks_no_server_and_writes_nothing(tmp_path: Path, server: Server) -> None:
    tree, address = write_tree(tmp_path / "a", AERIAL), serve(server, DRAWN)
    before = sorted(tmp_path.rglob("*"))
    text = with_server(tmp_path, rate=2).plan([str(tree), address])
    assert server.connections == 0
    assert sorted(tmp_path.rglob("*")) == before
    assert "56 pairs at most: 48 train, 8 val" in text
    assert "8 buffer" in text
    assert "56 tiles to fetch" in text


def test_many_tiles_need_a_yes(tmp_path: Path) -> None:
    pair = ["https://a.example.org/{z}/{x}/{y}"] * 2
    options: dict[str, Any] = {"zoom": 10, "aoi": "0,0,40,40", "split_by": "none", "contact": "me@example.org"}
    with pytest.raises(UsageError, match="--yes") as raised:
        find(Tiles(cache=tmp_path, **options), *pair)
    wanted = int(str(raised.value).split()[0])
    assert wanted > gathering.MAX_TILES


def test_forbidden_servers_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "a", AERIAL)
    osm = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
    with pytest.raises(ForbiddenError, match="bulk download"):
        find(with_server(tmp_path), tree, osm)
    with pytest.raises(ForbiddenError, match="bulk download"):
        with_server(tmp_path).plan([str(tree), osm])
    assert "to fetch" in with_server(tmp_path, permission="contract 17").plan([str(tree), osm])


def test_a_permission_is_written_down(tmp_path: Path) -> None:
    finding = find(Tiles(**PLAIN, permission="contract 17"), *write_plain(tmp_path, AERIAL, DRAWN))
    assert finding.facts["permission"] == "contract 17"


def test_more_than_one_request_a_second_is_a_warning(tmp_path: Path, server: Server) -> None:
    tree, address = write_tree(tmp_path / "a", AERIAL), serve(server, DRAWN)
    assert "owner should agree" in find(with_server(tmp_path, rate=5), tree, address).remarks[0]


def tree_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def test_datasets_from_different_stores_are_the_same_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn = DRAWN.copy()
    drawn[4 * SIDE : 5 * SIDE, :SIDE] = 10
    sources: list[Callable[[str, Pixels], Path]] = [
        lambda name, raster: write_tree(tmp_path / name, raster),
        lambda name, raster: write_mbtiles(tmp_path / f"{name}.mbtiles", raster),
    ]
    hashes = set()
    for number, write in enumerate(sources):
        out = tmp_path / f"out{number}"
        report = prepare("tiles", [write("a", AERIAL), write("b", drawn)], out, workers=1, options={"test": 0.2})
        assert report.made == 47
        assert report.skipped == {"blank": 1, "buffer": 16}
        hashes.add(tuple(tree_hash(out / split) for split in ("train", "val", "test")))
    assert len(hashes) == 1
    card = safe_yaml.load((tmp_path / "out0" / "dataset.yaml").read_text(), "dataset.yaml")
    assert "web-mercator" in json.dumps(card)
    first = json.loads((tmp_path / "out0" / "train" / "metadata.jsonl").read_text().splitlines()[0])
    assert first["zoom"] == ZOOM
    assert os.path.exists(tmp_path / "out0" / "train" / first["imageA_file_name"])


def test_nothing_private_is_written_into_the_dataset(tmp_path: Path, server: Server) -> None:
    tree, address = write_tree(tmp_path / "a", AERIAL), serve(server, DRAWN)
    options = {"contact": "ada@lovelace.org", "cache": tmp_path / "cache", "size": 64}
    with_key = f"{address}?key=very-secret"
    prepare("tiles", [tree, with_key], tmp_path / "out", options=options, workers=1)
    card = (tmp_path / "out" / "dataset.yaml").read_text()
    assert "ada@lovelace.org" not in card
    assert "very-secret" not in card
    assert "key=..." in card
    # the same command with other manners is the same dataset
    again = {**options, "contact": "https://lovelace.org", "rate": 0.5}
    assert prepare("tiles", [tree, with_key], tmp_path / "out", options=again, workers=1).shards == 0


def test_val_and_test_of_the_command_are_the_shares_of_the_ground(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    options = {"split_by": "lon", "buffer": 0}
    report = prepare("tiles", [a, b], tmp_path / "out", options=options, val=0.25, test=0.25, workers=1)
    assert report.splits == {"train": TILES**2 // 2, "val": TILES**2 // 4, "test": TILES**2 // 4}
    with pytest.raises(UsageError, match="too few"):
        prepare("tiles", [a, b], tmp_path / "no", options={"split_by": "blocks", "block": 64}, workers=1)


def test_shares_that_polygons_do_not_keep_are_said_to_be_so(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    ring = [[1, 1], [20, 1], [20, 20], [1, 20], [1, 1]]
    (tmp_path / "test.json").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    area: dict[str, Any] = {"split_by": "geojson", "split_area": str(tmp_path / "test.json")}
    said = {val: " ".join(find(Tiles(val=val, **area), a, b).remarks) for val in (0.1, 0.3)}
    assert "The polygons alone" in said[0.3]
    assert "The polygons alone" not in said[0.1]
