"""Text of strangers, such as names of files, as it can be shown."""


def visible(text: str) -> str:
    r"""Return text without what a terminal would obey instead of show: ``\x1b`` and so on are spelt out.

    Example:
        >>> visible("a\x1b[2Jb\u202ec"), visible("naïve\n画")
        ('a\\x1b[2Jb\\u202ec', 'naïve\n画')
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text)
