"""Where a law or the user says no, no part of the answer carries an id of the user: OpenRTB 2.6, 2.7 and 7.5."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from urllib.parse import quote

from adcascade.conformance.reading import Document, child, objects, text
from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Finding, Outcome, Trial

SHORTEST = 8  # characters; shorter ids may occur by chance
DEVICE_IDS = ("ifa", "didsha1", "didmd5", "dpidsha1", "dpidmd5", "macsha1", "macmd5")

Regime = Callable[[Document], bool]


def coppa(request: Document) -> bool:
    """A child's request."""
    return bool(_regs(request).get("coppa") == 1)


def gdpr(request: Document) -> bool:
    """GDPR applies, and no consent string was given; fields of 2.6, and their places in `ext` before it."""
    regs, user = _regs(request), child(request, "user") or {}
    applies = 1 in (regs.get("gdpr"), (child(regs, "ext") or {}).get("gdpr"))
    return applies and not user.get("consent") and not (child(user, "ext") or {}).get("consent")


def us_privacy(request: Document) -> bool:
    """The user opted out of sale, by the US Privacy string or by Global Privacy Control."""
    regs = _regs(request)
    told = text(regs, "us_privacy") or text(child(regs, "ext"), "us_privacy") or ""
    return told[2:3] == "Y" or (child(regs, "ext") or {}).get("gpc") in (1, "1")


def device_refuses(request: Document) -> bool:
    """Do not track, or limited ad tracking."""
    device = child(request, "device") or {}
    return 1 in (device.get("dnt"), device.get("lmt"))


def _regs(request: Document) -> Document:
    return child(request, "regs") or {}


def identifiers(request: Document) -> list[str]:
    """The ids of the user and device that the request holds, and that stand nowhere where they must be repeated."""
    user, device = child(request, "user"), child(request, "device")
    eids = [*objects(user, "eids"), *objects(child(user, "ext"), "eids")]
    found = [text(user, "id"), text(user, "buyeruid"), *(text(device, name) for name in DEVICE_IDS)]
    found += [text(uid, "id") for eid in eids for uid in objects(eid, "uids")]
    repeated = [text(request, "id") or "", *(text(imp, "id") or "" for imp in objects(request, "imp"))]
    return [each for each in found if each and len(each) >= SHORTEST and not any(each in other for other in repeated)]


def leaked(identifier: str, answer: str) -> bool:
    """Whether the answer holds it: plain, as part of a URL, or in base64."""
    plain = identifier.encode("utf-8", "surrogatepass")
    encoded = b64encode(plain).decode().rstrip("=")
    return any(form in answer for form in (identifier, quote(plain, safe=""), encoded))


def _silent(applies: Regime) -> Callable[[Trial], Iterator[Outcome]]:
    """A check of the answers to requests under this regime."""

    def check(trial: Trial) -> Iterator[Outcome]:
        if trial.request is not None and trial.offers and applies(trial.request):
            yield _leak(trial, trial.request)

    return check


def gpp(trial: Trial) -> Iterator[Outcome]:
    """Examples whose GPP string says no; the string itself is not decoded here, so mutations are not judged."""
    if trial.probe.regime == "gpp" and trial.request is not None and trial.offers:
        yield _leak(trial, trial.request)


def _leak(trial: Trial, request: Document) -> Outcome:
    answer = trial.content.decode("utf-8", "replace") if isinstance(trial.content, bytes) else ""
    found = [each for each in identifiers(request) if leaked(each, answer)]
    return Finding("body", found[0], "an id of the user in the answer") if found else None


LAW = "3.2.3 Object: Regs, 7.5 Regs Resources"
RULES = (
    Rule(id="privacy.coppa", section=LAW, says="coppa=1: no id of the user in the answer", check=_silent(coppa)),
    Rule(
        id="privacy.gdpr",
        section=LAW,
        says="gdpr=1 without consent: no id of the user in the answer",
        check=_silent(gdpr),
    ),
    Rule(
        id="privacy.us",
        section=LAW,
        says="opt-out of sale or GPC: no id of the user in the answer",
        check=_silent(us_privacy),
    ),
    Rule(id="privacy.gpp", section=LAW, says="opt-out by GPP: no id of the user in the answer", check=gpp),
    Rule(
        id="privacy.device",
        section="3.2.18 Object: Device",
        says="dnt=1 or lmt=1: no id of the user in the answer",
        check=_silent(device_refuses),
    ),
)
