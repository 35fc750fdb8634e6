"""All rules, in the order of the report: one file an area, one object a rule."""

from adcascade.conformance.rule import Rule
from adcascade.conformance.rules import (
    banner,
    bid,
    blocks,
    deals,
    http,
    macros,
    native,
    notices,
    privacy,
    refusal,
    response,
    vast,
)

AREAS = (http, refusal, response, bid, blocks, deals, banner, native, vast, macros, privacy, notices)
RULES: tuple[Rule, ...] = tuple(rule for area in AREAS for rule in area.RULES)
