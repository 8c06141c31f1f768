"""Pairs out of two maps of one place, as in the map task of pix2pix."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from i2i.errors import DataError, UsageError, things
from i2i.images import MAX_PIXELS
from i2i.pairs import Finding, Item, Pair
from i2i.system.files import user_cache
from i2i_tiles.fetching import Fetcher
from i2i_tiles.grids import Cell, TileGrid
from i2i_tiles.inspection import check_alignment, placeholders
from i2i_tiles.manners import Manners
from i2i_tiles.mercator import MAX_ZOOM
from i2i_tiles.opening import Cut, Maps, absolute, open_maps
from i2i_tiles.pairing import Limits, make_pair
from i2i_tiles.regions import HoldOut
from i2i_tiles.sources import TILE, Place
from i2i_tiles.stores import Scheme
from i2i_tiles.survey import Survey, survey

Share = Annotated[float, Field(ge=0, le=1)]


class Tiles:
    """Two maps of one place -> pairs of tiles (Isola et al. 2017, as for aerial photo <-> map).

    Each map is one of: a GeoTIFF, an ``.mbtiles`` or ``.pmtiles`` file, a folder ``zoom/x/y.png``, the address
    of a tile server with ``{z}/{x}/{y}`` or ``{-y}``, or ``xyz:NAME`` for a provider that the library
    xyzservices knows. Two plain images that lie on each other can be cut as well.

    Args:
        zoom: Zoom of the web tiles; the finest that both have when not given. Two GeoTIFFs on one grid are then cut as
            they are.
        aoi: Area of interest: ``west,south,east,north`` in degrees, or a GeoJSON file. What both cover when not given.
        size: Height and width of source and target, pixels; that of the smaller one when not given. Images that are cut
            as they are, are cut in squares of this size, or of 256.
        stitch: So many tiles along each side make one picture.
        scheme: How rows are counted in a folder of tiles and in ``{y}``: ``xyz`` from the north, ``tms`` from
            the south.
        scheme_b: The same for the second map, where it differs.
        resample: ``area`` averages where pixels become fewer; ``nearest`` makes no new colours, for maps whose colours
            are classes.
        split_by: What is held out: the north and south (``lat``), the west and east (``lon``), square blocks drawn at
            random (``blocks``) or the polygons of ``split_area`` (``geojson``), whatever the shares are. With ``none``
            each pair goes where it happens to, and neighbours may be on two sides.
        val: Share of the pairs for validation, except by ``geojson``.
        test: The same for test.
        buffer: Pairs left out between two splits, in each direction.
        block: Pairs along the side of a block.
        split_area: GeoJSON file of polygons that are for test, or for what their property ``split`` says.
        aerial: Which of the two is the photograph; the other is taken for a drawn map.
        max_nodata: Largest share of a picture without data; it becomes white.
        min_detail: Smallest standard deviation of the values of either picture, of 255.
        max_one_colour: Largest share of the drawn map that may have one colour.
        max_cloud: Largest share of the photograph that may be white, as clouds and snow are; any when not given.
        repeats: Tiles whose bytes occur so often are placeholders of a server and left out; 0 keeps them.
        force: Make pairs even if the maps do not lie on each other.
        contact: E-mail address or web page by which the owner of a server can reach you; needed for every address.
        rate: Requests a second at most; a server on this computer is asked without pauses.
        cache: Folder where fetched tiles are kept; in the user's own cache when not given.
        yes: Fetch more than 20,000 tiles.
        permission: Reference of a permission to download from a server whose terms forbid it, for the dataset's card.
        seed: Another seed, other blocks.
        max_pixels: Largest plain image, which is decoded whole in every process; GeoTIFFs are read in windows.

    Raises:
        UsageError: If options do not go together.
    """

    unrecorded: ClassVar[tuple[str, ...]] = ("contact", "rate", "cache", "yes")

    def __init__(
        self,
        *,
        zoom: Annotated[int, Field(ge=0, le=MAX_ZOOM)] | None = None,
        aoi: Path | str | None = None,
        size: Annotated[int, Field(ge=16)] | None = None,
        stitch: Annotated[int, Field(ge=1, le=64)] = 1,
        scheme: Scheme = "xyz",
        scheme_b: Scheme | None = None,
        resample: Literal["area", "nearest"] = "area",
        split_by: Literal["lat", "lon", "blocks", "geojson", "none"] = "lat",
        val: Share = 0.1,
        test: Share = 0.0,
        buffer: Annotated[int, Field(ge=0, le=100)] = 1,
        block: Annotated[int, Field(ge=1)] = 8,
        split_area: Path | None = None,
        aerial: Literal["a", "b"] = "a",
        max_nodata: Share = 0.0,
        min_detail: Annotated[float, Field(ge=0)] = 1.0,
        max_one_colour: Share = 0.98,
        max_cloud: Share | None = None,
        repeats: Annotated[int, Field(ge=0)] = 4,
        force: bool = False,
        contact: str | None = None,
        rate: Annotated[float, Field(gt=0, le=5)] = 1.0,
        cache: Path | None = None,
        yes: bool = False,
        permission: str | None = None,
        seed: int = 0,
        max_pixels: Annotated[int, Field(ge=1)] = MAX_PIXELS,
    ) -> None:
        if (split_by == "geojson") != (split_area is not None):
            raise UsageError("The split 'geojson' and a file with --split-area belong together. Give both or none.")
        if val + test >= 1:
            raise UsageError("The shares for validation and test leave nothing for training. Lower them.")
        nearest = resample == "nearest"
        folder = cache or user_cache("tiles")
        self._cut = Cut(zoom, size, stitch, (scheme, scheme_b or scheme), nearest, folder, max_pixels)
        self._limits = Limits(size, nearest, aerial == "b", max_nodata, min_detail, max_one_colour, max_cloud)
        self._manners = Manners(contact, rate, yes, permission)
        self._hold_out = HoldOut(split_by, val, test, buffer, block, split_area, seed)
        self._aoi = None if aoi is None else str(aoi)
        self._repeats = repeats
        self._force = force
        self._opened: dict[tuple[str, str, int | None], Maps] = {}

    def plan(self, sources: Sequence[str]) -> str:
        """Say what would be cut and fetched, in words; no server is asked."""
        maps = self._open(_two(sources), self._cut.zoom)
        found = survey(maps, self._aoi, self._hold_out)
        splits = Counter(split or "not split yet" for split in found.splits.values())
        lines = [f"{things(len(found.splits), 'pair')} at most: {_sums(splits)}"]
        if found.left_out:
            lines.append(f"left out: {_sums(left.reason for left in found.left_out)}")
        lines += [self._manners.forecast(source, found.places(found.splits)) for source in maps.servers]
        return "\n".join(lines)

    def find(self, sources: Sequence[str], on_progress: Callable[[int, int], None]) -> Finding:
        """Find every place that both maps show; fetches what is on servers.

        Raises:
            UsageError: If the sources are not what is wanted, or a server needs more words.
            ForbiddenError: If a server's terms or robots.txt forbid it.
            NetworkError: If a server fails.
            DataError: If the maps have nothing in common, or do not lie on each other.
        """
        names = _two(sources)
        maps = self._open(names, self._cut.zoom)
        found = survey(maps, self._aoi, self._hold_out)
        self._gather(found, on_progress)
        self._leave_out_placeholders(found)
        if not found.splits:
            reasons = _sums(left.reason for left in found.left_out)
            look = " Is the address right?" if maps.servers else ""
            raise DataError(f"No pair is left of {len(found.left_out)}: {reasons}.{look}")
        facts, problems = self._facts(found)
        return Finding(
            items=[self._item(names, maps, cell)._replace(split=split) for cell, split in found.splits.items()],
            left_out=found.left_out,
            licence=_once(source.credit.licence for source in (maps.a, maps.b)),
            attribution=_once(source.credit.attribution for source in (maps.a, maps.b)),
            remarks=[*self._manners.remarks(maps.servers), *self._hold_out.remarks, *problems],
            facts=facts,
        )

    def make(self, item: Item) -> Pair:
        """Make the pair of one place.

        Raises:
            SkipError: If there is nothing to learn from it.
            DataError: If a tile is damaged.
        """
        a, b = item.key["maps"]
        return make_pair(self._open((a, b), item.key["zoom"]), Cell(*item.key["cell"]), self._limits)

    def _open(self, names: tuple[str, str], zoom: int | None) -> Maps:
        key = (*names, zoom)
        if key not in self._opened:
            self._opened[key] = open_maps(names, self._cut._replace(zoom=zoom))
        return self._opened[key]

    def _item(self, names: tuple[str, str], maps: Maps, cell: Cell) -> Item:
        zoom = maps.grid.zoom if isinstance(maps.grid, TileGrid) else None
        key = {"maps": [absolute(name) for name in names], "zoom": zoom, "cell": list(cell)}
        return Item(maps.grid.name(cell), key, metadata=maps.grid.metadata(cell))

    def _gather(self, found: Survey, on_progress: Callable[[int, int], None]) -> None:
        """Fetch what is on servers, of the second one only where the first has something."""
        servers = found.maps.servers
        for source in servers:
            self._manners.check(source)
        wanted = [source.missing(found.places(found.splits)) for source in servers]
        total = sum(map(len, wanted))
        self._manners.check_amount(total)
        done = 0
        for source, tiles in zip(servers, wanted, strict=True):
            still = set(found.places(found.splits))
            places = [place for place in tiles if place in still]
            failures: dict[Place, str] = {}
            with self._manners.client(source) as client:
                problems = Fetcher(client, source, self._manners).fetch(places)
                for place, problem in zip(places, problems, strict=True):
                    done += 1
                    on_progress(done, total)
                    failures |= {place: problem} if problem else {}
            if failures and len(failures) == len(places):
                first = next(iter(failures.values()))
                raise DataError(f"None of {len(places)} tiles could be had. The first: {first}")
            for cell in list(found.splits):
                if failed := [failures[place] for place in found.places([cell]) if place in failures]:
                    found.leave_out(cell, "download-failed", failed[0], wrong=True)
            found.leave_out_gaps(source)
        if total:
            on_progress(total, total)

    def _leave_out_placeholders(self, found: Survey) -> None:
        for source in (found.maps.a, found.maps.b):
            bad = placeholders(source, found.places(found.splits), self._repeats, self._limits.min_detail)
            for cell in [cell for cell in found.splits if not bad.isdisjoint(found.places([cell]))]:
                found.leave_out(cell, "placeholder", f"{source.name!r} has the same tile in many places.")

    def _facts(self, found: Survey) -> tuple[dict[str, Any], list[str]]:
        """Say how the maps were understood, and what the user should know of them."""
        maps, cells, by = found.maps, list(found.splits), self._hold_out.by
        shift, problems = check_alignment(maps, cells, self._limits, force=self._force)
        facts: dict[str, Any] = {"maps": [maps.a.name, maps.b.name]}
        facts |= maps.grid.facts(cells, self._cut.size or TILE * self._cut.stitch)
        facts["aoi"] = self._aoi
        facts["split"] = {"by": by} if by == "none" else {"by": by, "buffer": self._hold_out.buffer}
        facts["shift_of_b"] = {"right": round(shift.right, 2), "down": round(shift.down, 2), "clear": shift.clear}
        if days := [day for source in maps.servers for day in source.days(found.places(cells))]:
            facts["fetched"] = [min(days), max(days)]
        if self._manners.permission is not None:
            facts["permission"] = self._manners.permission
        return facts, problems


def _two(sources: Sequence[str]) -> tuple[str, str]:
    if len(sources) != 2:
        raise UsageError(f"Two maps are needed, A and B, got {len(sources)}. Give both, then the dataset's folder.")
    a, b = (str(source) for source in sources)
    return a, b


def _once(said: Iterable[str]) -> str:
    """Join what both maps say, once."""
    return "; ".join(dict.fromkeys(filter(None, said)))


def _sums(reasons: Iterable[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(Counter(reasons).items()))
