"""Money over HTTP: wallets, statements, bookings, and orders that move money, each taken once by its id."""

import asyncio
from collections.abc import Callable
from datetime import date
from itertools import islice
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adcascade.access.keys import Key
from adcascade.catalog.nouns import Advertiser
from adcascade.catalog.store import CatalogStore
from adcascade.errors import InputError
from adcascade.money.books import Books, Transfer
from adcascade.money.day import date_of, number_of
from adcascade.money.statement import Statement
from adcascade.money.tables import Entry
from adcascade.server.admin.exchange import answer, body_of, check_known
from adcascade.server.admin.exchange import number_of as number_in
from adcascade.server.admin.guard import Guard
from adcascade.server.admin.owners import check_sees
from adcascade.server.problems import RefusalError

WEEK = 7
MOST = 1_000  # bookings of one answer


class TransferAsked(msgspec.Struct, kw_only=True):
    """Money to be moved. id: yours, taken once for life, so send it again with every retry."""

    id: str
    kind: Literal["top_up", "payout", "refund"]
    advertiser: str
    micros: int = 0  # of a refund, 0: all that is left of the bid's charge
    bid_id: str = ""  # of a refund
    note: str = ""


class TransferTold(msgspec.Struct, kw_only=True):
    """What became of an order: accepted, or duplicate where its id was known; and what moved now."""

    id: str
    status: str
    micros: int


class WalletTold(msgspec.Struct, kw_only=True):
    """What is free in an advertiser's wallet: neither charged nor promised; below zero where it owes."""

    advertiser: str
    micros: int
    currency: str
    prepaid: bool


class MoneyApi:
    """The routes of money; blocking calls run in threads. clock: now in UTC microseconds."""

    def __init__(self, books: Books, catalog: CatalogStore, guard: Guard, clock: Callable[[], int]) -> None:
        self._books, self._catalog, self._guard, self._clock = books, catalog, guard, clock

    def routes(self) -> list[Route]:
        """Below /admin/v1."""
        behind = self._guard.behind
        return [
            Route("/wallets/{advertiser:path}", behind("money:read", self.wallet), methods=["GET"]),
            Route("/statements/{advertiser:path}", behind("money:read", self.statements), methods=["GET"]),
            Route("/transfers", behind("money:write", self.transfer), methods=["POST"]),
            Route("/bookings", behind("money:read", self.bookings), methods=["GET"]),
            Route("/ledger", behind("system:read", self.verify), methods=["GET"]),
        ]

    async def wallet(self, request: Request, key: Key) -> Response:
        """What is free in one wallet."""
        advertiser = request.path_params["advertiser"]
        return answer(await asyncio.to_thread(self._wallet, key, advertiser))

    async def statements(self, request: Request, key: Key) -> Response:
        """One statement a day, of the advertiser's own days; the last week unless it is said otherwise."""
        check_known(request, "from", "to")
        first, last = request.query_params.get("from"), request.query_params.get("to")
        told = await asyncio.to_thread(self._statements, key, request.path_params["advertiser"], first, last)
        return answer({"items": told})

    async def transfer(self, request: Request, key: Key) -> Response:
        """Order a transfer; the same order twice moves money once."""
        asked = await body_of(request, TransferAsked)
        receipt = await asyncio.to_thread(self._transfer, key, asked)
        return answer(receipt)

    async def bookings(self, request: Request, key: Key) -> Response:
        """Bookings in order, of one advertiser, of one bid, or all."""
        check_known(request, "after", "limit", "advertiser", "bid")
        advertiser, bid = request.query_params.get("advertiser"), request.query_params.get("bid")
        if key.advertisers:
            check_sees(key, advertiser or "")
        after = number_in(request, "after", 0, low=0, high=2**62)
        limit = number_in(request, "limit", 100, low=1, high=MOST)
        found = await asyncio.to_thread(
            lambda: list(islice(self._books.entries(after, advertiser=advertiser, bid_id=bid), limit))
        )
        return answer({"items": [_booking(number, entry) for number, entry in found]})

    async def verify(self, request: Request, key: Key) -> Response:  # noqa: ARG002  a handler's signature
        """Every balance recomputed from the bookings; what differs."""
        differences = await asyncio.to_thread(self._books.verify)
        return answer({"balanced": not differences, "differences": differences})

    def _wallet(self, key: Key, name: str) -> WalletTold:
        advertiser = self._known(key, name)
        found = self._books.wallets([name]).result()
        page = self._catalog.page("campaigns", limit=1)
        currency = getattr(page.nouns[0].noun, "currency", "") if page.nouns else ""
        return WalletTold(advertiser=name, micros=found.get(name, 0), currency=currency, prepaid=advertiser.prepaid)

    def _statements(self, key: Key, name: str, first: str | None, last: str | None) -> list[dict[str, Any]]:
        self._known(key, name)
        until = self._books.today(name, self._clock()) if last is None else _day("to", last)
        since = until - WEEK + 1 if first is None else _day("from", first)
        return [_statement(one) for one in self._books.statements(name, since, until)]

    def _transfer(self, key: Key, asked: TransferAsked) -> TransferTold:
        self._known(key, asked.advertiser)
        order = Transfer(
            id=asked.id,
            kind=asked.kind,
            advertiser=asked.advertiser,
            micros=asked.micros,
            time_us=self._clock(),
            bid_id=asked.bid_id,
            note=asked.note,
            by=f"key:{key.id}:{key.name}",
        )
        receipt = self._books.transfer(order).result()
        return TransferTold(id=asked.id, status=receipt.status, micros=receipt.charged_micros)

    def _known(self, key: Key, name: str) -> Advertiser:
        """The advertiser, where it is there and the key may see it."""
        found = self._catalog.find_advertiser(name) if key.sees(name) else None
        if found is None:
            raise RefusalError(
                404, "advertiser", name, "the id of an advertiser", "GET /admin/v1/advertisers lists them"
            )
        return found


def _day(field: str, text: str) -> int:
    try:
        return number_of(date.fromisoformat(text))
    except ValueError as error:
        raise InputError(field, text, "a day, as 2026-03-31") from error


def _statement(one: Statement) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(one)
    return {"date": str(date_of(one.day))} | told


def _booking(number: int, entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(entry)
    return {"number": number} | told
