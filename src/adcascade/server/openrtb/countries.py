"""Countries: OpenRTB writes three letters, the catalog two (ISO 3166-1 alpha-3 and alpha-2)."""

from importlib.resources import files

import msgspec

_TABLE = files("adcascade.server.openrtb") / "countries.json"
ALPHA_2 = msgspec.json.decode(_TABLE.read_bytes(), type=dict[str, str])


def two_letters(country: str) -> str:
    """The catalog's name of a country: "DEU" -> "DE"; two letters and what is unknown stay, in capitals."""
    upper = country.upper()
    return ALPHA_2.get(upper, upper)
