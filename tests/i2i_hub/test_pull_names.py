"""Whatever a repository calls its files, nothing is written outside the cache and the folder."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from bench import Bench, Files, contents
from hostile_files import ESCAPES, assert_below, hostile_names
from huggingface_hub import HfApi

from i2i.errors import DataError
from i2i_hub.download import download


class Asked(Exception):  # noqa: N818
    """The client was asked to download."""


@pytest.fixture
def download_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, ...]]:
    """Names that the client is asked for, of files that a repository has; all of them or none."""

    def asked(api: HfApi, repository: str, **options: Any) -> NoReturn:
        raise Asked(*options["allow_patterns"])

    monkeypatch.setattr(HfApi, "snapshot_download", asked)

    def names(*paths: str) -> tuple[str, ...]:
        try:
            download(HfApi(), "ada/x", "model", "0" * 40, dict.fromkeys(paths, "0" * 64))
        except Asked as asked:
            return paths[: len(asked.args)]
        except DataError:
            pass
        return ()

    return names


def test_names_that_are_fetched_stay_below_the_folder_for_pathlib_on_both_systems(
    download_of: Callable[..., tuple[str, ...]],
) -> None:
    fetched = 0
    for number, name in enumerate(hostile_names(4_000)):
        taken = download_of((f"samples/{name}.png", f"{name}.safetensors")[number % 2])
        for one in taken:
            assert_below(one, tuple(part for part in one.split("/") if part not in ("", ".")))
        fetched += len(taken)
    assert 200 < fetched < 2_000


@pytest.mark.parametrize("name", ESCAPES)
def test_name_that_leads_elsewhere_is_not_asked_for(name: str, download_of: Callable[..., tuple[str, ...]]) -> None:
    assert download_of(f"{name}.safetensors", f"samples/{name}/evil.png") == ()


@pytest.mark.parametrize("evil", [{f"{ESCAPES[0]}.safetensors": b"evil"}, {"samples/e.png": b"", "samples/E.png": b""}])
def test_repository_with_a_name_that_leads_elsewhere_is_refused_in_one_line(
    evil: Files, bench: Bench, pushed: Files, tmp_path: Path
) -> None:
    repository = bench.new_name()
    bench.hub.state.put(repository, {**pushed, **evil})
    outcome = bench("pull", repository, tmp_path / "model")
    assert outcome.code == 65
    assert re.fullmatch("Error: .* holds .* Refused.\n", outcome.err)
    assert list(tmp_path.iterdir()) == []
    assert contents(bench.home / "hub" / f"models--{repository.replace('/', '--')}" / "snapshots") == {}
