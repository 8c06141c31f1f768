"""Places that people type: paths of this machine, and addresses."""

import re

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # two letters at least: one is a drive of Windows


def is_url(place: str) -> bool:
    """Whether a place is an address such as ``s3://bucket/set``, and not a path.

    Example:
        >>> is_url("hf://ada/faces"), is_url("C://faces"), is_url("./a://b")
        (True, False, False)
    """
    return ADDRESS.match(place) is not None
