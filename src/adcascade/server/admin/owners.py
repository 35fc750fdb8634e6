"""Owners: whose a noun is, for keys that are for some advertisers only."""

import asyncio
from collections.abc import Sequence

from adcascade.access.keys import Key
from adcascade.catalog.kinds import NOUN_OF, Kind, Noun
from adcascade.catalog.nouns import Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.errors import AccessError


def check_sees(key: Key, *advertisers: str) -> None:
    """AccessError 403 where the key is not for one of these advertisers."""
    for advertiser in advertisers:
        if not key.sees(advertiser):
            raise AccessError(403, f"a key for the advertiser {advertiser!r}", "ask an administrator for one")


class Owners:
    """Asks the store, in threads; a key for all advertisers asks nothing."""

    def __init__(self, store: CatalogStore) -> None:
        self._store = store

    async def sees(self, key: Key, noun: Noun) -> bool:
        """Whether the key may see the noun."""
        return not key.advertisers or all(key.sees(owner) for owner in await asyncio.to_thread(self._of, [noun]))

    async def check(self, key: Key, nouns: Sequence[Noun]) -> None:
        """AccessError where one of the nouns, or what it would replace, is of an advertiser that the key is not for."""
        if key.advertisers:
            check_sees(key, *await asyncio.to_thread(lambda: self._of([*nouns, *self._replaced(nouns)], nouns)))

    async def check_ids(self, key: Key, kind: Kind, ids: Sequence[str]) -> None:
        """As `check`, by id; of what is not there, the store will say so."""
        if key.advertisers:
            check_sees(key, *await asyncio.to_thread(lambda: self._of(self._found([(kind, one) for one in ids]))))

    def _replaced(self, nouns: Sequence[Noun]) -> list[Noun]:
        return self._found([(_kind_of(noun), noun.id) for noun in nouns])

    def _found(self, named: Sequence[tuple[Kind, str]]) -> list[Noun]:
        stored = [self._store.find(kind, noun_id) for kind, noun_id in named]
        return [one.noun for one in stored if one is not None]

    def _of(self, nouns: Sequence[Noun], among: Sequence[Noun] = ()) -> list[str]:
        """The advertisers; "" for what lies in a campaign that neither the store nor `among` knows."""
        owner_of = {noun.id: noun.advertiser for noun in among if isinstance(noun, Campaign)}
        owners = []
        for noun in nouns:
            if isinstance(noun, Advertiser):
                owners.append(noun.id)
            elif isinstance(noun, Campaign):
                owners.append(noun.advertiser)
            else:
                if noun.campaign not in owner_of:
                    found = self._store.find_campaign(noun.campaign)
                    owner_of[noun.campaign] = "" if found is None else found.advertiser
                owners.append(owner_of[noun.campaign])
        return list(dict.fromkeys(owners))


def _kind_of(noun: Noun) -> Kind:
    return next(kind for kind, shape in NOUN_OF.items() if isinstance(noun, shape))
