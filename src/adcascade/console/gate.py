"""Gate: who a request is from, and whether a request that changes something was meant.

A request is from the key that its session names, asked of the key store anew each time, so that a revoked key ends its
sessions at once, and signing out ends one in every server. What changes something must come from a page of ours
(`origin.py`), and carry the session's token: in the form's field, or in the header that htmx sends. Wrong keys are
counted by address, pages by key, and too many soon cost a wait.
"""

import asyncio
from math import ceil
from typing import NamedTuple
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request

from adcascade.access.keys import Key
from adcascade.access.limits import Limits
from adcascade.console.origin import is_our_name, is_own
from adcascade.console.session import Session, Sessions
from adcascade.console.words import seconds
from adcascade.errors import AccessError
from adcascade.server.body import read_body
from adcascade.server.front import Inside
from adcascade.server.peers import Peers
from adcascade.server.problems import RefusalError

LARGEST = 1 << 20  # bytes of a form: pictures may be in it
FIELDS = 500
FORM = "application/x-www-form-urlencoded"
HEADER, FIELD = "x-csrf-token", "csrf"


class Caller(NamedTuple):
    """A request's session, new where it brought none, and the key that signed in."""

    session: Session
    new: bool
    key: Key | None


class Gate:
    """Stands before every page."""

    def __init__(self, inside: Inside, sessions: Sessions) -> None:
        self.sessions = sessions
        self._inside, self._url = inside, inside.options.public_url
        rates = inside.admin.rates
        self._pages = Limits(rate=rates.pages, burst=rates.pages_at_once)
        self._failures = Limits(rate=rates.failures, burst=rates.failures_at_once)
        self._peers = Peers(inside.options.trusted_proxies)

    async def caller(self, request: Request, now_us: int) -> Caller:
        """Whose request it is."""
        session = self.sessions.find(request.cookies.get(self.sessions.cookie, ""), now_us)
        if session is None:
            return Caller(self.sessions.begin(now_us), new=True, key=None)
        if not session.key:
            return Caller(session, new=False, key=None)
        key = await asyncio.to_thread(self._inside.admin.keys.in_force, session.key, now_us, session.sitting)
        return Caller(session, new=False, key=key)

    def count(self, key: Key | None, now_us: int) -> None:
        """One page or part more for this key; AccessError 429 where there were too many of late."""
        wait = 0.0 if key is None else self._pages.take(key.id, now_us / 1e6)
        if wait:
            remedy = f"wait {seconds(wait)}, then load it again"
            raise AccessError(429, "fewer pages at once with this key", remedy, after_s=wait)

    def inside_open(self, request: Request) -> bool:
        """Whether this request sees without a key what the settings leave open to this machine."""
        return not self._inside.options.guard_status and is_our_name(request.headers.get("host", ""), self._url)

    async def form(self, request: Request, session: Session) -> dict[str, str]:
        """The fields of a form that this session was given; AccessError 403 where it came from elsewhere."""
        if not is_own(request.headers, self._url):
            raise AccessError(403, "a form of this console", "open the page here and send it again")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != FORM:
            raise RefusalError(415, "content-type", kind, FORM)
        headers = dict(request.scope["headers"])
        body = await read_body(request.receive, headers, limit=LARGEST, inflated=LARGEST)
        fields = _fields(body)
        token = request.headers.get(HEADER) or fields.pop(FIELD, "")
        if not self.sessions.is_token(session, token):
            raise AccessError(403, "a form of this session", "load the page again and send it once more")
        fields.pop(FIELD, None)
        return fields

    async def open(self, text: str, request: Request, now_us: int) -> Key:
        """The key of a sign-in; AccessError: 401 it opens nothing, 429 too many wrong ones from this address."""
        address, now_s = self._peers.address(request.scope), now_us / 1e6
        if wait := self._failures.exhausted(address, now_s):
            raise AccessError(429, "fewer failures from this address", f"wait {ceil(wait)} s", after_s=wait)
        try:
            key = await asyncio.to_thread(self._inside.admin.keys.open, text.strip(), now_us)
        except AccessError as error:
            self._failures.take(address, now_s)
            structlog.get_logger().warning("sign-in refused", address=address, reason=error.expected)
            raise
        structlog.get_logger().info("signed in", address=address, key=key.id)
        return key

    async def close(self, caller: Caller, now_us: int, *, everywhere: bool) -> None:
        """End the session of who signed in, or all of the key's."""
        keys, session = self._inside.admin.keys, caller.session
        if caller.key is None:
            return
        if everywhere:
            await asyncio.to_thread(keys.end_sessions, session.key, now_us)
        await asyncio.to_thread(keys.end_session, session.sitting, now_us)
        structlog.get_logger().info("signed out", key=session.key, everywhere=everywhere)


def _fields(body: bytes) -> dict[str, str]:
    """The last value of each field; RefusalError where the body is no form."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS, errors="strict")
    except ValueError as error:
        raise RefusalError(400, "body", "a form", f"at most {FIELDS} fields of UTF-8") from error
    return dict(pairs)
