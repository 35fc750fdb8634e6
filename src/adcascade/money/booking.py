"""Booking: entries are appended, and every kept sum moves with them."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from adcascade.money.sql import Connection
from adcascade.money.tables import ENTRY, FEE, LEASE, REVENUE, WALLET, Entry

INSERT = f"INSERT INTO bookings ({ENTRY}) VALUES ({', '.join('?' * len(Entry.__struct_fields__))})"  # noqa: S608  constant
ADD_TO_LEASE = "UPDATE leases SET remainder = remainder + ? WHERE id = ?"
ADD_TO_WALLET = (
    "INSERT INTO wallets (advertiser, micros) VALUES (?, ?)"
    " ON CONFLICT (advertiser) DO UPDATE SET micros = wallets.micros + excluded.micros"
)
ADD_TO_BALANCE = (
    "INSERT INTO balances (campaign, day, leased, charged, fee, refunded, fee_refunded) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (campaign, day) DO UPDATE SET leased = balances.leased + excluded.leased,"
    " charged = balances.charged + excluded.charged, fee = balances.fee + excluded.fee,"
    " refunded = balances.refunded + excluded.refunded, fee_refunded = balances.fee_refunded + excluded.fee_refunded"
)


class Sums:
    """What entries add to the kept sums.

    leases: by number; wallets: by advertiser; balances: by campaign and day [leased, charged, fee, refunded, fee
    refunded], where charged and refunded are whole prices with the fee in them.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.leases: dict[int, int] = defaultdict(int)
        self.wallets: dict[str, int] = defaultdict(int)
        self.balances: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
        for entry in entries:
            self._add(entry, entry.source, -entry.micros)
            self._add(entry, entry.target, entry.micros)

    def _add(self, entry: Entry, account: str, micros: int) -> None:
        """The account holds so much more."""
        if account == LEASE:
            self.leases[entry.lease] += micros
            self.balances[entry.campaign, entry.day][0] += micros
        elif account.startswith(WALLET):
            self.wallets[entry.advertiser] += micros
        elif account in (REVENUE, FEE):
            balance = self.balances[entry.campaign, entry.day]
            is_fee = account == FEE
            if micros > 0:
                balance[1] += micros
                balance[2] += micros * is_fee
            else:
                balance[3] -= micros
                balance[4] -= micros * is_fee


def book(connection: Connection, entries: Sequence[Entry]) -> None:
    """Append the entries in their order and keep the sums; a constant number of statements."""
    if not entries:
        return
    sums = Sums(entries)
    connection.executemany(INSERT, [msgspec.structs.astuple(entry) for entry in entries])
    if sums.leases:
        connection.executemany(ADD_TO_LEASE, sorted((micros, lease) for lease, micros in sums.leases.items()))
    if sums.balances:
        connection.executemany(ADD_TO_BALANCE, [(*key, *balance) for key, balance in sorted(sums.balances.items())])
    if sums.wallets:
        connection.executemany(ADD_TO_WALLET, sorted(sums.wallets.items()))
