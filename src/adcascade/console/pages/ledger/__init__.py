"""The ledger: wallets, accounts with statements and bookings, and the story of a bid."""

from adcascade.console.pages.ledger.page import PAGE

__all__ = ["PAGE"]
