"""What the sources of a run look like, measured of some of them, for its models to remember."""

import logging
from collections.abc import Mapping

from i2i.choices import Component
from i2i.data.items import Items
from i2i.data.order import spread
from i2i.errors import UnknownNameError
from i2i.looks import look_of
from i2i.plugins import lookup

_log = logging.getLogger(__name__)

SAMPLED = 100
"""Images that are measured: evenly over the training split."""


def measured_looks(items: Items, known: Mapping[str, str]) -> dict[str, Component]:
    """Measure what fields look like, as validation sees them.

    Args:
        items: The training split.
        known: Columns that look like sources of a preparer -> its name; see `i2i.data.tables.ab.looks_in`.

    Returns:
        Field -> the preparer, and as options what its look measured. Fields of several columns have none, nor have
        those that are not what the look knows.

    Raises:
        DataError: If an item cannot be read.
    """
    made = {}
    for name, field in items.fields.items():
        columns = [column.name for column in field.columns]
        if field.kind == "image" and len(columns) == 1 and columns[0] in known:
            made[name] = known[columns[0]]
    found = {}
    samples = [items.still(index) for index in spread(len(items), SAMPLED)] if made else []
    for name, preparer in made.items():
        try:
            look = look_of(lookup("preparer", preparer).cls)
        except UnknownNameError as error:
            _log.warning("The model will not remember what its %s looks like: %s", name, error)
            continue
        options = look.measure([sample[name] for sample in samples]) if look else None
        if options is not None:
            found[name] = Component(name=preparer, **options)
    return found
