"""Macros in markup and notices are those of OpenRTB 2.6, section 4.4."""

import re
from collections.abc import Iterator

from adcascade.conformance.macros import MACROS
from adcascade.conformance.reading import text
from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Finding, Outcome, Trial

LIKE_ONE = re.compile(r"\$\{?\s*(?:OPENRTB|AUCTION)[^}\s\"'&<>]*\}?", re.IGNORECASE)
RIGHT = re.compile(r"\$\{(?:" + "|".join(MACROS) + r")(?::[A-Za-z0-9_-]+)?\}")
LOSS_ONLY = re.compile(r"\$\{AUCTION_LOSS(?::[A-Za-z0-9_-]+)?\}")


def known(trial: Trial) -> Iterator[Outcome]:
    """What looks like a macro is one."""
    for offer in trial.offers:
        for name in ("adm", "nurl", "burl", "lurl"):
            used = LIKE_ONE.findall(text(offer.bid, name) or "")
            wrong = [macro for macro in used if not RIGHT.fullmatch(macro)]
            if used:
                yield Finding(f"{offer.path}.{name}", wrong[0], "no macro of section 4.4") if wrong else None


def loss_in_loss(trial: Trial) -> Iterator[Outcome]:
    """A win has no loss reason."""
    for offer in trial.offers:
        for name in ("adm", "nurl", "burl"):
            value = text(offer.bid, name)
            if value is not None and "${AUCTION_" in value:
                found = LOSS_ONLY.search(value)
                yield offer.found(name, f"{found[0]} is known to lurl alone") if found else None


MACRO = "4.4 Substitution Macros"
RULES = (
    Rule(id="macro.known", section=MACRO, says="macros are spelled as in the list", check=known),
    Rule(
        id="macro.loss",
        section=MACRO,
        says="${AUCTION_LOSS} is used in lurl only",
        check=loss_in_loss,
        level="recommended",
    ),
)
