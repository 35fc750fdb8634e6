"""A campaign that somebody made by hand lives in the simulator as any other: it is shown, clicked, and pays."""

from pathlib import Path

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.funnel import TrueBest
from adcascade.closedloop.installation import clock_at, simulated_service
from adcascade.closedloop.simulation import popularity_of_log
from adcascade.closedloop.world import load_world
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings

TICKS = 3
BID = 20_000_000


def test_a_stranger_that_bids_highly_is_shown_clicked_and_charged(shop: Path) -> None:
    """What the ledger took of it is what its clicks cost; the market's own figures count its own ads only."""
    world = load_world(shop)
    market = world.market()
    won: list[int] = []
    with CatalogStore(load_settings(shop).catalog_url) as store:
        store.put(
            [Advertiser(id="hand", name="Hand")],
            [Campaign(id="made", advertiser="hand", bid_micros=BID, daily_budget_micros=10**10)],
            [
                Ad(id=f"made-{i}", campaign="made", category=path, title="Made by hand", price_micros=30_000_000,
                   url="https://hand.example", creatives=(Creative(id=f"look-{i}"),))
                for i, path in enumerate(market.tree.paths)
            ],
        )  # fmt: skip
        service = simulated_service(shop, clock_at(world.tick))
        before = popularity_of_log(service, market)[1].sum()
        drive = Drive(
            market, service, store,
            watch=lambda request, answer, outcome: won.extend(s.campaign.id == "made" for s in answer.winners),
        )  # fmt: skip
        shown = drive.run(range(world.tick, world.tick + TICKS))
        best = TrueBest(market, service.parts.snapshot)(market.requests(market.views(world.tick))[0])
        names = {service.parts.snapshot.ad_ids[row] for row in best}
        known = popularity_of_log(service, market)[1].sum() - before
        books = Ledger(service.parts.journal)
        spent, all_spent = books.spent("made"), shown.charged.sum()
        service.close()
    assert sum(won) > 10
    assert 0 < spent <= all_spent
    assert len(shown) == len(won) == known + sum(won)
    assert any(name.startswith("made-") for name in names)
