"""Keys over HTTP: who am I, what keys are there, a new one, one less."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adcascade.access.keys import Key, Role, Scope
from adcascade.access.store import KeyStore
from adcascade.errors import AccessError, InputError
from adcascade.server.admin.exchange import answer, body_of
from adcascade.server.admin.guard import Guard
from adcascade.server.problems import RefusalError


class KeyAsked(msgspec.Struct, kw_only=True):
    """A key to be made."""

    name: str
    role: str = "viewer"
    scopes: list[str] | None = None  # fewer than the role's
    advertisers: list[str] = []  # only these; empty: all
    days: float | None = None  # until it expires


class KeysApi:
    """The routes of keys. clock: now in UTC microseconds."""

    def __init__(self, keys: KeyStore, guard: Guard, clock: Callable[[], int]) -> None:
        self._keys, self._guard, self._clock = keys, guard, clock

    def routes(self) -> list[Route]:
        """Below /admin/v1."""
        behind = self._guard.behind
        return [
            Route("/me", self.me, methods=["GET"]),
            Route("/keys", behind("keys:write", self.all), methods=["GET"]),
            Route("/keys", behind("keys:write", self.create), methods=["POST"]),
            Route("/keys/{id}", behind("keys:write", self.revoke), methods=["DELETE"]),
        ]

    async def me(self, request: Request) -> Response:
        """The key that calls; any key may ask."""
        return answer(await self._guard.admit(request, None))

    async def all(self, request: Request, key: Key) -> Response:  # noqa: ARG002  a handler's signature
        """Every key, without its secret."""
        return answer({"items": await asyncio.to_thread(self._keys.all)})

    async def create(self, request: Request, key: Key) -> Response:
        """A new key; its text is told this once. Nobody gives away more than he has."""
        asked = await body_of(request, KeyAsked)
        if key.advertisers and not (asked.advertisers and set(asked.advertisers) <= set(key.advertisers)):
            raise AccessError(403, "advertisers that the calling key is for")
        made, text = await asyncio.to_thread(
            lambda: self._keys.create(
                asked.name,
                cast("Role", asked.role),  # the store refuses what is none
                scopes=None if asked.scopes is None else cast("tuple[Scope, ...]", tuple(asked.scopes)),
                advertisers=tuple(asked.advertisers),
                days=asked.days,
                now_us=self._clock(),
                by=f"key:{key.id}",
            )
        )
        told: dict[str, Any] = msgspec.to_builtins(made)
        return answer(told | {"key": text}, 201)

    async def revoke(self, request: Request, key: Key) -> Response:  # noqa: ARG002  a handler's signature
        """The key opens nothing from now on."""
        key_id = request.path_params["id"]
        try:
            revoked = await asyncio.to_thread(self._keys.revoke, key_id, self._clock())
        except InputError as error:
            raise RefusalError(404, "id", key_id, "the id of a key", "GET /admin/v1/keys lists them") from error
        return answer(revoked)
