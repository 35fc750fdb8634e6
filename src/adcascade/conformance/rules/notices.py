"""Win and billing notices, called with `--notices`: OpenRTB 2.6, sections 2.1 and 4.2.3."""

from collections.abc import Callable, Iterator

from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Finding, Outcome, Trial


def _taken(kind: str) -> Callable[[Trial], Iterator[Outcome]]:
    """A check of the notices of this kind."""

    def check(trial: Trial) -> Iterator[Outcome]:
        if trial.probe.kind == kind and not trial.reply.fault:
            right = 200 <= trial.reply.status < 300
            yield None if right else Finding(trial.probe.url, trial.reply.status, "a notice is answered by 200 or 204")

    return check


RULES = (
    Rule(
        id="notice.win", section="2.1 Transport, 4.2.3 nurl", says="win notices are taken", check=_taken("win notice")
    ),
    Rule(
        id="notice.billing",
        section="2.1 Transport, 4.2.3 burl",
        says="billing notices are taken",
        check=_taken("billing notice"),
    ),
)
