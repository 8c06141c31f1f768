"""Say on a dataset's card how it came about, and to the Hub what is in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import datasets
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCardData

from i2i import safe_yaml
from i2i.errors import DataError
from i2i.preparation.folder import DatasetFolder
from i2i_hub.card import publishable

DATA = "data"
"""The folder of a repository with its Parquet files."""


class Provenance(NamedTuple):
    """How a dataset came about, as far as ``dataset.yaml`` tells."""

    preparer: str = ""
    options: Mapping[str, Any] = {}
    facts: Mapping[str, Any] = {}
    """How its sources were understood."""
    licence: str = ""
    attribution: str = ""
    terms: str = ""


def read_provenance(path: Path) -> Provenance:
    """Return what ``dataset.yaml`` says, without the places on this machine that it names.

    Raises:
        DataError: If the file is damaged.
    """
    card = DatasetFolder(path).card
    if not card.is_file():
        return Provenance()
    try:
        said = safe_yaml.load(card.read_text(encoding="utf-8"), str(card))
    except UnicodeDecodeError:
        said = None
    if not isinstance(said, dict) or not all(isinstance(said.get(name, {}), dict) for name in ("options", "facts")):
        raise DataError(f"{str(card)!r} is damaged: it is no text of names and values. Mend or remove it.")
    options, facts = (
        {key: publishable(value) for key, value in said.get(name, {}).items() if value is not None}
        for name in ("options", "facts")
    )
    texts = (str(said.get(name) or "") for name in ("licence", "attribution", "terms"))
    return Provenance(str(said.get("preparer") or ""), options, facts, *texts)


def front_matter(
    provenance: Provenance,
    features: datasets.Features,
    splits: Sequence[Mapping[str, Any]],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the Hub searches and shows of a dataset, and how its files are read.

    Args:
        provenance: How it came about.
        features: Its columns.
        splits: Name, ``num_examples`` and ``num_bytes`` of each.
        more: Further keys.
    """
    info = datasets.DatasetInfo(
        features=features, splits=list(splits), dataset_size=sum(split["num_bytes"] for split in splits)
    )
    described = DatasetCardData()
    DatasetInfosDict({"default": info}).to_dataset_card_data(described)
    files = [{"split": split["name"], "path": f"{DATA}/{split['name']}-*.parquet"} for split in splits]
    keys: dict[str, Any] = {
        "license": provenance.licence or None,
        "task_categories": ["image-to-image"],
        "tags": ["i2i", "image-to-image", *([provenance.preparer] if provenance.preparer else [])],
        "configs": [{"config_name": "default", "data_files": files}],
        "dataset_info": described["dataset_info"],
        **more,
    }
    return {name: value for name, value in keys.items() if value is not None}
