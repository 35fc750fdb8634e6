"""Every exception that adcascade raises on purpose: whose fault it is, and what to do.

    AdcascadeError
    ├── CallerError              the one who asked is wrong; HTTP 400, exit status 2
    │   ├── InputError           a field holds a value that cannot be used
    │   │   └── BusyError        it could be used, but another is being answered; HTTP 429
    │   ├── ConflictError        somebody else changed it first; HTTP 412
    │   ├── RowError             a row of an imported file cannot be used
    │   ├── SignatureError       a tracking URL is forged, damaged or expired
    │   └── AccessError          an API key is missing, wrong, or does not allow this; HTTP 401, 403 or 429
    ├── ConfigurationError       adcascade.toml or the environment is wrong; exit status 2
    ├── DataMissingError         data that a command needs is not there; says how to get it
    ├── BundleError              a bundle is damaged or does not fit this version
    ├── WorkerError              processes that train together failed, or did not find each other
    ├── StoreError               the disk or the database refuses; nothing was acknowledged
    └── InternalError            adcascade contradicts itself: please report it

A message says the value received, what was expected, and what to do.
"""

from pathlib import Path


class AdcascadeError(Exception):
    """Whatever adcascade raises on purpose."""


class CallerError(AdcascadeError):
    """The caller sent something that cannot be used."""


class InputError(CallerError):
    """A field holds a value that cannot be used.

    field: where, written as the caller would (`imp[0].bidfloor`); value: what came; expected: what
    would be right; remedy: what to do now.
    """

    def __init__(self, field: str, value: object, expected: str, remedy: str = "") -> None:
        self.field, self.value, self.expected, self.remedy = field, value, expected, remedy
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        super().__init__(f"{field} is {shown}; expected {expected}" + (f"; {remedy}" if remedy else ""))


class BusyError(InputError):
    """The same question with another value is being answered, and this process answers one at a time."""


class RowError(CallerError):
    """A row of an imported file cannot be used: file, row (1 is the first data row), column, value, expectation."""

    def __init__(self, file: Path | str, row: int, column: str, value: object, expected: str) -> None:
        self.file, self.row, self.column, self.value, self.expected = file, row, column, value, expected
        super().__init__(
            f"{file}, row {row}, column {column!r}: {value!r} is not {expected}; "
            "mend the row, or pass --on-error skip to skip and count such rows"
        )


class ConflictError(CallerError):
    """A noun is not as the caller saw it: another write came first, and nothing of this one was kept.

    kind: "campaign"; version: what the caller expected, 0 for "not there"; current: the version that changed it last,
    0 where it is not there.
    """

    def __init__(self, kind: str, noun_id: str, version: int, current: int) -> None:
        self.kind, self.id, self.version, self.current = kind, noun_id, version, current
        found = f"has version {current}" if current else "is not there"
        wanted = f"version {version}" if version else "that there is none"
        super().__init__(f"{kind} {noun_id!r} {found}; expected {wanted}; read it again and repeat the change")


class SignatureError(CallerError):
    """A tracking URL is forged, damaged or expired."""


class AccessError(CallerError):
    """Who calls is not known (401), may not do this (403), or calls too often (429).

    expected: what would be right; after_s: when to try again.
    """

    def __init__(self, status: int, expected: str, remedy: str = "", *, after_s: float = 0.0) -> None:
        self.status, self.expected, self.remedy, self.after_s = status, expected, remedy, after_s
        super().__init__(f"the API key does not do; expected {expected}" + (f"; {remedy}" if remedy else ""))


class ConfigurationError(AdcascadeError):
    """adcascade.toml or the environment is wrong."""


class DataMissingError(AdcascadeError):
    """Data that a command needs is not there."""


class BundleError(AdcascadeError):
    """A bundle is damaged or does not fit this version."""


class WorkerError(AdcascadeError):
    """Processes that train together failed more often than allowed, or did not find each other."""


class StoreError(AdcascadeError):
    """The disk or the database refuses; nothing of the call was acknowledged."""


class InternalError(AdcascadeError):
    """adcascade contradicts itself."""
