"""Names: numbers by name, most of them in mapped `Texts`, what changed since in a dictionary."""

from collections.abc import Iterator, MutableMapping

from adcascade.catalog.packed.texts import NOWHERE, Texts


class Names(MutableMapping[str, int]):
    """A dictionary that begins as the numbers of the listed texts."""

    def __init__(self, base: Texts) -> None:
        self._base = base
        self._own: dict[str, int] = {}  # of names that the base lacks, or that are gone from it
        self._gone: set[str] = set()  # of the base

    def _mapped(self, name: str) -> int:
        """The number in the base, NOWHERE where it is not there or gone."""
        return NOWHERE if name in self._gone else self._base.find(name)

    def __getitem__(self, name: str) -> int:
        """KeyError where there is none."""
        number = self._own.get(name, NOWHERE)
        if number == NOWHERE:
            number = self._mapped(name)
        if number == NOWHERE:
            raise KeyError(name)
        return number

    def __setitem__(self, name: str, number: int) -> None:
        """Insert or replace."""
        mapped = self._mapped(name)
        if mapped == number:
            return
        if mapped != NOWHERE:
            self._gone.add(name)
        self._own[name] = number

    def __delitem__(self, name: str) -> None:
        """KeyError where there is none."""
        if name in self._own:
            del self._own[name]
        elif self._mapped(name) != NOWHERE:
            self._gone.add(name)
        else:
            raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        """All names."""
        places = self._base.arrays["places"]
        for number in sorted(places[places != NOWHERE].tolist()):
            if (name := self._base[number]) not in self._gone:
                yield name
        yield from self._own

    def __len__(self) -> int:
        """How many names."""
        return self._base.listed - len(self._gone) + len(self._own)
