"""Checks of single values, each of which raises InputError with the field as the caller writes it."""

import math
from urllib.parse import urlsplit

from adcascade.errors import InputError

MAX_MICROS = 10**15  # a thousand million units; times 1000 it still fits int64
MAX_INT64 = 2**63 - 1
MAX_ID = 255  # characters
MAX_TEXT = 20_000
MAX_IMAGE = 200_000  # of an image inside its URI


def check_id(value: str, at: str) -> None:
    """A text that can be a key."""
    if not value or "\0" in value or len(value) > MAX_ID:
        raise InputError(at, value, f"a text of 1 to {MAX_ID} characters that holds no NUL")


def check_text(value: str, at: str) -> None:
    """A text that every database keeps."""
    if "\0" in value or len(value) > MAX_TEXT:
        raise InputError(at, value, f"a text of at most {MAX_TEXT} characters that holds no NUL")


def check_money(value: int | None, at: str) -> None:
    """Micros; None is for the caller to allow."""
    if value is not None and not 0 <= value <= MAX_MICROS:
        raise InputError(at, value, f"micros from 0 to {MAX_MICROS}")


def check_range(value: int, at: str, low: int, high: int) -> None:
    """A whole number between two others."""
    if not low <= value <= high:
        raise InputError(at, value, f"a whole number from {low} to {high}")


def check_finite(value: float, at: str) -> None:
    """Neither infinite nor NaN."""
    if not math.isfinite(value):
        raise InputError(at, value, "a finite number")


def check_url(value: str, at: str) -> None:
    """Empty, or absolute over HTTP: nothing else is ever redirected to or put into a page."""
    if not value:
        return
    check_text(value, at)
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not any(map(str.isspace, value))
    except ValueError:
        good = False
    if not good:
        raise InputError(at, value, "a URL that begins with http:// or https://")


def check_image(value: str, at: str) -> None:
    """As check_url, or the image itself as a data URI."""
    if not value.startswith("data:image/"):
        check_url(value, at)
    elif "\0" in value or len(value) > MAX_IMAGE:
        raise InputError(at, value, f"a data URI of at most {MAX_IMAGE} characters", "give the image's address")
