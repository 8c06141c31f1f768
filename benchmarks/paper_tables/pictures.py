"""Pictures as in the paper's figures 4, 5, 6 and 9, of the first seed: frames below each other, cells side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from i2i import images
from i2i.pairs import Pixels
from paper_tables.cells import Profile
from paper_tables.streets import Tested, coloured

SHOWN = 6
MAGNIFIED = 256
"""Height and width at which images are shown, each pixel as a square where they are smaller."""


def draw(made: Mapping[str, Sequence[Pixels]], tested: Tested, profile: Profile, folder: Path) -> None:
    """Draw the figures whose cells are there.

    Args:
        made: By cell, what the first seed made of each frame: photographs, or ids of labels.
        tested: The frames.
        profile: At which size.
        folder: Folder of the pictures.
    """
    folder.mkdir(exist_ok=True)
    patches = {f"{patch}x{patch}": f"photo-patch-{patch}" for patch in profile.patches}
    patches[f"{profile.default_patch}x{profile.default_patch}"] = "photo-l1-cgan"
    photos = {"input": tested.colours, "ground truth": tested.photos}
    labels = {"input": tested.photos, "ground truth": tested.colours}
    losses = {"L1": "photo-l1", "GAN": "photo-gan", "cGAN": "photo-cgan"}
    generators = {
        "encoder-decoder L1": "photo-encoder-decoder-l1",
        "encoder-decoder L1+cGAN": "photo-encoder-decoder-l1-cgan",
        "U-Net L1": "photo-l1",
        "U-Net L1+cGAN": "photo-l1-cgan",
    }
    tasks = {name: f"labels-{name.lower().replace('+', '-')}" for name in ("L1", "cGAN", "L1+cGAN", "cross-entropy")}
    _sheet(folder / "figure-4.png", photos, losses | {"L1+GAN": "photo-l1-gan", "L1+cGAN": "photo-l1-cgan"}, made)
    _sheet(folder / "figure-5.png", photos, generators, made)
    _sheet(folder / "figure-6.png", photos, {"L1": "photo-l1"} | patches, made)
    _sheet(folder / "figure-9.png", labels, tasks, made)


def _sheet(
    file: Path,
    given: Mapping[str, Sequence[Pixels]],
    cells: Mapping[str, str],
    made: Mapping[str, Sequence[Pixels]],
) -> None:
    columns = dict(given) | {name: made[cell] for name, cell in cells.items() if cell in made}
    count = len(given["input"])
    chosen = [(2 * place + 1) * count // (2 * SHOWN) for place in range(SHOWN)]
    rows = [[_shown(column[index]) for column in columns.values()] for index in chosen]
    images.write(file, images.contact_sheet(rows, list(columns)))


def _shown(pixels: Pixels) -> Pixels:
    shown = coloured(pixels) if pixels.shape[2] == 1 else pixels
    times = max(1, MAGNIFIED // shown.shape[0])
    return shown.repeat(times, 0).repeat(times, 1)
