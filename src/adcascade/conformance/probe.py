"""What is sent, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["valid", "mutated", "invalid", "win notice", "billing notice"]
Fault = Literal["", "hang", "cut off"]

JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json", "x-openrtb-version": "2.6"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request. flaw: the rule by which an invalid one must be refused; regime: a privacy law in force."""

    name: str
    about: str
    kind: Kind
    body: bytes
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)
    flaw: str = ""
    regime: str = ""
    url: str = ""  # of a notice; a bid request goes to the bidder's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. fault: why there is none; headers: names in lower case; body: as sent, still encoded."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    fault: Fault = ""
    detail: str = ""
