"""Admission: every rule of eligibility as sets of rows that each change keeps up to date.

Asking costs a handful of passes over rows / 8 bytes, however many rules there are. `eligibility.why_not`
says the same ad by ad, in sentences.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import Bits, patch_of, switch_off, switch_on
from adcascade.catalog.fitting import Fitting
from adcascade.catalog.formats import Shape, shapes_of
from adcascade.catalog.hours import Hours
from adcascade.catalog.nouns import AdGroup, Advertiser, Campaign
from adcascade.catalog.packed.image import Array, Arrays, below, part
from adcascade.catalog.packed.shelf import Listed, Shelf
from adcascade.catalog.payers import Payers
from adcascade.catalog.placing import Placed, alike, by_key, grouped, iab_codes, is_alive
from adcascade.catalog.product_rows import ProductRows
from adcascade.catalog.roster import Advertising
from adcascade.catalog.rowsets import Rows, RowSets, Written, union_of
from adcascade.catalog.schedule import Schedule
from adcascade.catalog.sections import NO_GROUP, Sections
from adcascade.catalog.targets import Asked, Dimension, Targets
from adcascade.catalog.words import parents
from adcascade.contracts.request import AdRequest

Numbers = NDArray[np.int32]

SHAPES = Written(lambda shape: msgspec.json.encode(shape).decode(), partial(msgspec.json.decode, type=Shape))


class _Packing(Protocol):
    """What lies in an image as arrays of its own."""

    def pack(self) -> dict[str, Array]:
        """All there is."""
        ...

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote."""
        ...


class Admission:
    """Which rows may answer a request. Campaigns and groups are named by their index in the snapshot."""

    def __init__(self) -> None:
        """No ads."""
        self._hours = Hours()
        self.schedule, self._groups_on = Schedule(self._hours), Schedule(self._hours)
        self._campaigns: Listed[Campaign] | Shelf[Campaign] = Listed()
        self._groups: Listed[AdGroup] | Shelf[AdGroup] = Listed()
        self._payers = Payers()
        self.sections = Sections()
        self._wanted, self._narrowed = Targets(), Targets()  # by campaigns, by groups
        self._deals: Dimension[str] = Dimension()
        self._shapes: RowSets[Shape] = RowSets(SHAPES)
        self._fitting = Fitting(self._shapes)
        self._by_category, self._by_iab, self._by_advertiser = RowSets[str](), RowSets[str](), RowSets[str]()
        self._categories_below: dict[str, set[str]] = {}
        self._by_product = ProductRows()
        self._serving: Bits = np.zeros(0, np.uint8)

    def grow(self, size: int) -> None:
        """Make room for `size` bytes of rows."""
        self._serving = np.concatenate((self._serving, np.zeros(size - len(self._serving), np.uint8)))
        for sets in (self._shapes, self._by_category, self._by_iab, self._by_advertiser):
            sets.grow(size)
        for one in (self._wanted, self._narrowed, self._deals, self.sections, self._by_product):
            one.grow(size)

    # ---- who advertises

    def put_advertiser(self, new: Advertiser) -> None:
        """Insert, or replace the one of the same id."""
        for index in self._payers.put(new).tolist():
            self._schedule(index)

    def put_campaign(self, index: int, campaign: Campaign) -> Rows:
        """Insert at the end or replace; the campaign's rows."""
        if index == len(self._campaigns):
            self._campaigns.put(index, campaign)
            self.sections.open_campaign()
            self._payers.pay(index, campaign.advertiser)
            self._schedule(index)
            return self.sections.campaign_rows(index)
        old, rows = self._campaigns[index], self.sections.campaign_rows(index)
        self._campaigns.put(index, campaign)
        if old.targeting != campaign.targeting:
            self._wanted.discard(old.targeting, rows)
            self._wanted.add(campaign.targeting, rows)
        if old.deals != campaign.deals:
            self._deals.discard(old.deals, rows)
            self._deals.add(campaign.deals, rows)
        if old.advertiser != campaign.advertiser:
            self._payers.pay(index, campaign.advertiser)
            self._by_advertiser.discard(old.advertiser, rows)
            self._by_advertiser.add(campaign.advertiser, rows)
        self._schedule(index)
        return rows

    def put_group(self, index: int, group: AdGroup, campaign: int) -> Rows:
        """Insert at the end or replace; the group's rows. A group stays in its campaign."""
        if index == len(self._groups):
            self._groups.put(index, group)
            self.sections.open_group(campaign)
            self._schedule_group(index)
            return self.sections.group_rows(index)
        old, rows = self._groups[index], self.sections.group_rows(index)
        self._groups.put(index, group)
        if old.targeting != group.targeting:
            self._narrowed.discard(old.targeting, rows)
            self._narrowed.add(group.targeting, rows)
        self._schedule_group(index)
        return rows

    def _schedule(self, index: int) -> None:
        """The campaign's times, in its advertiser's zone, and those of its groups."""
        campaign = self._campaigns[index]
        hours = self._hours.number(campaign.targeting.times, self._payers.zone(index))
        self.schedule.put(index, campaign.status, campaign.start_us, campaign.end_us, hours)
        if self.schedule.flips(index):
            self._switch(index)
        for _, group in self.sections.of_campaign(index):
            if group != NO_GROUP:
                self._schedule_group(group)

    def _schedule_group(self, index: int) -> None:
        group = self._groups[index]
        section, campaign = self.sections.of_group(index)
        hours = self._hours.number(group.targeting.times, self._payers.zone(campaign))
        self._groups_on.put(index, group.status, -(2**62), None, hours)
        if self._groups_on.flips(index):
            self._switch_section(section, campaign, index)

    # ---- ads

    def add(self, placed: Placed, campaigns: Numbers, groups: Numbers) -> None:
        """Admit ads at rows that are free; `campaigns` and `groups` [len(placed)] are their indexes."""
        rows = np.array([row for row, _ in placed], np.int32)
        live = np.array([is_alive(ad) for _, ad in placed], np.bool_)
        for section, places in grouped(self.sections.numbers(campaigns, groups)):
            members = rows[places]
            self.sections.members.add(section, members)
            self.sections.alive.add(section, members[live[places]])
        serving = live & self.schedule.are_serving(campaigns)
        serving &= (groups == NO_GROUP) | self._groups_on.are_serving(np.maximum(groups, 0))
        switch_on(self._serving, patch_of(rows[serving]))
        by_campaign = [(self._campaigns[index], places) for index, places in grouped(campaigns)]
        for targeting, members in alike(rows, ((campaign.targeting, places) for campaign, places in by_campaign)):
            self._wanted.add(targeting, members)
        for deals, members in alike(rows, ((campaign.deals, places) for campaign, places in by_campaign)):
            self._deals.add(deals, members)
        for advertiser, members in alike(rows, ((campaign.advertiser, places) for campaign, places in by_campaign)):
            self._by_advertiser.add(advertiser, members)
        by_group = ((self._groups[index].targeting, at) for index, at in grouped(groups) if index != NO_GROUP)
        for targeting, members in alike(rows, by_group):
            self._narrowed.add(targeting, members)
        self._add_kinds(placed)

    def _add_kinds(self, placed: Placed) -> None:
        for category, same in by_key(placed, lambda ad: (ad.category,)).items():
            self._by_category.add(category, same)
            self._know(category)
        for code, same in by_key(placed, iab_codes).items():
            self._by_iab.add(code, same)
        for shape, same in by_key(placed, shapes_of).items():
            self._shapes.add(shape, same)
        self._fitting.forget()
        self._by_product.add([(row, ad.product) for row, ad in placed])

    def _know(self, category: str) -> None:
        for parent in parents(category):
            self._categories_below.setdefault(parent, set()).add(category)

    def remove(self, placed: Placed, campaigns: Numbers, groups: Numbers) -> None:
        """Undo `add` for these ads as they were."""
        rows = np.array([row for row, _ in placed], np.int32)
        switch_off(self._serving, patch_of(rows))
        for section, places in grouped(self.sections.numbers(campaigns, groups)):
            self.sections.members.discard(section, rows[places])
            self.sections.alive.discard(section, rows[places])
        for index, places in grouped(campaigns):
            campaign = self._campaigns[index]
            self._wanted.discard(campaign.targeting, rows[places])
            self._deals.discard(campaign.deals, rows[places])
            self._by_advertiser.discard(campaign.advertiser, rows[places])
        for index, places in grouped(groups):
            if index != NO_GROUP:
                self._narrowed.discard(self._groups[index].targeting, rows[places])
        for category, same in by_key(placed, lambda ad: (ad.category,)).items():
            self._by_category.discard(category, same)
        for code, same in by_key(placed, iab_codes).items():
            self._by_iab.discard(code, same)
        for shape, same in by_key(placed, shapes_of).items():
            self._shapes.discard(shape, same)
        self._fitting.forget()
        self._by_product.discard([(row, ad.product) for row, ad in placed])

    def revive(self, rows: Rows, campaigns: Numbers, groups: Numbers, *, alive: bool) -> None:
        """These ads are in stock again, or no more; nothing else of them changed."""
        change = RowSets.add if alive else RowSets.discard
        for section, places in grouped(self.sections.numbers(campaigns, groups)):
            change(self.sections.alive, section, rows[places])
        serving = self.schedule.are_serving(campaigns)
        serving &= (groups == NO_GROUP) | self._groups_on.are_serving(np.maximum(groups, 0))
        (switch_on if alive else switch_off)(self._serving, patch_of(rows[serving]))

    # ---- time and money

    def _switch(self, index: int) -> None:
        """The campaign began or ended serving."""
        for section, group in self.sections.of_campaign(index):
            self._switch_section(section, index, group)

    def _switch_section(self, section: int, campaign: int, group: int) -> None:
        on = self._is_on(campaign, group)
        (self.sections.alive.switch_on if on else self.sections.alive.switch_off)(self._serving, section)

    def _is_on(self, campaign: int, group: int) -> bool:
        return self.schedule.is_serving(campaign) and (group == NO_GROUP or self._groups_on.is_serving(group))

    def tick(self, now_us: int) -> None:
        """Set the clock: campaigns and groups begin and end serving, all in two strokes."""
        self._hours.tick(now_us)
        flipped = [(*self.sections.of_group(group), group) for group in self._groups_on.tick(now_us)]
        for index in self.schedule.tick(now_us):
            flipped += [(section, index, group) for section, group in self.sections.of_campaign(index)]
        if not flipped:
            return
        changed: tuple[dict[int, Rows], dict[int, Rows]] = ({}, {})
        for section, campaign, group in flipped:
            changed[self._is_on(campaign, group)][section] = self.sections.alive.rows(section)
        switch_off(self._serving, patch_of(union_of(changed[False].values())))
        switch_on(self._serving, patch_of(union_of(changed[True].values())))

    def fund(self, index: int, *, funded: bool) -> None:
        """The campaign has money left, or not; switches all its ads."""
        self.schedule.fund(index, funded=funded)
        if self.schedule.flips(index):
            self._switch(index)

    # ---- asking

    def eligible(self, request: AdRequest, size: int) -> Bits:
        """The rows that may answer, as of the last tick: a new bitmap of `size` bytes."""
        allowed = self._serving[:size].copy()
        asked = Asked(request)
        self._wanted.restrict(allowed, asked)
        self._narrowed.restrict(allowed, asked)
        self._restrict_slots(allowed, request)
        if request.products:
            self._by_product.require(allowed, request.products)
        self._block(allowed, request)
        return allowed

    def _restrict_slots(self, allowed: Bits, request: AdRequest) -> None:
        """A creative fits a slot that the campaign may have: one with a deal of its own, or an open one."""
        offered = {deal.id for slot in request.slots for deal in slot.deals}
        self._deals.require(allowed, tuple(offered))
        fitting = self._fitting.of([slot for slot in request.slots if not slot.private], len(allowed))
        if offered:
            dealing = self._deals.naming(len(allowed))
            of_deals = self._fitting.of([slot for slot in request.slots if slot.deals], len(allowed))
            fitting = (fitting & ~dealing) | (of_deals & dealing)
        np.bitwise_and(allowed, fitting, out=allowed)

    def _block(self, allowed: Bits, request: AdRequest) -> None:
        for blocked in filter(None, request.blocked_categories):
            for category in self._categories_below.get(blocked, ()):
                self._by_category.switch_off(allowed, category)
            self._by_iab.switch_off(allowed, blocked)
        for name in filter(None, request.blocked_advertisers):
            for advertiser in self._payers.called(name):
                self.close_advertiser(allowed, advertiser)

    def close_advertiser(self, allowed: Bits, advertiser: str) -> None:
        """Clear the rows of an advertiser, in place."""
        self._by_advertiser.switch_off(allowed, advertiser)

    def close_campaign(self, allowed: Bits, index: int) -> None:
        """Clear the rows of a campaign, in place."""
        for section, _ in self.sections.of_campaign(index):
            self.sections.members.switch_off(allowed, section)

    def close_group(self, allowed: Bits, index: int) -> None:
        """Clear the rows of an ad group, in place."""
        self.sections.members.switch_off(allowed, self.sections.of_group(index)[0])

    def product_rows(self, product: str) -> Sequence[int]:
        """The rows whose ads name the product, in no order."""
        return self._by_product.rows(product)

    # ---- images

    def _sets(self) -> dict[str, RowSets[Any]]:
        return {
            "shapes": self._shapes,
            "categories": self._by_category,
            "iab": self._by_iab,
            "advertisers": self._by_advertiser,
        }

    def _parts(self) -> dict[str, _Packing]:
        return {
            "hours": self._hours,
            "schedule": self.schedule,
            "groups_on": self._groups_on,
            "sections": self.sections,
            "wanted": self._wanted,
            "narrowed": self._narrowed,
            "deals": self._deals,
            "products": self._by_product,
            **self._sets(),
        }

    def pack(self) -> dict[str, Array]:
        """All sets as arrays, as of the last tick; who advertises is the snapshot's to write."""
        packed = [below(name, one.pack()) for name, one in self._parts().items()]
        packed.append({"serving": self._serving} | below("payers", self._payers.pack()))
        return {name: array for one in packed for name, array in one.items()}

    def unpack(self, arrays: Arrays, advertising: Advertising) -> None:
        """Become what `pack` wrote; only into what is new."""
        for name, one in self._parts().items():
            one.unpack(part(arrays, name))
        self._serving = arrays["serving"]
        self._payers.unpack(part(arrays, "payers"), advertising.advertisers, advertising.advertiser_number)
        self._campaigns, self._groups = advertising.campaigns, advertising.groups
        for category in self._by_category:
            self._know(category)
