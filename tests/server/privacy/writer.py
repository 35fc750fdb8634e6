"""The other way round: consent strings out of what they say, bit by bit as the specifications lay them out."""

from collections.abc import Iterable, Sequence

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
Ranges = Sequence[tuple[int, int]]


def text_of(bits: str) -> str:
    """Six bits a character, zeros behind the end."""
    padded = bits + "0" * (-len(bits) % 6)
    return "".join(ALPHABET[int(padded[at : at + 6], 2)] for at in range(0, len(padded), 6))


def number(value: int, width: int) -> str:
    """As so many bits."""
    return format(value, f"0{width}b")


def chosen(members: Iterable[int], width: int) -> str:
    """A bit for each place from 1."""
    return "".join("1" if place in set(members) else "0" for place in range(1, width + 1))


def ranged(ranges: Ranges) -> str:
    """A count, then single ids and ranges."""
    entries = ["0" + number(a, 16) if a == b else "1" + number(a, 16) + number(b, 16) for a, b in ranges]
    return number(len(ranges), 12) + "".join(entries)


def vendors(given: Iterable[int] | Ranges) -> str:
    """A section of vendors: ranges where pairs are given, else a bit field."""
    told = list(given)
    if told and isinstance(told[0], tuple):
        pairs: Ranges = told  # type: ignore[assignment]
        return number(max(last for _, last in pairs), 16) + "1" + ranged(pairs)
    ids: list[int] = told  # type: ignore[assignment]
    width = max(ids, default=0)
    return number(width, 16) + "0" + chosen(ids, width)


def tcf(  # noqa: PLR0917  all that a string says
    consents: Iterable[int] = (),
    interests: Iterable[int] = (),
    by_consent: Iterable[int] | Ranges = (),
    by_interest: Iterable[int] | Ranges = (),
    restrictions: Sequence[tuple[int, int, Ranges]] = (),
    version: int = 2,
) -> str:
    """A core segment of TCF."""
    head = number(version, 6) + number(15_000_000_000, 36) * 2 + number(31, 12) + number(1, 12) + number(0, 6)
    language, list_and_policy, flags = number(4, 6) + number(13, 6), number(100, 12) + number(4, 6), "10"
    purposes = chosen(consents, 24) + chosen(interests, 24)
    publisher = "0" + number(3, 6) + number(4, 6)
    limits = number(len(restrictions), 12) + "".join(
        number(purpose, 6) + number(kind, 2) + ranged(ranges) for purpose, kind, ranges in restrictions
    )
    body = head + language + list_and_policy + flags + "0" * 12 + purposes + publisher
    return text_of(body + vendors(by_consent) + vendors(by_interest) + limits)


def fibonacci(value: int) -> str:
    """A sum of Fibonacci numbers, the greatest first, then read from the smallest, and a closing one."""
    weights = [1, 2]
    while weights[-1] <= value:
        weights.append(weights[-1] + weights[-2])
    bits = ""
    for weight in reversed(weights):
        taken = weight <= value
        value -= weight if taken else 0
        bits += "1" if taken else "0"
    return bits.lstrip("0")[::-1] + "1"


def gpp(sections: dict[int, str]) -> str:
    """A whole string; each section on its own, none as a range."""
    ids, last, coded = sorted(sections), 0, ""
    for one in ids:
        coded += "0" + fibonacci(one - last)
        last = one
    header = text_of(number(3, 6) + number(1, 6) + number(len(ids), 12) + coded)
    return "~".join([header, *(sections[one] for one in ids)])


def state(section: int, choices: Sequence[int], *, gpc: bool | None = None, version: int = 1) -> str:
    """A section of a US state: notices that were given, choices, and what follows them as zeros."""
    notices = {7: 6, 11: 4, 18: 4}.get(section, 3)
    core = text_of(number(version, 6) + "01" * notices + "".join(number(one, 2) for one in choices) + "0" * 40)
    return core if gpc is None else f"{core}.{text_of('01' + ('1' if gpc else '0'))}"
