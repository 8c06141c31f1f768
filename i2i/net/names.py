"""Names that somebody else gave to files which are to be written below one folder."""

import re
import unicodedata

_ILLEGAL = re.compile(r'[\x00-\x1f\x7f\\:<>"|?*\ud800-\udfff]')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE | re.DOTALL)


class Names:
    """The names in an archive or a repository, one after another.

    Each must be one below a folder under the rules of POSIX and of Windows alike, and no two may be one where neither
    case nor the way to write an accent counts.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, bool] = {}
        """The names so far, as a file system has them that ignores case, and whether each is a folder."""

    def take(self, name: str, *, is_folder: bool = False) -> tuple[str, ...]:
        """The parts of the next name; none of the folder itself.

        Raises:
            ValueError: If it may not be written; says which name, and why.
        """
        parts = safe_parts(name)
        if parts is None or not (parts or is_folder):
            raise ValueError(f"{name!r}, which some system takes for something else than a file below a folder.")
        for end in range(1, len(parts) + 1):
            path = unicodedata.normalize("NFC", "/".join(parts[:end])).casefold()
            leads_on = end < len(parts) or is_folder
            if path in self._kinds and not (leads_on and self._kinds[path]):
                raise ValueError(f"{name!r} twice, on some systems.")
            self._kinds[path] = leads_on
        return parts


def safe_parts(name: str) -> tuple[str, ...] | None:
    """The parts of a path that every system understands as one below a folder; None if it is none.

    Refused are absolute paths and drives, ``..``, what Windows reserves (devices, ``:`` and other characters, a dot or
    space at the end), control characters, and parts of more than 255 bytes.

    Example:
        >>> safe_parts("./train/1.jpg"), safe_parts("../1.jpg"), safe_parts("aux.jpg")
        (('train', '1.jpg'), None, None)
    """
    if name.startswith("/") or _ILLEGAL.search(name):
        return None
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    unsafe = any(part.endswith((".", " ")) or _DEVICE.fullmatch(part) or len(part.encode()) > 255 for part in parts)
    return None if unsafe else parts
