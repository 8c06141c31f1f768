"""What the reader makes of sound images: upright, in sRGB, opaque, with all their bits."""

import io
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from heif_files import FILES
from hostile_files import chunk, npy, png, saved, tiff
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from i2i import images
from i2i.errors import DataError, MissingInputError
from i2i.images import ImageError, probe, read, read_header
from i2i.images.reader import TURNED
from i2i.pairs import Pixels

LOSSLESS = ("PNG", "BMP", "TIFF", "JPEG2000", "PPM", "WEBP")
RAMP = np.arange(256, dtype=np.uint8)


def photo(height: int = 24, width: int = 40) -> Pixels:
    """Smooth in both directions, different in each channel, and with no symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x // (width - 1), 255 * y // (height - 1), 255 * x * y // (height * width)], 2).astype(
        np.uint8
    )


@pytest.mark.parametrize("name", LOSSLESS)
def test_colour_is_read_as_it_was_saved(name: str) -> None:
    data = saved(photo(), name, **({"lossless": True} if name == "WEBP" else {}))
    picture = read(data)
    assert picture.notes == ()
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    np.testing.assert_array_equal(picture.pixels, photo())


@pytest.mark.parametrize("name", ["PNG", "BMP", "TIFF", "JPEG2000", "PPM"])
def test_gray_stays_one_channel(name: str) -> None:
    np.testing.assert_array_equal(read(saved(photo()[..., 0], name)).pixels, photo()[..., :1])


@pytest.mark.parametrize("name", ["JPEG", "JPEG-rgb", "AVIF", "WEBP"])
def test_lossy_formats_are_read_to_a_few_levels(name: str) -> None:
    kind, _, rgb = name.partition("-")
    pixels = read(saved(photo(), kind, quality=95, **({"keep_rgb": True} if rgb else {}))).pixels
    assert np.abs(pixels.astype(int) - photo()).mean() < 3


TIFF_OPTIONS: dict[str, dict[str, Any]] = {
    "big-endian": {"byteorder": ">"},
    "deflate": {"compression": "zlib"},
    "tiled": {"tile": (16, 16)},
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", ["png", "tiff", "tiff-big-endian", "tiff-deflate", "tiff-tiled", "pnm"])
def test_sixteen_bits_are_kept(bits: str, channels: int) -> None:
    values: NDArray[Any] = np.linspace(0, 65535, 32 * 48 * channels).astype(np.uint16).reshape(32, 48, channels)
    squeezed = values[..., 0] if channels == 1 else values
    if bits in ("png", "pnm"):
        suffix = {"png": ".png", "pnm": ".pgm" if channels == 1 else ".ppm"}[bits]
        data = cv2.imencode(suffix, values[..., ::-1])[1].tobytes()
    else:
        options = TIFF_OPTIONS.get(bits.partition("-")[2], {})
        data = tiff(squeezed, photometric="rgb" if channels == 3 else "minisblack", **options)
    pixels = read(data).pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [2, 4, 5, 12])
def test_tiff_of_many_channels_is_read_whole(channels: int, dtype: Any) -> None:
    values: NDArray[Any] = np.random.default_rng(0).integers(0, 255, (20, 24, channels)).astype(dtype)
    data = tiff(values, photometric="minisblack", planarconfig="contig")
    np.testing.assert_array_equal(read(data).pixels, values)


def test_tiff_with_its_colours_in_separate_planes_is_read() -> None:
    values: NDArray[Any] = np.random.default_rng(0).integers(0, 65536, (3, 20, 24)).astype(np.uint16)
    data = tiff(values, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read(data).pixels, np.moveaxis(values, 0, -1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_that_stores_white_as_zero_is_inverted(dtype: Any) -> None:
    values: NDArray[Any] = np.arange(20 * 24).reshape(20, 24).astype(dtype)
    pixels = read(tiff(values, photometric="miniswhite")).pixels
    np.testing.assert_array_equal(pixels[..., 0], np.iinfo(dtype).max - values)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3), (9, 7, 13)])
def test_npy_holds_any_number_of_channels(shape: tuple[int, ...], dtype: str) -> None:
    values: NDArray[Any] = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
    values = values if dtype == "float32" else (values * 100 + 100).astype(dtype)
    for stored in (values, np.asfortranarray(values), values.astype(values.dtype.newbyteorder(">"))):
        pixels = read(npy(stored)).pixels
        assert pixels.dtype == dtype
        np.testing.assert_array_equal(pixels, values.reshape(9, 7, -1))


ORIENTED = {
    1: lambda p: p,
    2: np.fliplr,
    3: lambda p: np.rot90(p, 2),
    4: np.flipud,
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("orientation", [*ORIENTED, 0, 9, 255])
@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF", "JPEG", "PNG-alpha", "JPEG-cmyk", "TIFF-16"])
def test_orientation_is_applied_once_on_every_path(name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    kind, _, variant = name.partition("-")
    image = Image.fromarray(photo())
    if variant == "16":
        deep = photo().astype(np.uint16) * 257
        data = tiff(deep, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    else:
        image = image.convert("RGBA") if variant == "alpha" else image.convert("CMYK") if variant == "cmyk" else image
        best: dict[str, Any] = {"lossless": True, "quality": 100, "subsampling": 0}
        data = saved(image, kind, exif=exif, **(best if kind in ("WEBP", "JPEG") else {}))
    shown = ORIENTED.get(orientation, ORIENTED[1])(photo()).astype(int)
    picture = read(data)
    assert (TURNED in picture.notes) == (1 < orientation < 9)
    pixels = picture.pixels.astype(int) // (257 if variant == "16" else 1)
    assert pixels.shape == shown.shape
    assert np.abs(pixels - shown).max() <= (12 if kind == "JPEG" else 0)
    claimed = read_header(io.BytesIO(data), "it")
    assert (claimed.height, claimed.width) == shown.shape[:2]


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0", b"nonsense", b"Exif\0\0MM\0*" + b"\xff" * 30]
)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_never_fails_the_image(name: str, exif: bytes) -> None:
    assert read(saved(photo(), name, exif=exif)).pixels.shape == photo().shape


def fixed(values: Iterable[float]) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def described(name: str) -> bytes:
    text = name.encode() + b"\0"
    return b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(78)


def icc(kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A display profile of ICC version 2, sections 7.2 and 7.3."""
    body, table, start = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, value in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = b"test" + struct.pack(">I", 0x02100000) + b"mntr" + kind + bytes(12) + b"acsp" + bytes(28)
    profile = head + fixed((0.9642, 1.0, 0.8249)) + bytes(48) + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", 4 + len(profile)) + profile


def icc_profile(name: str, colorants: NDArray[Any], gamma: float) -> bytes:
    """Of primaries as rows of XYZ under D50, and one gamma."""
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256))
    rows = zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)
    tags = {b"desc": described(name), b"wtpt": b"XYZ " + bytes(4) + fixed((0.9642, 1.0, 0.8249))}
    tags |= {tag: b"XYZ " + bytes(4) + fixed(row) for tag, row in rows}
    return icc(b"RGB XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


P3 = np.array([[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]])
SRGB = np.array([[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]])


def p3_to_srgb(pixels: Pixels, gamma: float) -> NDArray[Any]:
    linear = np.clip((pixels / 255) ** gamma @ P3 @ np.linalg.inv(SRGB), 0, 1)
    curved: NDArray[Any] = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * curved


@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("alpha", [False, True])
def test_colour_profile_is_converted_to_srgb(name: str, alpha: bool) -> None:
    image = Image.fromarray(photo()).convert("RGBA" if alpha else "RGB")
    options = {"lossless": True} if name == "WEBP" else {}
    picture = read(saved(image, name, icc_profile=icc_profile("Wide P3", P3, 2.2), **options))
    assert picture.notes == ("converted from Wide P3",)
    expected = p3_to_srgb(photo(), 2.2)
    assert np.abs(expected - photo()).max() > 20
    assert np.abs(picture.pixels - expected).max() < 3


def test_srgb_profile_changes_nothing() -> None:
    picture = read(saved(photo(), "PNG", icc_profile=icc_profile("sRGB IEC61966-2.1", SRGB, 2.2)))
    assert picture.notes == ()
    np.testing.assert_array_equal(picture.pixels, photo())


def test_damaged_profile_is_ignored_and_said() -> None:
    picture = read(saved(photo(), "TIFF", icc_profile=b"x" * 200))
    assert picture.notes == ("damaged colour profile ignored",)
    np.testing.assert_array_equal(picture.pixels, photo())


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("gamma", [1.0, 1.75, 2.25])  # profiles store 256ths
def test_profile_of_sixteen_bits_is_converted_like_that_of_eight(gamma: float, planar: str) -> None:
    eight = photo()
    stored: NDArray[Any] = np.moveaxis(eight, -1, 0) if planar == "separate" else eight
    profile = icc_profile("Wide P3", P3, gamma)
    data = tiff(stored.astype(np.uint16) * 257, photometric="rgb", planarconfig=planar, iccprofile=profile)
    picture = read(data)
    assert picture.notes == ("converted from Wide P3",)
    assert picture.pixels.dtype == np.uint16
    expected = p3_to_srgb(eight, gamma)
    assert np.abs(expected - eight).max() > 20
    assert np.abs(picture.pixels / 257 - expected).max() < 0.1
    if gamma > 1:  # from linear values, 8 bits lose the shades
        theirs = read(saved(eight, "TIFF", icc_profile=profile)).pixels
        assert np.abs(picture.pixels / 257 - theirs).max() < 3


CURVES: dict[str, tuple[bytes, Callable[[NDArray[Any]], NDArray[Any]]]] = {
    "linear": (b"curv" + bytes(8), lambda x: x),
    "gamma": (b"curv" + struct.pack(">IIH", 0, 1, 512), lambda x: x**2),
    "table": (b"curv" + struct.pack(">II3H", 0, 3, 0, 16384, 65535), lambda x: np.interp(x, [0, 0.5, 1], [0, 0.25, 1])),
    "power": (b"para" + struct.pack(">IHH", 0, 0, 0) + fixed([3]), lambda x: x**3),
    "power from a point on": (
        b"para" + struct.pack(">IHH", 0, 1, 0) + fixed([2, 1.25, -0.25]),
        lambda x: np.where(x >= 0.2, 1.25 * x - 0.25, 0) ** 2,
    ),
    "power above a floor": (
        b"para" + struct.pack(">IHH", 0, 2, 0) + fixed([2, 1, -0.5, 0.25]),
        lambda x: np.where(x >= 0.5, (x - 0.5) ** 2, 0) + 0.25,
    ),
    "line, then power": (
        b"para" + struct.pack(">IHH", 0, 3, 0) + fixed([2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]),
        lambda x: np.where(x >= 0.04045, ((x + 0.055) / 1.055) ** 2.4, x / 12.92),
    ),
    "line, then power, both above a floor": (
        b"para" + struct.pack(">IHH", 0, 4, 0) + fixed([2, 0.5, 0.25, 0.5, 0.5, 0.125, 0.0625]),
        lambda x: np.where(x >= 0.5, (0.5 * x + 0.25) ** 2 + 0.125, 0.5 * x + 0.0625),
    ),
}


def gray_profile(curve: bytes, kind: bytes = b"GRAYXYZ ") -> bytes:
    """A profile of one curve, or of what its tag says instead."""
    return icc(kind, {b"desc": described("Shade"), b"kTRC": curve})


@pytest.mark.parametrize("kind", CURVES)
def test_every_curve_of_a_profile_is_followed(kind: str) -> None:
    tag, light = CURVES[kind]
    values: NDArray[Any] = np.arange(0, 65536, 13).astype(np.uint16)[None]
    pixels = read(tiff(values, iccprofile=gray_profile(tag))).pixels[..., 0]
    linear = light(values / 65535)
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(pixels / 65535, shown, atol=1e-3)  # numbers of a profile have 16 bits behind the point


@pytest.mark.parametrize("profile", [gray_profile(b"curv" + bytes(8), b"GRAYLab "), gray_profile(b"mft2" + bytes(60))])
def test_sixteen_bits_in_a_profile_of_tables_are_refused(profile: bytes) -> None:
    with pytest.raises(images.ImageError, match="16-bit gray in Shade, a profile of tables") as refused:
        read(tiff(np.ones((16, 16), np.uint16), iccprofile=profile))
    assert refused.value.reason == "unsupported"


def test_profile_of_other_channels_is_not_passed_over_without_a_word() -> None:
    data = tiff(np.ones((16, 16, 5), np.uint8), photometric="minisblack", planarconfig="contig", iccprofile=b"x" * 200)
    assert "colour profile ignored" in read(data).notes[0]


@pytest.mark.parametrize(("name", "levels"), [("plain.heic", 255), ("deep.heic", 65535)])
def test_photographs_of_phones_are_read_with_all_their_bits(name: str, levels: int) -> None:
    picture = read(FILES[name])
    assert picture.notes == ()
    assert np.iinfo(picture.pixels.dtype).max == levels
    assert picture.pixels.max() == levels
    assert np.abs(picture.pixels * (255 / levels) - photo()).mean() < 1


def test_photograph_of_a_phone_is_turned_once_and_converted(tmp_path: Path) -> None:
    turned, wide = read(FILES["turned.heic"]), read(FILES["wide.heic"])
    assert np.abs(turned.pixels - np.rot90(photo(), -1).astype(int)).mean() < 1
    assert wide.notes == ("converted from Wide P3",)
    assert np.abs(wide.pixels - p3_to_srgb(photo(), 2.2)).mean() < 2
    (tmp_path / "photo.HEIC").write_bytes(FILES["turned.heic"])
    assert images.discover([tmp_path]).names == ["photo.HEIC"]
    assert (probe(tmp_path / "photo.HEIC").height, probe(tmp_path / "photo.HEIC").width) == (40, 24)


def test_light_beyond_any_screen_is_refused_and_limits_hold_before_decoding() -> None:
    with pytest.raises(ImageError, match="holds PQ, light of high dynamic range"):
        read(FILES["hdr.heic"])
    with pytest.raises(ImageError, match="is 40x24") as refused:
        read(FILES["plain.heic"], max_pixels=900)
    assert refused.value.reason == "too-large"
    for end in range(0, len(FILES["plain.heic"]), 20):
        with pytest.raises(ImageError):
            read(FILES["plain.heic"][:end])


STACKS: dict[str, dict[str, Any]] = {
    "tifffile": {},
    "imagej": {"imagej": True, "metadata": {"axes": "CYX"}},
    "ome": {"ome": True, "metadata": {"axes": "CYX"}},
}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("writer", STACKS)
def test_pages_that_say_so_are_channels(writer: str, dtype: Any) -> None:
    values: NDArray[Any] = np.random.default_rng(0).integers(0, 255, (5, 20, 24)).astype(dtype)
    data = tiff(values, photometric="minisblack", **STACKS[writer])
    claimed = read_header(io.BytesIO(data), "it")
    assert (claimed.channels, claimed.frames) == (5, 1)
    picture = read(data)
    assert picture.notes == ()
    np.testing.assert_array_equal(picture.pixels, np.moveaxis(values, 0, -1))


@pytest.mark.parametrize(
    ("count", "options"),
    [(3, {"metadata": None}), (40, {}), (3, {"imagej": True, "metadata": {"axes": "ZYX"}})],
)
def test_gray_pages_that_do_not_say_what_they_are_are_asked_about(count: int, options: dict[str, Any]) -> None:
    data = tiff(np.zeros((count, 20, 24), np.uint8), photometric="minisblack", **options)
    with pytest.raises(ImageError, match=f"has {count} gray pages of one size: channels, or images of their own?"):
        read(data)
    assert read(data, value_range=(0, 255)).pixels.shape == (20, 24, count)


def test_array_that_is_stored_channels_first_is_asked_about() -> None:
    message = r"has shape \(5, 64, 48\), channels first. Store \(64, 48, 5\): numpy.moveaxis\(array, 0, -1\)"
    with pytest.raises(ImageError, match=message):
        read(npy(np.zeros((5, 64, 48), np.uint8)))
    assert read(npy(np.zeros((64, 48, 5), np.uint8))).pixels.shape == (64, 48, 5)


@pytest.mark.parametrize("name", ["JPEG", "TIFF"])
def test_cmyk_is_converted_and_not_inverted(name: str) -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    picture = read(saved(red, name))
    assert picture.notes == ("converted from CMYK",)
    assert np.abs(picture.pixels.astype(int) - [255, 0, 0]).max() < 4


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (200, 30, 90)])
def test_transparency_is_laid_on_the_background(background: tuple[int, int, int], name: str, mode: str) -> None:
    image = Image.fromarray(photo()).convert(mode)
    image.putalpha(Image.fromarray(photo()[..., 0]))
    data = saved(image, name, **({"lossless": True, "exact": True} if name == "WEBP" else {}))
    gray = mode == "LA" and name != "WEBP"  # WebP has no gray
    ground = Image.new("RGBA", image.size, background)
    if gray:
        ground = ground.convert("L").convert("RGBA")
    expected = np.asarray(Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB"))
    picture = read(data, background=background)
    assert picture.notes == ("transparency laid on a background",)
    assert picture.pixels.shape == (24, 40, 1 if gray else 3)
    assert np.abs(picture.pixels.astype(int) - expected).max() <= 1


def test_sixteen_bit_transparency_is_laid_on_white() -> None:
    rgba = np.full((16, 16, 4), 1000, np.uint16)
    rgba[..., 3] = 16384
    pixels = read(cv2.imencode(".png", rgba)[1].tobytes()).pixels
    assert pixels.dtype == np.uint16
    assert set(np.unique(pixels)) == {round((1000 * 16384 + 65535 * (65535 - 16384)) / 65535)}


def test_alpha_that_hides_nothing_is_dropped_without_a_word() -> None:
    picture = read(saved(Image.fromarray(photo()).convert("RGBA"), "PNG"))
    assert picture.notes == ()
    np.testing.assert_array_equal(picture.pixels, photo())


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "RGB"])
def test_png_colour_key_is_transparent(mode: str) -> None:
    top = 65535 if mode == "I;16" else 255
    values: NDArray[Any] = np.zeros((16, 16), np.uint16)
    values[:, 8:] = top // 255 * (255 if mode == "1" else 100)
    image = Image.fromarray(values if mode == "I;16" else values.astype(np.uint8))
    image = image if mode == "I;16" else image.convert(mode)
    picture = read(saved(image, "PNG", transparency=(0, 0, 0) if mode == "RGB" else 0))
    assert (picture.pixels[:, :8] == top).all()
    np.testing.assert_array_equal(picture.pixels[:, 8:, 0], values[:, 8:])


def test_png_colour_key_counts_in_stored_bits() -> None:
    shades = bytes.fromhex("00 01234567")  # one row: filter 0, then the gray values 0 to 7 in four bits each
    data = png(8, 1, shades, depth=4, before=chunk(b"tRNS", struct.pack(">H", 3)))
    assert read(data).pixels.ravel().tolist() == [0, 17, 34, 255, 68, 85, 102, 119]


def png_header(width: int, height: int, depth: int, colour: int, filters: int, *, damaged: bool, more: bytes) -> object:
    """What is made of a PNG with this header, or why it is refused."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, filters, 0))
    head = head[:-1] + bytes([head[-1] ^ damaged])
    data = b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    try:
        return read_header(io.BytesIO(data), "it")
    except ImageError as error:
        return error.reason, str(error)


@given(
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([0, 1, 2, 4, 8, 16, 32]),
    st.sampled_from([0, 1, 2, 3, 4, 6]),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([False, False, True]),
)
def test_a_comment_changes_nothing_in_the_header_of_a_png(
    width: int, height: int, depth: int, colour: int, filters: int, damaged: bool
) -> None:
    bare, commented = (
        png_header(width, height, depth, colour, filters, damaged=damaged, more=more)
        for more in (b"", chunk(b"tEXt", b"Comment\0none"))
    )
    assert bare == commented


COMMENT = b"\xff\xfe\0\6none"


def jpeg_header(data: bytes) -> object:
    """What is made of the header of a JPEG, or why it is refused."""
    try:
        return read_header(io.BytesIO(data), "it")
    except ImageError as error:
        return error.reason, str(error)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True, "subsampling": 0}])
@given(
    change=st.none() | st.tuples(st.sampled_from([4, 5, 6, 7, 8, 9]), st.integers(0, 255)),
    end=st.none() | st.integers(),
)
@settings(max_examples=10)
def test_a_comment_changes_nothing_in_the_header_of_a_jpeg(
    mode: str, options: dict[str, Any], change: tuple[int, int] | None, end: int | None
) -> None:
    data = bytearray(saved(Image.fromarray(photo()).convert(mode), "JPEG", **options))
    if change:  # precision, height, width, number of channels
        data[data.index(b"\xff\xc2" if "progressive" in options else b"\xff\xc0") + change[0]] = change[1]
    whole = bytes(data if end is None else data[: 2 + abs(end) % len(data)])
    assert jpeg_header(whole) == jpeg_header(whole[:2] + COMMENT + whole[2:])


def test_palette_becomes_colour() -> None:
    image = Image.fromarray(photo()).quantize(16)
    np.testing.assert_array_equal(read(saved(image, "PNG")).pixels, np.asarray(image.convert("RGB")))


def test_palette_transparency_is_laid_on_white() -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(0, (0, 0, 8, 16))
    for name in ("PNG", "GIF"):
        pixels = read(saved(image, name, transparency=0)).pixels
        assert (pixels[:, :8] == 255).all()
        assert (pixels[:, 8:] == (0, 255, 0)).all()


def test_one_bit_image_is_black_and_white() -> None:
    image = Image.fromarray(photo()[..., 0]).convert("1")
    for name in ("PNG", "TIFF", "BMP", "PPM"):
        np.testing.assert_array_equal(read(saved(image, name)).pixels[..., 0], np.asarray(image) * np.uint8(255))


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "TIFF", "MPO", "AVIF"])
def test_first_of_several_frames_is_taken_and_said(name: str) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if name == "WEBP" else {}
    picture = read(saved(frames[0], name, save_all=True, append_images=frames[1:], **options))
    assert picture.notes == ("first of 3 frames",)
    assert np.abs(picture.pixels.astype(int) - [255, 0, 0]).max() < 10


def test_gray_becomes_colour_and_colour_gray_on_request() -> None:
    data = saved(photo(), "PNG")
    np.testing.assert_array_equal(read(saved(photo()[..., 0], "PNG"), channels=3).pixels, photo()[..., [0, 0, 0]])
    np.testing.assert_array_equal(read(data, channels=3).pixels, photo())
    with pytest.raises(DataError, match="3 channels cannot become one of 4"):
        read(data, channels=4)


@given(arrays(np.uint16, (3, 4, 3)))
@settings(deadline=None, max_examples=30)
def test_luma_is_the_weighted_sum(colours: Pixels) -> None:
    luma = images.with_channels(colours, 1)[..., 0]
    # OpenCV's weights have 14 bits: a level or two of 65535
    assert np.abs(luma - colours @ np.array([0.299, 0.587, 0.114])).max() < 3


def test_content_decides_whatever_the_suffix_says(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(saved(photo(), "PNG"))
    np.testing.assert_array_equal(read(path).pixels, photo())
    assert probe(path).format == "PNG"


def test_long_picture_is_read_with_a_note() -> None:
    assert read(saved(np.zeros((10, 160), np.uint8), "PNG")).notes == ("very long: 160x10",)


def test_probe_knows_what_reading_gives(tmp_path: Path) -> None:
    files = {
        "a.png": saved(photo(), "PNG"),
        "b.jpg": saved(photo()[..., 0], "JPEG"),
        "c.tif": tiff(np.zeros((20, 30, 6), np.uint16), photometric="minisblack", planarconfig="contig"),
        "d.npy": npy(np.zeros((5, 6, 7), np.float32)),
        "e.gif": saved(Image.fromarray(photo()).quantize(8), "GIF"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        claimed, pixels = probe(tmp_path / name), read(tmp_path / name).pixels
        assert (claimed.height, claimed.width, claimed.channels) == pixels.shape
        assert claimed.dtype == pixels.dtype


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"nothing\.png"):
        read(tmp_path / "nothing.png")


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=50)
def test_noise_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(images.ImageError) as refused:
        read(data)
    assert "\n" not in str(refused.value)


def test_exif_behind_the_pixels_of_a_png_counts() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(photo(), "PNG")
    data = data[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + data[-12:]
    np.testing.assert_array_equal(read(data).pixels, np.rot90(photo(), -1))
