"""The one reader and writer of images: files and bytes in, (H, W, C) arrays out, and back without loss."""

from i2i.images.colour import with_channels
from i2i.images.contact_sheet import as_rgb, class_colours, contact_sheet, pictures_of, sized_for_print
from i2i.images.discovery import Discovery, Skipped, discover, printable
from i2i.images.errors import ImageError
from i2i.images.formats.header import Header
from i2i.images.formats.stored import probe, read_bytes, read_header
from i2i.images.geometry import fit, resize
from i2i.images.ranges import check_range, scaled, unscaled
from i2i.images.reader import MAX_PIXELS, Limit, Picture, from_pillow, read
from i2i.images.writer import encode, suffix_for, write
from i2i.pairs import Range

__all__ = [
    "MAX_PIXELS",
    "Discovery",
    "Header",
    "ImageError",
    "Limit",
    "Picture",
    "Range",
    "Skipped",
    "as_rgb",
    "check_range",
    "class_colours",
    "contact_sheet",
    "discover",
    "encode",
    "fit",
    "from_pillow",
    "pictures_of",
    "printable",
    "probe",
    "read",
    "read_bytes",
    "read_header",
    "resize",
    "scaled",
    "sized_for_print",
    "suffix_for",
    "unscaled",
    "with_channels",
    "write",
]
