"""Codes of the IAB content taxonomy: "IAB17" is above "IAB17-1"; "483" of newer taxonomies stands alone."""

import re

CODE = re.compile(r"IAB[1-9]\d?(-[1-9]\d?)?|[1-9]\d{0,3}")
GRAMMAR = 'a code of the IAB content taxonomy such as "IAB17", "IAB17-1" or "483"'


def with_parent(code: str) -> tuple[str, ...]:
    """The code and the one above it, if there is one.

    >>> with_parent("IAB17-1")
    ('IAB17-1', 'IAB17')
    """
    parent, dash, _ = code.partition("-")
    return (code, parent) if dash else (code,)
