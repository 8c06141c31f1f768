"""Makes the folder of a study: the page with its images for the raters, and the key that tells what they saw."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from i2i import __version__, images
from i2i.errors import UsageError
from i2i.system.files import replace_folder
from i2i_study import sessions
from i2i_study.key import KEY, Key, Session, Shown, Trial
from i2i_study.material import SUFFIXES, Image, Material, gather
from i2i_study.page import Page, write_page
from i2i_study.scrambling import scramble
from i2i_study.sessions import Lengths


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
    shown = _Shown(material, lengths.attention, rng)
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
        images=[image for image, _, _ in shown.rows],
        sessions=plan,
    )
    data = [(f"{token}{suffix}", data) for (_, data, suffix), token in zip(shown.rows, shown.tokens, strict=True)]
    replace_folder(out, _files(key, page, data))
    return key


def _files(key: Key, page: Page, data: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    yield KEY, key.model_dump_json().encode()
    for name, content in write_page(key, page, data):
        yield f"page/{name}", content


def _repeated(pairs: int, lengths: Lengths) -> list[str]:
    needed = lengths.practice + lengths.scored
    if pairs >= needed:
        return []
    return [f"{pairs} pairs for {needed} trials: a rater sees pairs again, and may know them. {needed} would do."]


class _Shown:
    """The images of the page, in an order that tells nothing, under names that tell nothing."""

    def __init__(self, material: Material, scrambled: int, rng: np.random.Generator) -> None:
        self._places: dict[tuple[str, int], int] = {}
        self._what: list[tuple[Shown, bytes, str]] = []
        for index, pair in enumerate(material.pairs):
            self._add("real", index, Shown(name=pair.real.name, what="real"), *_content(pair.real))
            for model, fake in enumerate(pair.fakes):
                about = Shown(name=fake.name, what="fake", model=material.models[model])
                self._add(f"fake {model}", index, about, *_content(fake))
        sources = rng.permutation(len(material.pairs))
        for index in range(scrambled):
            source = material.pairs[sources[index % len(sources)]].real
            pixels = scramble(images.read(source.file, channels=3).pixels, rng)
            self._add(
                "scrambled", index, Shown(name=source.name, what="scrambled"), images.encode(pixels, ".png"), ".png"
            )
        order = rng.permutation(len(self._what))
        self.rows = [self._what[place] for place in order]
        self._index = {int(place): index for index, place in enumerate(order)}
        self.tokens = [rng.bytes(8).hex() for _ in self.rows]

    def _add(self, kind: str, index: int, about: Shown, data: bytes, suffix: str) -> None:
        self._places[kind, index] = len(self._what)
        self._what.append((about, data, suffix))

    def trial(self, trial: sessions.Trial, model: int) -> Trial:
        kind = "scrambled" if trial.part == "attention" else f"fake {model}"
        real, fake = (self._index[self._places[place]] for place in (("real", trial.real), (kind, trial.fake)))
        return Trial(part=trial.part, images=(fake, real) if trial.place == 1 else (real, fake), fake=trial.place)

    def checksum(self, plan: Sequence[Session]) -> str:
        """Return what names the study: it depends on all images and sessions."""
        digest = hashlib.sha256()
        for _, data, _ in self.rows:
            digest.update(hashlib.sha256(data).digest())
        for session in plan:
            digest.update(session.model_dump_json().encode())
        return digest.hexdigest()[:12]


def _content(image: Image) -> tuple[bytes, str]:
    return images.read_bytes(image.file), SUFFIXES[image.format]
