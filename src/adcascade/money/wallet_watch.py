"""WalletWatch: notices that money has come into a wallet that was empty.

A top-up is booked by another process, which tells nobody. Campaigns that their wallet has stopped are therefore not
left to the bank's long retry: their advertisers' wallets are read together, about once a second, and who finds more
than at its last grant may ask again at once.
"""

from collections.abc import Collection
from concurrent.futures import Future

from adcascade.errors import StoreError
from adcascade.money.account import Account
from adcascade.money.books import Books
from adcascade.money.terms import Left

LOOK_US = 1_000_000  # between two looks


class WalletWatch:
    """One look at a time; its answer is used in a later round, so no round waits for the ledger unless it asks to."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._looking: Future[dict[str, int]] | None = None
        self._next_us = 0

    def look(self, dry: Collection[Account], now_us: int, *, wait: bool) -> int:
        """Let dry campaigns whose wallet has grown ask again; how many looks the ledger refused, 0 or 1."""
        refused = 0
        if self._looking is not None and self._looking.done():
            refused += self._enter(dry)
        poor = {account.budget.advertiser for account in dry if account.budget.prepaid}
        if self._looking is None and poor and now_us >= self._next_us:
            self._next_us = now_us + LOOK_US
            self._looking = self._books.wallets(sorted(poor))
            if wait:
                refused += self._enter(dry)
        return refused

    def _enter(self, dry: Collection[Account]) -> int:
        looking, self._looking = self._looking, None
        try:
            wallets = {} if looking is None else looking.result()
        except StoreError:
            return 1
        for account in dry:
            known, found = account.left.wallet, wallets.get(account.budget.advertiser)
            if account.budget.prepaid and found is not None and (known is None or found > known):
                account.left = Left(account.left.day, account.left.total, found)
                account.retry_us = 0
        return 0
