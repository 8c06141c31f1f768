"""Makes the folder of a study: the page with its images for the raters, and the key that tells what they saw."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from i2i import __version__, images
from i2i.errors import UsageError
from i2i.system.folders import replace_folder
from i2i_study import sessions
from i2i_study.key import KEY, Key, Session, Shown, Trial
from i2i_study.material import SUFFIXES, Image, Material, gather
from i2i_study.page import Content, Page, write_page
from i2i_study.scrambling import scramble
from i2i_study.sessions import Lengths

_Use = tuple[str | int, int]
"""``real`` or ``scrambled`` or the index of a model, and which of them."""


def make_study(
    real: Path,
    fakes: Sequence[Path],
    out: Path,
    *,
    lengths: Lengths | None = None,
    raters: int = 50,
    different_inputs: bool = False,
    limit: int | None = None,
    seed: int = 0,
    page: Page | None = None,
) -> Key:
    """Write ``key.json``, and ``page`` for the raters, into a new folder.

    Args:
        real: Folder of real images.
        fakes: Folders of what models made, one a model; a rater sees one model.
        out: The folder of the study.
        lengths: How many trials each part of a session has.
        raters: How many sessions are drawn for each model.
        different_inputs: Show a fake with the real image of another input.
        limit: Use only so many pairs.
        seed: Draws everything.
        page: How the page is to be.

    Raises:
        UsageError: If the folder is not empty: results belong to the study in it.
        DataError: If the images do not make a study; see `gather`.
        OutputError: If it cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{str(out)!r} is there already, and results may belong to it. Give another --out.")
    lengths, page = lengths or Lengths(), page or Page()
    rng = np.random.default_rng(seed)
    material = gather(real, fakes, rng, limit=limit)
    same_input = material.same_input and not different_inputs
    drawn = sessions.draw_sessions(len(material.pairs), raters, lengths, rng, same_input=same_input)
    shown = _Shown(material, drawn, lengths.attention, rng)
    plan = [
        Session(model=name, trials=[shown.trial(trial, model) for trial in session])
        for session in drawn
        for model, name in enumerate(material.models)
    ]
    key = Key(
        study=shown.checksum(plan),
        made_by=f"i2i {__version__}",
        seed=seed,
        same_input=same_input,
        models=material.models,
        notes=material.notes + _repeated(len(material.pairs), lengths),
        images=shown.about,
        sessions=plan,
    )
    replace_folder(out, _files(key, page, shown.files))
    return key


def _files(key: Key, page: Page, shown: Sequence[tuple[str, Content]]) -> Iterator[tuple[str, bytes]]:
    yield KEY, key.model_dump_json().encode()
    for name, content in write_page(key, page, shown):
        yield f"page/{name}", content


def _repeated(pairs: int, lengths: Lengths) -> list[str]:
    needed = lengths.practice + lengths.scored
    if pairs >= needed:
        return []
    return [f"{pairs} pairs for {needed} trials: a rater sees pairs again, and may know them. {needed} would do."]


class _Shown:
    """The images of the page, in an order that tells nothing, under names that tell nothing."""

    def __init__(
        self, material: Material, drawn: Sequence[Sequence[sessions.Trial]], scrambled: int, rng: np.random.Generator
    ) -> None:
        used: dict[_Use, tuple[Shown, str, Content]] = {}
        trials = [trial for session in drawn for trial in session]
        for index in sorted({trial.real for trial in trials}):
            real = material.pairs[index].real
            used["real", index] = (Shown(name=real.name, what="real"), *_file(real))
        for index in sorted({trial.fake for trial in trials if trial.part != "attention"}):
            for model, fake in enumerate(material.pairs[index].fakes):
                about = Shown(name=fake.name, what="fake", model=material.models[model])
                used[model, index] = (about, *_file(fake))
        sources = rng.permutation(len(material.pairs))
        for index in range(scrambled):
            real = material.pairs[sources[index % len(sources)]].real
            data = images.encode(scramble(images.read(real.file, channels=3).pixels, rng), ".png")
            used["scrambled", index] = (Shown(name=real.name, what="scrambled"), ".png", partial(bytes, data))
        uses = list(used)
        uses = [uses[place] for place in rng.permutation(len(uses))]
        self._places = {use: place for place, use in enumerate(uses)}
        self.about = [used[use][0] for use in uses]
        self.files = [(f"{rng.bytes(8).hex()}{used[use][1]}", used[use][2]) for use in uses]

    def trial(self, trial: sessions.Trial, model: int) -> Trial:
        fake = self._places["scrambled" if trial.part == "attention" else model, trial.fake]
        real = self._places["real", trial.real]
        return Trial(part=trial.part, images=(fake, real) if trial.place == 1 else (real, fake), fake=trial.place)

    def checksum(self, plan: Sequence[Session]) -> str:
        """Return what names the study: it depends on all images and sessions."""
        digest = hashlib.sha256()
        for _, content in self.files:
            digest.update(hashlib.sha256(content()).digest())
        for session in plan:
            digest.update(session.model_dump_json().encode())
        return digest.hexdigest()[:12]


def _file(image: Image) -> tuple[str, Content]:
    return SUFFIXES[image.format], partial(images.read_bytes, image.file)
