"""The form of a test request: some fields, or the whole AdRequest as JSON, and the ad to follow."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adcascade.cascade.asked import EXAMPLE, MOST_SLOTS, asked_of
from adcascade.console.form import Field, Form, Wrong, shown
from adcascade.contracts import AdRequest, Slot
from adcascade.errors import InputError
from adcascade.events.records import AuctionRecord

LONGEST = 200  # characters of a field
FIELDS = (
    Field(name="scenario", label="Scenario", hint="As pages name theirs: search, home ..."),
    Field(name="query", label="Query"),
    Field(name="category", label="Category of the page", hint="As in the catalog: sports/shoes."),
    Field(name="user", label="User", hint="Key of a user, whose history and caps then count; empty: nobody known."),
    Field(name="slots", label="Slots", kind="number", hint=f"1 to {MOST_SLOTS}."),
    Field(name="ad", label="Follow this ad", hint="Id of an ad; the answer says where it was lost, and why."),
    Field(
        name="json",
        label="Or a whole request as JSON",
        kind="textarea",
        hint=f"Instead of the fields above, but for the ad. Such as {EXAMPLE}. Its time is always now.",
    ),
)


def check_text(text: str) -> str:
    """Printable, and not too long."""
    if len(text) > LONGEST or not (text.isprintable() or not text):
        raise InputError("text", text, f"at most {LONGEST} printable characters")
    return text


def check_slots(text: str) -> int:
    """A number of slots; nothing is one."""
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MOST_SLOTS):
        raise InputError("slots", text, f"a whole number from 1 to {MOST_SLOTS}")
    return int(text)


def check_json(text: str) -> AdRequest | None:
    """A request; none where nothing is written."""
    return asked_of(text.encode(), 0, "json") if text else None


CHECKS = {
    "scenario": check_text,
    "query": check_text,
    "category": check_text,
    "user": check_text,
    "slots": check_slots,
    "ad": check_text,
    "json": check_json,
}


def request_of(good: Mapping[str, Any], now_us: int) -> AdRequest:
    """The request that the checked fields mean, as of now: another time would move the running catalog's clock."""
    whole: AdRequest | None = good["json"]
    if whole is not None:
        return msgspec.structs.replace(whole, time_us=now_us)
    return AdRequest(
        id="explained",
        time_us=now_us,
        slots=tuple(Slot(id=str(number + 1)) for number in range(good["slots"])),
        scenario=good["scenario"],
        query=good["query"],
        category=good["category"],
        user=good["user"] or None,
        test=True,
    )


def again_of(record: AuctionRecord) -> dict[str, str]:
    """The fields that ask for a recorded request's page again; the log holds no slots that stayed empty."""
    seen = record.seen
    return {
        "scenario": record.scenario,
        "query": str(seen.get("query") or ""),
        "category": str(seen.get("page_category") or ""),
        "user": record.user or "",
        "slots": str(max((one.slot for one in record.winners), default=0) + 1),
    }


def form_of(values: Mapping[str, str], wrong: dict[str, Wrong] | None = None) -> Form:
    """The form, with what was typed."""
    return Form(
        action="/cascade/try", fields=FIELDS, submit="Try it", values=shown(FIELDS, values), wrong=wrong or {},
        check_url="/cascade/check",
    )  # fmt: skip
