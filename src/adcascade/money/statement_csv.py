"""Statements as CSV: one line a day for the account, with campaign empty, and one for each campaign; micros."""

import csv
import io
from collections.abc import Sequence

from adcascade.money.day import date_of
from adcascade.money.statement import Statement

NAMES = ("date", "campaign", "opening", "top_ups", "payouts", "count", "charges", "fees", "refunds", "closing")


def csv_of(days: Sequence[Statement]) -> str:
    """The file's text, with a line of names."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(NAMES)
    for day in days:
        when = date_of(day.day)
        count = sum(line.count for line in day.charges)
        sums = (count, day.charged, day.fees, day.refunds, day.closing)
        lines.writerow((when, "", day.opening, day.top_ups, day.payouts, *sums))
        for line in day.charges:
            lines.writerow((when, line.campaign, "", "", "", line.count, line.micros, line.fee, "", ""))
    return text.getvalue()
