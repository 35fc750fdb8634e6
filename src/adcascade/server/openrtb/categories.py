"""Categories: codes of an exchange's taxonomy and paths of the catalog."""

from collections.abc import Mapping, Sequence

from adcascade.catalog.words import parents
from adcascade.server.options import ServerOptions

FIRST = 1  # taxonomy 1.0, which holds where a request names none


def known_codes(cattax: int | None, options: ServerOptions) -> Mapping[str, str] | None:
    """Code to path in the request's taxonomy; None where it is one of which nothing is known."""
    if cattax in (None, 0, FIRST):
        return options.categories
    return options.taxonomies.get(str(cattax))


def named(codes: Sequence[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """The paths that the codes stand for; a code that stands for none stays as it is."""
    return tuple(dict.fromkeys([known.get(code, code) for code in codes] if known else codes))


class Codes:
    """The other way: the code of an ad's narrowest translated category, per taxonomy."""

    def __init__(self, options: ServerOptions) -> None:
        self._own = {path: code for code, path in options.categories.items()}
        self._others = {
            int(number): {path: code for code, path in known.items()}
            for number, known in options.taxonomies.items()
            if number.isdigit()
        }

    def of(self, path: str, iab: Sequence[str], cattax: int | None) -> list[str]:
        """What an ad says that it is: its own codes in the first taxonomy, else the translation of its category."""
        first = cattax in (None, 0, FIRST)
        if first and iab:
            return list(iab)
        codes = self._own if first else self._others.get(cattax or 0)
        if not codes:
            return []
        return next(([codes[one]] for one in reversed(parents(path)) if one in codes), [])
