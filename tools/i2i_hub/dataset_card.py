"""Say on a dataset's card how it came about, and to the Hub what is in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCardData

from i2i import safe_yaml
from i2i.errors import DataError
from i2i.prepared import CARD
from i2i_hub.card import DATA, publishable


def read_provenance(path: Path) -> dict[str, Any]:
    """Return what ``dataset.yaml`` says of how a dataset came about, without the places on this machine that it names.

    Returns:
        The texts ``preparer``, ``licence``, ``attribution`` and ``terms``, and the ``options`` and ``facts`` by name.

    Raises:
        DataError: If the file is damaged.
    """
    card = path / CARD
    said: Any = {}
    if card.is_file():
        try:
            said = safe_yaml.load(card.read_text(encoding="utf-8"), str(card))
        except UnicodeDecodeError:
            said = None
    if not isinstance(said, dict) or not all(isinstance(said.get(name, {}), dict) for name in ("options", "facts")):
        raise DataError(f"{str(card)!r} is damaged: it is no text of names and values. Mend or remove it.")
    return {
        **{name: str(said.get(name) or "") for name in ("preparer", "licence", "attribution", "terms")},
        **{
            name: {key: publishable(value) for key, value in said.get(name, {}).items() if value is not None}
            for name in ("options", "facts")
        },
    }


def front_matter(
    provenance: Mapping[str, Any],
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
        "license": provenance["licence"] or None,
        "task_categories": ["image-to-image"],
        "tags": ["i2i", "image-to-image", *filter(None, [provenance["preparer"]])],
        "configs": [{"config_name": "default", "data_files": files}],
        "dataset_info": described["dataset_info"],
        **more,
    }
    return {name: value for name, value in keys.items() if value is not None}
