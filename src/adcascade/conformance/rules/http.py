"""Transport: OpenRTB 2.6, sections 2.1 to 2.5."""

import re
from collections.abc import Iterator

from adcascade.conformance.reading import whole
from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Finding, Outcome, Trial

VERSION = re.compile(r"2\.\d{1,2}(-\d{6})?")
JSON_TYPES = ("application/json", "text/json", "application/openrtb+json")


def _arrived(trial: Trial) -> bool:
    return not trial.reply.fault


def answered(trial: Trial) -> Iterator[Outcome]:
    """Something came back."""
    if trial.reply.fault != "hang":
        yield Finding("", trial.reply.detail, "the connection ended without an answer") if trial.reply.fault else None


def in_time(trial: Trial) -> Iterator[Outcome]:
    """Something came back at all."""
    hung = trial.reply.fault == "hang"
    yield Finding("", f"{trial.reply.seconds:.1f} s", "no answer within the suite's time limit") if hung else None


def no_server_error(trial: Trial) -> Iterator[Outcome]:
    """Never 5xx."""
    if _arrived(trial):
        failed = trial.reply.status >= 500
        yield Finding("status", trial.reply.status, "a server error") if failed else None


def status(trial: Trial) -> Iterator[Outcome]:
    """200 or 204 for what is valid; 4xx, too, for the rest. 5xx has a rule of its own."""
    got = trial.reply.status
    if not _arrived(trial) or got >= 500 or trial.probe.kind not in ("valid", "mutated", "invalid"):
        return
    allowed = got in (200, 204) or (trial.probe.kind != "valid" and 400 <= got < 500)
    yield None if allowed else Finding("status", got, "neither 200 nor 204 to a valid request, nor 4xx to another")


def within_tmax(trial: Trial) -> Iterator[Outcome]:
    """Valid requests are sent one by one, so that the time is the bidder's own."""
    tmax = whole(trial.request, "tmax")
    if trial.probe.kind == "valid" and tmax and _arrived(trial):
        took = trial.reply.seconds * 1000
        yield None if took <= tmax else Finding("", f"{took:.0f} ms", f"later than tmax, {tmax} ms")


def body_by_status(trial: Trial) -> Iterator[Outcome]:
    """204 is empty, 200 is not."""
    if trial.reply.status in (200, 204) and trial.probe.kind in ("valid", "mutated", "invalid"):
        right = bool(trial.reply.body) == (trial.reply.status == 200)
        yield None if right else Finding("body", trial.reply.body[:80], f"of a {trial.reply.status}")


def content_type(trial: Trial) -> Iterator[Outcome]:
    """The answer's format is the request's: JSON."""
    if trial.answers and trial.reply.body:
        kind = trial.reply.headers.get("content-type", "")
        right = kind.partition(";")[0].strip().lower() in JSON_TYPES
        yield None if right else Finding("content-type", kind, "not application/json")


def encoding(trial: Trial) -> Iterator[Outcome]:
    """Encoded only where the request accepts it, and decodable."""
    used = trial.reply.headers.get("content-encoding")
    if trial.answers and used is not None:
        if used.strip().lower() not in trial.probe.headers.get("accept-encoding", "").lower():
            yield Finding("content-encoding", used, "not among the request's accept-encoding")
        else:
            yield Finding("body", used, trial.content) if isinstance(trial.content, str) else None


def version_present(trial: Trial) -> Iterator[Outcome]:
    """Answers name the protocol's version."""
    if trial.probe.kind == "valid" and trial.reply.status in (200, 204):
        given = "x-openrtb-version" in trial.reply.headers
        yield None if given else Finding("x-openrtb-version", None, "absent")


def version_form(trial: Trial) -> Iterator[Outcome]:
    """<major>.<minor>."""
    version = trial.reply.headers.get("x-openrtb-version")
    if version is not None:
        right = VERSION.fullmatch(version.strip()) is not None
        yield None if right else Finding("x-openrtb-version", version, "not 2.<minor>")


def keep_alive(trial: Trial) -> Iterator[Outcome]:
    """The connection stays open after an answer."""
    if trial.probe.kind == "valid" and trial.reply.status in (200, 204):
        closes = trial.reply.headers.get("connection", "").lower() == "close"
        yield Finding("connection", "close", "the connection is not kept") if closes else None


RULES = (
    Rule(id="http.answer", section="2.1 Transport", says="every call is answered", check=answered),
    Rule(id="http.hang", section="2.1 Transport", says="an answer comes within the suite's limit", check=in_time),
    Rule(id="http.5xx", section="2.1 Transport", says="no request causes a server error", check=no_server_error),
    Rule(
        id="http.status",
        section="2.1 Transport",
        says="200 with content or 204 without; 4xx only to what is invalid",
        check=status,
    ),
    Rule(id="http.body", section="2.1 Transport", says="200 has a body and 204 has none", check=body_by_status),
    Rule(
        id="http.keep-alive",
        section="2.1 Transport",
        says="connections are persistent",
        check=keep_alive,
        level="recommended",
    ),
    Rule(
        id="http.content-type",
        section="2.3 Data Format",
        says="a bid response to JSON is JSON, and says so",
        check=content_type,
    ),
    Rule(
        id="http.encoding",
        section="2.4 Data Encoding",
        says="content is encoded only as the request accepts",
        check=encoding,
    ),
    Rule(
        id="http.version",
        section="2.5 OpenRTB Version HTTP Header",
        says="answers carry x-openrtb-version",
        check=version_present,
        level="recommended",
    ),
    Rule(
        id="http.version-form",
        section="2.5 OpenRTB Version HTTP Header",
        says="x-openrtb-version is <major>.<minor>",
        check=version_form,
    ),
    Rule(
        id="http.tmax",
        section="3.2.1 Object: BidRequest",
        says="bids arrive within tmax milliseconds",
        check=within_tmax,
    ),
)
