"""The paper's tables: which cell each row is, what the paper found, and which orderings it claims.

Paper: Isola et al. 2017, arXiv 1611.07004v3, tables 1, 2, 3 and 6; figures are accuracy of pixels, mean accuracy of
classes and mean IoU of classes.
"""

from dataclasses import dataclass

from paper_tables.cells import Profile

Figures = tuple[float, float, float]


@dataclass(frozen=True)
class Row:
    """A row: its name in the paper, the cell that it is, and the paper's figures where it has them."""

    name: str
    cell: str
    paper: Figures | None = None


@dataclass(frozen=True)
class Table:
    """A table, and the pairs of cells of which the paper finds the first one better."""

    title: str
    rows: tuple[Row, ...]
    claims: tuple[tuple[str, str], ...]

    def named(self, cell: str) -> str:
        """Return the row's name of a cell."""
        return next(row.name for row in self.rows if row.cell == cell)


TABLE_1 = Table(
    "Table 1: objectives, labels to photograph",
    (
        Row("L1", "photo-l1", (0.42, 0.15, 0.11)),
        Row("GAN", "photo-gan", (0.22, 0.05, 0.01)),
        Row("cGAN", "photo-cgan", (0.57, 0.22, 0.16)),
        Row("L1+GAN", "photo-l1-gan", (0.64, 0.20, 0.15)),
        Row("L1+cGAN", "photo-l1-cgan", (0.66, 0.23, 0.17)),
    ),
    (
        ("photo-l1-cgan", "photo-l1"),
        ("photo-l1-cgan", "photo-cgan"),
        ("photo-l1-cgan", "photo-l1-gan"),
        ("photo-cgan", "photo-gan"),
        ("photo-cgan", "photo-l1"),
        ("photo-l1-gan", "photo-l1"),
        ("photo-l1-gan", "photo-gan"),
        ("photo-l1", "photo-gan"),
    ),
)

TABLE_2 = Table(
    "Table 2: generators, labels to photograph",
    (
        Row("encoder-decoder, L1", "photo-encoder-decoder-l1", (0.35, 0.12, 0.08)),
        Row("encoder-decoder, L1+cGAN", "photo-encoder-decoder-l1-cgan", (0.29, 0.09, 0.05)),
        Row("U-Net, L1", "photo-l1", (0.48, 0.18, 0.13)),
        Row("U-Net, L1+cGAN", "photo-l1-cgan", (0.55, 0.20, 0.14)),
    ),
    (
        ("photo-l1", "photo-encoder-decoder-l1"),
        ("photo-l1-cgan", "photo-encoder-decoder-l1-cgan"),
        ("photo-l1-cgan", "photo-l1"),
        ("photo-encoder-decoder-l1", "photo-encoder-decoder-l1-cgan"),
    ),
)

TABLE_6 = Table(
    "Table 6: objectives, photograph to labels",
    (
        Row("L1", "labels-l1", (0.86, 0.42, 0.35)),
        Row("cGAN", "labels-cgan", (0.74, 0.28, 0.22)),
        Row("L1+cGAN", "labels-l1-cgan", (0.83, 0.36, 0.29)),
        Row("cross-entropy", "labels-cross-entropy"),
    ),
    (
        ("labels-l1", "labels-l1-cgan"),
        ("labels-l1-cgan", "labels-cgan"),
        ("labels-l1", "labels-cgan"),
    ),
)

RECEPTIVE_FIELDS: dict[int, Figures] = {
    1: (0.39, 0.15, 0.10),
    16: (0.65, 0.21, 0.17),
    70: (0.66, 0.23, 0.17),
    286: (0.42, 0.16, 0.11),
}
"""Table 3, by receptive field in pixels, at images of 256 pixels."""


def tables(profile: Profile) -> list[Table]:
    """Return all tables; of table 3, the receptive fields that the profile has."""
    return [TABLE_1, TABLE_2, _receptive_fields(profile), TABLE_6]


def _receptive_fields(profile: Profile) -> Table:
    """Return table 3. Of its claims: the one that sees the whole image is worse than patches, one pixel is worst.

    The paper's figures stand beside fields of the same size in pixels. The largest field, which sees more than the
    image, is what 286 is at 256 pixels.
    """
    named = {patch: f"photo-patch-{patch}" for patch in profile.patches} | {profile.default_patch: "photo-l1-cgan"}
    rows = tuple(
        Row(f"{patch}x{patch} ({patch / profile.size:.2f} of the width)", named[patch], RECEPTIVE_FIELDS.get(patch))
        for patch in profile.patches
    )
    pixel, *patches, image = profile.patches
    claims = [(named[patch], named[worse]) for worse in (pixel, image) for patch in patches]
    return Table("Table 3: receptive fields of the discriminator, labels to photograph", rows, tuple(claims))
