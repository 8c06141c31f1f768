"""Maps that are asked from servers: politely, once, and never where it is forbidden."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from scripted_server import Server, http
from tile_maps import AERIAL, DRAWN, TILES, ZOOM, find, serve, with_server, write_tree

from i2i.errors import DataError, UsageError
from i2i.net import UnsafeUrlError
from i2i.pairs import Item, Pair
from i2i.preparation import prepare
from i2i_tiles import manners
from i2i_tiles.manners import ForbiddenError


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


def test_a_worker_makes_pairs_from_the_cache_alone(trees: tuple[Path, Path], tmp_path: Path, server: Server) -> None:
    tree, address = trees[0], serve(server, DRAWN)
    finding = find(with_server(tmp_path), tree, address)
    server.close()
    item = Item(*json.loads(json.dumps(finding.items[0])))
    assert isinstance(with_server(tmp_path).make(item), Pair)


def test_tiles_that_a_server_lacks_or_fails_at_are_told_apart(
    trees: tuple[Path, Path], tmp_path: Path, server: Server
) -> None:
    tree, address = trees[0], serve(server, DRAWN)
    tiles = server.answer
    page = http(200, b"no", Content_Type="text/html")
    bad = {f"/{ZOOM}/1/1": http(404), f"/{ZOOM}/1/2": http(403), f"/{ZOOM}/1/3": page}
    server.answer = lambda request: bad.get(request.target) or tiles(request)
    finding = find(with_server(tmp_path, split_by="none", rate=5, permission="contract 17"), tree, address)
    assert finding.facts["permission"] == "contract 17"
    assert "owner should agree" in finding.remarks[0]
    first, last = (date.fromisoformat(day) for day in finding.facts["fetched"])
    assert first <= last <= datetime.now(UTC).date() <= first + timedelta(days=1)
    assert {(left.name, left.status, left.reason) for left in finding.left_out} == {
        (f"{ZOOM}/1/1", "skipped", "missing-in-b"),
        (f"{ZOOM}/1/2", "rejected", "download-failed"),
        (f"{ZOOM}/1/3", "rejected", "download-failed"),
    }


def test_a_redirect_into_the_private_network_is_not_followed(
    trees: tuple[Path, Path], tmp_path: Path, server: Server, canary: Server
) -> None:
    tree, address = trees[0], serve(server, DRAWN)
    server.answer = lambda request: http(302, Location=f"http://localhost:{canary.port}/secret")
    with pytest.raises(UnsafeUrlError):
        find(with_server(tmp_path), tree, address)
    assert canary.connections == 0


def test_a_plan_asks_no_server_and_writes_nothing(trees: tuple[Path, Path], tmp_path: Path, server: Server) -> None:
    tree, address = trees[0], serve(server, DRAWN)
    before = sorted(tmp_path.rglob("*"))
    text = with_server(tmp_path, rate=2).plan([str(tree), address])
    assert server.connections == 0
    assert sorted(tmp_path.rglob("*")) == before
    assert "56 pairs at most: 48 train, 8 val" in text
    assert "8 buffer" in text
    assert "56 tiles to fetch" in text


def test_many_tiles_need_a_yes(trees: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manners, "MAX_TILES", TILES**2 - 1)
    tree = trees[0]
    with pytest.raises(UsageError, match=f"{TILES**2} tiles would be fetched.*--yes"):
        find(with_server(tmp_path, split_by="none"), tree, "https://a.example.org/{z}/{x}/{y}")


def test_forbidden_servers_are_refused_before_anything_is_asked(trees: tuple[Path, Path], tmp_path: Path) -> None:
    tree = trees[0]
    osm = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
    with pytest.raises(ForbiddenError, match="bulk download"):
        find(with_server(tmp_path), tree, osm)
    with pytest.raises(ForbiddenError, match="bulk download"):
        with_server(tmp_path).plan([str(tree), osm])
    assert "to fetch" in with_server(tmp_path, permission="contract 17").plan([str(tree), osm])


def test_nothing_private_is_written_into_the_dataset(trees: tuple[Path, Path], tmp_path: Path, server: Server) -> None:
    tree, address = trees[0], serve(server, DRAWN)
    options = {"contact": "ada@lovelace.org", "cache": tmp_path / "cache", "size": 64}
    with_key = f"{address}?key=very-secret"
    prepare("tiles", [tree, with_key], tmp_path / "out", options=options, workers=1)
    assert all(request.headers["user-agent"].endswith("(+ada@lovelace.org)") for request in server.requests)
    card = (tmp_path / "out" / "dataset.yaml").read_text()
    assert "ada@lovelace.org" not in card
    assert "very-secret" not in card
    assert address in card
    # the same command with other manners is the same dataset
    again = {**options, "contact": "https://lovelace.org", "rate": 0.5}
    assert prepare("tiles", [tree, with_key], tmp_path / "out", options=again, workers=1).shards == 0


def test_an_address_that_has_no_tile_at_all_is_asked_about(
    trees: tuple[Path, Path], tmp_path: Path, server: Server
) -> None:
    server.answer = lambda request: http(404)
    address = f"http://127.0.0.1:{server.port}/{{z}}/{{x}}/{{y}}"
    with pytest.raises(DataError, match=r"64 missing-in-b\. Is the address right\?"):
        find(with_server(tmp_path, split_by="none"), trees[0], address)


@pytest.mark.parametrize(
    ("address", "rate", "told"),
    [
        ("http://127.0.0.1:9/{z}/{x}/{y}", 1.0, "64 tiles to fetch, without pauses, and 1.3 MB"),
        ("https://tiles.example.org/{z}/{x}/{y}", 1.0, "about 64 s at 1 a second"),
        ("https://tiles.example.org/{z}/{x}/{y}", 0.01, "about 107 min"),
        ("https://tiles.example.org/{z}/{x}/{y}", 0.001, "about 17.8 h"),
    ],
)
def test_a_forecast_says_how_long_it_will_take(
    address: str, rate: float, told: str, trees: tuple[Path, Path], tmp_path: Path
) -> None:
    assert told in with_server(tmp_path, split_by="none", rate=rate).plan([str(trees[0]), address])
