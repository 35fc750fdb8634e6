"""Notices: what an exchange says became of a bid. Each is logged once; a loss gives the promised money back at once.

A notice comes by a signed URL, so the bid in it is genuine; price and reason are the exchange's word, which teaches
and never charges. A loss frees a promise only where nothing says that the bid won: no notice, no impression.
"""

from adcascade.cascade.answer import EventReceipt, IncomingNotice
from adcascade.cascade.memory import Memory
from adcascade.cascade.till import TEST, Till
from adcascade.events.journal import Journal
from adcascade.events.records import Notice
from adcascade.money.bank import Bank

TEST_RECEIPT = "a test: not logged"


async def take_notice(notice: IncomingNotice, till: Till, journal: Journal, memory: Memory) -> EventReceipt:
    """Log a notice and act on it; on disk when it returns. SignatureError: its token was not issued here."""
    token = till.signer.open(notice.token, till.clock_us(), late=True)
    name = f"{notice.kind}:{token.bid_id}"
    if token.billing == TEST:
        return EventReceipt(id=name, status="accepted", reason=TEST_RECEIPT)
    record = Notice(
        id=name,
        time_us=notice.time_us,
        bid_id=token.bid_id,
        kind=notice.kind,
        price_micros=notice.price_micros,
        currency=notice.currency,
        seat=notice.seat,
        loss=notice.loss,
        min_to_win_micros=notice.min_to_win_micros,
        bid_ratio=notice.bid_ratio,
        multiplier=notice.multiplier,
        seen_us=notice.seen_us,
    )
    receipt = await journal.accept(record)
    if receipt.status == "accepted":
        heed(record, till.bank, memory)
    return EventReceipt(id=name, status=receipt.status, reason=receipt.reason)


def heed(record: Notice, bank: Bank, memory: Memory) -> None:
    """Act on a notice that is in the log, whoever wrote it; a promise that another process made is not held here."""
    if record.kind in ("win", "billing"):
        memory.won(record.bid_id)
    elif record.kind == "loss" and not memory.has_won(record.bid_id):
        bank.release(record.bid_id)
