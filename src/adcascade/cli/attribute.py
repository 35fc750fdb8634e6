"""`adcascade attribute`: which clicks and views brought about which purchases, by any rule, from the log as it is."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table

from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.cli.options import Directory, JsonFile, require_folder, write_json
from adcascade.errors import InputError, StoreError
from adcascade.events.attribution.credits import credits_of
from adcascade.events.attribution.log import read_lines, read_touches
from adcascade.events.attribution.report import HOWS, report_of, totals_of
from adcascade.events.attribution.rule import DAY_US, Goods, Rule
from adcascade.sections import AttributionSettings
from adcascade.settings import Settings, load_settings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN = 20  # rows for people
MICROSECOND = timedelta(microseconds=1)


class ScopeName(StrEnum):
    """What must have been bought."""

    sku = "sku"
    parent = "parent"
    brand = "brand"


class ViewName(StrEnum):
    """What counts as a view."""

    impression = "impression"
    viewable = "viewable"


def attribute(  # noqa: PLR0917  typer's options
    directory: Directory = Path(),
    click_days: Annotated[
        str | None, typer.Option(help="How long a click counts: days, or any. Else adcascade.toml's.")
    ] = None,
    view_days: Annotated[str | None, typer.Option(help="How long a view counts: days, any, or 0 for never.")] = None,
    scope: Annotated[
        ScopeName | None, typer.Option(help="What must have been bought: the ad's product, a variant, its brand.")
    ] = None,
    views: Annotated[ViewName | None, typer.Option(help="What counts as a view.")] = None,
    direct: Annotated[
        bool | None, typer.Option("--direct/--no-direct", help="Whether a bid that the shop named beats the rest.")
    ] = None,
    since: Annotated[datetime | None, typer.Option("--from", help="Orders from this time on, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="Orders before this time, UTC.")] = None,
    json: JsonFile = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the rows as CSV.")] = None,
    parquet: Annotated[Path | None, typer.Option("--parquet", help="Also write the rows as Parquet.")] = None,
) -> None:
    """Credit purchases to clicks and views; the log stays as it is, and another rule gives another report.

    Example: adcascade attribute --dir demo --click-days 30 --view-days 0 --scope brand
    """
    require_folder(directory)
    settings = load_settings(directory)
    given = {"click_days": _days("click_days", click_days), "view_days": _days("view_days", view_days)}
    chosen = settings.attribution.model_copy(
        update={name: None if days == "any" else days for name, days in given.items() if days is not None}
        | {name: value for name, value in (("scope", scope), ("views", views), ("direct", direct)) if value is not None}
    )
    table, totals = attributed(settings, chosen, _micros(since, 0), _micros(until, 2**63 - 1))
    _show(table, totals)
    _write(table, csv, parquet)
    write_json(json, {"rule": chosen.model_dump(), "totals": totals, "ads": table.to_pylist()})


def attributed(
    settings: Settings, chosen: AttributionSettings, from_us: int, to_us: int
) -> tuple[pa.Table, dict[str, int]]:
    """The report of an installation's log by a rule, of the orders of a time; and its totals."""
    rule = Rule(
        click_us=_window_us(chosen.click_days),
        view_us=_window_us(chosen.view_days),
        scope=chosen.scope,
        direct=chosen.direct,
    )
    with CatalogStore(settings.catalog_url) as store:
        snapshot = Snapshot.from_store(store)
    goods = [Goods("") if ad is None else Goods(ad.product, ad.parent, ad.brand) for ad in snapshot.ads]
    names = [("" if ad is None else ad.campaign, snapshot.ad_ids[row]) for row, ad in enumerate(snapshot.ads)]
    lines = read_lines(settings.journal_path, from_us, to_us, {each.product: each for each in goods})
    touches = read_touches(settings.journal_path, lines, rule, lambda row: goods[row], chosen.views)
    earned = credits_of(lines, touches, rule)
    return report_of(lines, earned, names), totals_of(lines, earned)


def _days(name: str, text: str | None) -> float | str | None:
    if text is None or text == "any":
        return text
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days <= 36_500:
        raise InputError(name, text, "days from 0 to 36500, or any")
    return days


def _window_us(days: float | None) -> int | None:
    return None if days is None else round(days * DAY_US)


def _micros(instant: datetime | None, absent: int) -> int:
    return absent if instant is None else (instant.replace(tzinfo=instant.tzinfo or UTC) - EPOCH) // MICROSECOND


def _show(table: pa.Table, totals: dict[str, int]) -> None:
    shown = Table(
        "campaign", "ad", "orders", "units", "value", *(f"by {how}" if how != "direct" else how for how in HOWS)
    )
    for row in table.slice(0, SHOWN).to_pylist():
        values = [row["value_micros"], *(row[f"{how}_value_micros"] for how in HOWS)]
        figures = [f"{value / 1e6:,.2f}" for value in values]
        shown.add_row(row["campaign"], row["ad"], f"{row['orders']:,}", f"{row['units']:,}", *figures)
    console = Console()
    console.print(shown)
    console.print(
        f"{totals['credited_orders']:,} of {totals['orders']:,} orders credited, "
        f"{totals['credited_value_micros'] / 1e6:,.2f} of {totals['value_micros'] / 1e6:,.2f}; {len(table)} ads",
        highlight=False,
    )


def _write(table: pa.Table, csv: Path | None, parquet: Path | None) -> None:
    for file, write in ((csv, pyarrow.csv.write_csv), (parquet, pq.write_table)):
        if file is None:
            continue
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write(table, file)
        except OSError as error:
            raise StoreError(f"the rows could not be written to {file}: {error}") from error
