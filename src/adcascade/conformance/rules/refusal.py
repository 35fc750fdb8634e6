"""What is no bid request gets no bid: OpenRTB 2.6, sections 2.1, 2.3, 2.4, 3.2."""

from collections.abc import Callable, Iterator

from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Finding, Outcome, Trial


def _refused(flaw: str) -> Callable[[Trial], Iterator[Outcome]]:
    """A check of the examples that were made with this flaw."""

    def check(trial: Trial) -> Iterator[Outcome]:
        if trial.probe.flaw == flaw and not trial.reply.fault:
            bids = trial.bids
            yield Finding("seatbid", f"{bids} bids", f"in answer to: {trial.probe.about}") if bids else None

    return check


def malformed(trial: Trial) -> Iterator[Outcome]:
    """No bid for bytes that are no JSON object: examples, and whatever mutations broke."""
    if trial.probe.kind in ("mutated", "invalid") and _json_broken(trial) and not trial.reply.fault:
        bids = trial.bids
        yield Finding("seatbid", f"{bids} bids", "in answer to a body that is no JSON") if bids else None


def status_400(trial: Trial) -> Iterator[Outcome]:
    """A corrupt payload is told apart from a request that nobody wants to bid on."""
    if trial.probe.flaw == "refusal.json" and 200 <= trial.reply.status < 500:
        right = trial.reply.status >= 400 or bool(trial.bids)
        yield None if right else Finding("status", trial.reply.status, "a malformed payload is answered as a no-bid")


def no_content(trial: Trial) -> Iterator[Outcome]:
    """The specification wants 400 without content."""
    if trial.probe.kind == "invalid" and trial.reply.status == 400:
        body = trial.reply.body
        yield Finding("body", body[:80], "content with a 400") if body else None


def _json_broken(trial: Trial) -> bool:
    """Whether the body itself is broken; damaged encodings are another rule's."""
    return trial.malformed and "content-encoding" not in trial.probe.headers and trial.probe.method == "POST"


RULES = (
    Rule(
        id="refusal.json",
        section="2.1 Transport",
        says="a body that is no JSON in UTF-8 gets no bid",
        check=malformed,
    ),
    Rule(
        id="refusal.400",
        section="2.1 Transport",
        says="a malformed payload is answered with 400",
        check=status_400,
        level="recommended",
    ),
    Rule(
        id="refusal.no-content",
        section="2.1 Transport",
        says="a 400 has no content",
        check=no_content,
        level="recommended",
    ),
    Rule(
        id="refusal.method",
        section="2.1 Transport",
        says="bid requests are POST; another method gets no bid",
        check=_refused("refusal.method"),
    ),
    Rule(
        id="refusal.content-type",
        section="2.3 Data Format",
        says="a content type that the body contradicts gets no bid",
        check=_refused("refusal.content-type"),
    ),
    Rule(
        id="refusal.encoding",
        section="2.4 Data Encoding",
        says="a body that its content-encoding contradicts gets no bid",
        check=_refused("refusal.encoding"),
    ),
    Rule(
        id="refusal.request",
        section="3.2.1 Object: BidRequest",
        says="a request without id or imp, or for site and app at once, gets no bid",
        check=_refused("refusal.request"),
    ),
    Rule(
        id="refusal.imp",
        section="3.2.4 Object: Imp",
        says="an imp without id or kind, or two of one id, gets no bid",
        check=_refused("refusal.imp"),
    ),
    Rule(
        id="refusal.type",
        section="3.2 Object Specifications",
        says="a required attribute of another type gets no bid",
        check=_refused("refusal.type"),
    ),
)
