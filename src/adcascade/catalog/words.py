"""The words of a text, the same for targeting, for retrieval's rules and for what is asked of them."""

import re
import unicodedata

_WORD = re.compile(r"\w+")


def words(text: str) -> tuple[str, ...]:
    """The words in order, folded so that case and compatible forms of a letter do not matter.

    >>> words("Red SHOES, size 42")
    ('red', 'shoes', 'size', '42')
    """
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def parents(path: str) -> list[str]:
    """A category and all above it, the highest first.

    >>> parents("sports/shoes/running")
    ['sports', 'sports/shoes', 'sports/shoes/running']
    """
    parts = path.split("/") if path else []
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]
