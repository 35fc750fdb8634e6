"""Whether the description of the API knows an answer: what the in-process tests ask of every answer that they get.

Schemathesis asks the same of a real server, but finds only the statuses that its requests happen to bring about; here
whatever a test brings about on purpose must be described as well.
"""

import re
from functools import cache
from typing import Any

import httpx

from adcascade.server.openapi import description

Operations = dict[str, Any]


@cache
def described() -> list[tuple[re.Pattern[str], Operations]]:
    """Each path as a pattern, with its operations; an id below /admin/v1 may hold slashes, a token may not."""
    return [
        (re.compile(re.sub(r"\{(\w+)\}", lambda name: "[^/]+" if name[1] == "token" else ".+", path)), operations)
        for path, operations in description()["paths"].items()
    ]


def check_described(answer: httpx.Response) -> None:
    """AssertionError unless the answer's status is described for its path and method; 405 is for other methods."""
    method, path = answer.request.method.lower(), answer.request.url.path
    for pattern, operations in described():
        if pattern.fullmatch(path):
            known = operations[method]["responses"] if method in operations else ("405",)
            assert str(answer.status_code) in known, f"{method} {path} answered {answer.status_code}, not described"
            return
