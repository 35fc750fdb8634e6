"""BankConfig: how a bank deals with time and money, and what it asks of the ledger therefore."""

import msgspec

from adcascade.money.leases import Ask


class BankConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How long promises and leases live, and how large a lease is."""

    ttl_us: int = 30 * 60_000_000  # a promise lives so long: the time a shopper has to click
    lease_us: int = 60 * 60_000_000  # a lease is drawn on so long before it must be renewed
    share: int = 16  # a grant is this part of what is left of the budget ...
    prices: int = 4  # ... but so many prices at least, so that small budgets need few grants
    retry_us: int = 60_000_000  # an empty budget is asked again after this
    grace_us: int = 0  # a lease is closed so long after its end: charges that it covers may still be on their way

    def ask(self, epoch: int, campaign: str, price_micros: int, now_us: int) -> Ask:
        """Of the ledger, for the owner of this epoch: a lease on a campaign whose promises cost about this price."""
        return Ask(
            epoch=epoch,
            campaign=campaign,
            least=price_micros * self.prices,
            share=self.share,
            expires_us=now_us + self.lease_us + self.ttl_us,
            ttl_us=self.ttl_us,
            now_us=now_us,
        )
