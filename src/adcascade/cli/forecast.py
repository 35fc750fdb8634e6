"""`adcascade forecast`: what a campaign would reach and spend in a day, from the log."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from adcascade.catalog.nouns import Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.cli.options import Directory, JsonFile, require_folder, write_json
from adcascade.console.forecasting import ForecastView, view_of
from adcascade.console.pages.campaigns.forecast import asked_of
from adcascade.errors import DataMissingError, InputError
from adcascade.forecast.log import ads_of, drafted, foretold, read_log, rules_of
from adcascade.money.amounts import micros_of
from adcascade.settings import load_settings


def forecast(
    campaign: Annotated[str, typer.Argument(help="Id of a campaign of the catalog.", show_default=False)],
    bid: Annotated[str | None, typer.Option(help="Another bid, units of the currency; ads' own move alike.")] = None,
    daily_budget: Annotated[str | None, typer.Option(help="Another daily budget, units of the currency.")] = None,
    directory: Directory = Path(),
    json: JsonFile = None,
) -> None:
    """Forecast a day of a campaign: the newest days of the log replayed with it, at its bid and budget or at others.

    Example: adcascade forecast c17 --bid 0.40 --daily-budget 50 --dir shop
    """
    require_folder(directory)
    settings = load_settings(directory)
    good = {name: None if text is None else micros_of(text) for name, text in told(bid, daily_budget)}
    with CatalogStore(settings.catalog_url) as store:
        stands = store.find_campaign(campaign)
        if stands is None:
            raise InputError(
                "campaign", campaign, "the id of a campaign", "adcascade catalog list campaigns shows them"
            )
        log = read_log(settings.journal_path, store)
        if log is None:
            raise DataMissingError(f"there is no auction in {settings.journal_path}; serve or simulate first")
        asked = asked_of(stands, good)
        payer = store.find_advertiser(stands.advertiser) or Advertiser(id=stands.advertiser)
        draft = drafted(store, asked.campaign, ads_of(store, campaign), payer)
        found = foretold(log, store, msgspec.structs.replace(draft, raised=asked.raised), rules_of(settings.auction))
    show(Console(), view_of(found, asked.campaign), asked.campaign)
    write_json(json, msgspec.to_builtins(found))


def told(bid: str | None, daily_budget: str | None) -> tuple[tuple[str, str | None], ...]:
    """The fields of the console's page."""
    return ("bid", bid), ("daily_budget", daily_budget)


def show(console: Console, view: ForecastView, campaign: Campaign) -> None:
    """In words, and the curve of the bid."""
    for tile in view.tiles:
        console.print(f"{tile.label}: {tile.value} ({tile.hint})", highlight=False)
    for sentence in (*view.says, *view.basis):
        console.print(sentence, highlight=False)
    figure = view.figures[0]
    table = Table(figure.head, *figure.series, *figure.note_heads, title=f"A day of {campaign.id}, by bid")
    for row in figure.rows:
        table.add_row(row.label, *(f"{value:,.1f}" for value in row.values if value is not None), *row.notes)
    console.print(table)
