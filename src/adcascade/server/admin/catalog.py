"""The catalog over HTTP: read pages, put, patch, pause, remove; every write has an author and may name the version
that the writer saw."""

import asyncio
from typing import Any, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adcascade.access.keys import Key, Scope
from adcascade.catalog.audit import Author
from adcascade.catalog.kinds import KINDS, NOUN_OF, Kind, Noun
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, Offer, Status
from adcascade.catalog.pages import MOST, Filters, Sort, Stored
from adcascade.catalog.store import CatalogStore
from adcascade.catalog.writing import Versions
from adcascade.errors import ConflictError, InputError, InternalError
from adcascade.server.admin.exchange import answer, body_of, check_known, converted, expected_version, merged, number_of
from adcascade.server.admin.guard import Guard
from adcascade.server.admin.owners import Owners, check_sees
from adcascade.server.problems import RefusalError

TRIES = 3  # a patch is applied anew where another write came between
FILTERS = ("advertiser", "campaign", "ad_group", "status", "text")


class Batch(msgspec.Struct, kw_only=True):
    """Nouns of all kinds, put all or none."""

    advertisers: list[Advertiser] = []
    campaigns: list[Campaign] = []
    ad_groups: list[AdGroup] = []
    ads: list[Ad] = []


class StatusAsked(msgspec.Struct, kw_only=True):
    """Pause, end or resume many by id."""

    status: Status
    campaigns: list[str] = []
    ad_groups: list[str] = []
    ads: list[str] = []


class Offers(msgspec.Struct, kw_only=True):
    """Stock, price and margin by the ad's id, as a shop's feed tells them."""

    ads: dict[str, Offer]


class CatalogApi:
    """The routes of the four kinds. Blocking calls of the store run in threads."""

    def __init__(self, store: CatalogStore, guard: Guard) -> None:
        self._store, self._guard, self._owners = store, guard, Owners(store)

    def routes(self) -> list[Route]:
        """Below /admin/v1."""
        read: Scope = "catalog:read"
        write: Scope = "catalog:write"
        behind = self._guard.behind
        return [
            Route("/batch", behind(write, self.batch), methods=["POST"]),
            Route("/status", behind(write, self.status), methods=["POST"]),
            Route("/offers", behind(write, self.offers), methods=["POST"]),
            Route("/audit", behind("system:read", self.audit), methods=["GET"]),
            Route("/history/{kind}/{id:path}", behind(read, self.history), methods=["GET"]),
            Route("/{kind}", behind(read, self.page), methods=["GET"]),
            Route("/{kind}/{id:path}", behind(read, self.one), methods=["GET"]),
            Route("/{kind}/{id:path}", behind(write, self.put), methods=["PUT"]),
            Route("/{kind}/{id:path}", behind(write, self.patch), methods=["PATCH"]),
            Route("/{kind}/{id:path}", behind(write, self.remove), methods=["DELETE"]),
        ]

    # ---- reading

    async def page(self, request: Request, key: Key) -> Response:
        """Some nouns of a kind, in order; a key for some advertisers must name one of them."""
        kind = _kind(request)
        check_known(request, *FILTERS, "sort", "after", "limit", "count")
        told = {name: request.query_params.get(name, "") for name in FILTERS}
        if key.advertisers:
            if not told["advertiser"] and len(key.advertisers) == 1:
                told["advertiser"] = key.advertisers[0]
            check_sees(key, told["advertiser"])
        if kind == "advertisers" and told["advertiser"]:
            found = await self._find(kind, told["advertiser"])
            return answer({"items": [] if found is None else [_told(found)], "next": "", "total": None})
        page = await asyncio.to_thread(
            self._store.page,
            kind,
            filters=Filters(**told),
            sort=cast("Sort", request.query_params.get("sort", "id")),  # the store refuses what is none
            after=request.query_params.get("after", ""),
            limit=number_of(request, "limit", 100, low=1, high=MOST),
            count=request.query_params.get("count", "") in ("1", "true"),
        )
        return answer({"items": [_told(one) for one in page.nouns], "next": page.next, "total": page.total})

    async def one(self, request: Request, key: Key) -> Response:
        """One noun, with its version as ETag."""
        found = await self._mine(request, key)
        return answer(_told(found), version=found.version)

    async def history(self, request: Request, key: Key) -> Response:
        """What was done to one noun, oldest first."""
        check_known(request, "after", "limit")
        kind, noun_id = _kind(request), request.path_params["id"]
        if key.advertisers:  # of a noun that is there no more, nobody knows whose it was
            await self._mine(request, key)
        after = number_of(request, "after", 0, low=0, high=2**62)
        limit = number_of(request, "limit", 100, low=1, high=MOST)
        lines = await asyncio.to_thread(self._store.history, kind, noun_id, after=after, limit=limit)
        return answer({"items": lines})

    async def audit(self, request: Request, key: Key) -> Response:  # noqa: ARG002  a handler's signature
        """What was done by anybody, oldest first."""
        check_known(request, "after", "limit")
        after = number_of(request, "after", 0, low=0, high=2**62)
        limit = number_of(request, "limit", 100, low=1, high=MOST)
        return answer({"items": await asyncio.to_thread(self._store.audit, after=after, limit=limit)})

    # ---- writing

    async def put(self, request: Request, key: Key) -> Response:
        """Create or replace one noun; 201 where it was not there."""
        kind, noun_id = _kind(request), request.path_params["id"]
        fields = await body_of(request, dict[str, Any])
        found = await self._find(kind, noun_id)
        noun = _noun(kind, noun_id, fields)
        await self._owners.check(key, [noun])
        return await self._put(kind, noun, expected_version(request), key, 200 if found is not None else 201)

    async def patch(self, request: Request, key: Key) -> Response:
        """Change some fields of one noun (JSON merge patch)."""
        kind, noun_id = _kind(request), request.path_params["id"]
        patch, expected = await body_of(request, dict[str, Any]), expected_version(request)
        for left in range(TRIES - 1, -1, -1):
            found = await self._mine(request, key)
            noun = _noun(kind, noun_id, merged(msgspec.to_builtins(found.noun), patch))
            await self._owners.check(key, [noun])
            try:
                return await self._put(kind, noun, found.version if expected is None else expected, key, 200)
            except ConflictError:
                if expected is not None or not left:
                    raise
        raise InternalError("the last try of a patch neither returned nor raised")

    async def remove(self, request: Request, key: Key) -> Response:
        """Remove an ad for good; campaigns are ended instead."""
        kind, noun_id = _kind(request), request.path_params["id"]
        if kind != "ads":
            raise RefusalError(405, "method", "DELETE", "GET, PUT or PATCH", 'set its status to "ended"')
        await self._mine(request, key)
        expected = expected_version(request)
        versions: Versions = {} if expected is None else {(kind, noun_id): expected}
        await asyncio.to_thread(self._store.remove_ads, [noun_id], if_version=versions, author=_author(key))
        return Response(status_code=204)

    async def batch(self, request: Request, key: Key) -> Response:
        """Put many nouns, all or none."""
        asked = await body_of(request, Batch)
        nouns: list[Noun] = [*asked.advertisers, *asked.campaigns, *asked.ad_groups, *asked.ads]
        await self._owners.check(key, nouns)
        version = await asyncio.to_thread(
            self._store.put,
            asked.advertisers,
            asked.campaigns,
            asked.ads,
            ad_groups=asked.ad_groups,
            author=_author(key),
        )
        return answer({"version": version, "nouns": len(nouns)})

    async def status(self, request: Request, key: Key) -> Response:
        """Pause, end or resume many, all or none."""
        asked = await body_of(request, StatusAsked)
        await self._owners.check_ids(key, "campaigns", asked.campaigns)
        await self._owners.check_ids(key, "ad_groups", asked.ad_groups)
        await self._owners.check_ids(key, "ads", asked.ads)
        version = await asyncio.to_thread(
            self._store.set_status,
            asked.status,
            campaigns=asked.campaigns,
            ad_groups=asked.ad_groups,
            ads=asked.ads,
            author=_author(key),
        )
        return answer({"version": version})

    async def offers(self, request: Request, key: Key) -> Response:
        """Stock, price and margin of many ads, all or none."""
        asked = await body_of(request, Offers)
        await self._owners.check_ids(key, "ads", list(asked.ads))
        version = await asyncio.to_thread(self._store.set_offers, asked.ads, author=_author(key))
        return answer({"version": version})

    async def _put(self, kind: Kind, noun: Noun, expected: int | None, key: Key, status: int) -> Response:
        versions = {} if expected is None else {(kind, noun.id): expected}
        await asyncio.to_thread(self._store.put_all, {kind: [noun]}, if_version=versions, author=_author(key))
        stored = await self._find(kind, noun.id)
        if stored is None:  # removed by another right after
            raise _absent(kind, noun.id)
        return answer(_told(stored), status, version=stored.version)

    async def _find(self, kind: Kind, noun_id: str) -> Stored | None:
        return await asyncio.to_thread(self._store.find, kind, noun_id)

    async def _mine(self, request: Request, key: Key) -> Stored:
        """The noun that the path names, where the key may see it; a foreign one is as good as absent."""
        kind, noun_id = _kind(request), request.path_params["id"]
        found = await self._find(kind, noun_id)
        if found is None or not await self._owners.sees(key, found.noun):
            raise _absent(kind, noun_id)
        return found


def _kind(request: Request) -> Kind:
    kind = request.path_params["kind"]
    if kind not in KINDS:
        raise RefusalError(404, "path", request.url.path, f"one of {', '.join(KINDS)}", "see /openapi.json")
    return cast("Kind", kind)


def _noun(kind: Kind, noun_id: str, fields: dict[str, Any]) -> Noun:
    """The noun of a body; InputError names the field."""
    if fields.setdefault("id", noun_id) != noun_id:
        raise InputError("id", fields["id"], f"{noun_id!r}, as the path says", "leave it out")
    fields.pop("version", None)  # as it was read
    return converted(fields, NOUN_OF[kind])


def _told(stored: Stored) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(stored.noun)
    return told | {"version": stored.version}


def _absent(kind: Kind, noun_id: str) -> RefusalError:
    return RefusalError(404, "id", noun_id, f"the id of one of the {kind}", f"GET /admin/v1/{kind} lists them")


def _author(key: Key) -> Author:
    return Author(who=f"key:{key.id}:{key.name}")
