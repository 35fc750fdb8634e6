"""Laws of the catalog's rules: a value that cannot be used is named with what would be right."""

import pytest

from adcascade.catalog import Ad, AdGroup, Advertiser, Campaign, Creative, FrequencyCap, Targeting
from adcascade.catalog.kinds import KINDS, NOUN_OF, Noun
from adcascade.catalog.rules import check_all
from adcascade.errors import InputError

CAP = FrequencyCap(impressions=1, window_s=60)


def campaign(**fields: object) -> Campaign:
    """A campaign with these fields."""
    return Campaign(**{"id": "C", "advertiser": "V", **fields})  # type: ignore[arg-type]


def ad(**fields: object) -> Ad:
    """An ad with these fields."""
    return Ad(**{"id": "a", "campaign": "C", **fields})  # type: ignore[arg-type]


def check(noun: Noun) -> None:
    """By the rules of its kind."""
    check_all(next(kind for kind in KINDS if isinstance(noun, NOUN_OF[kind])), [noun])


@pytest.mark.parametrize(
    ("field", "noun"),
    [
        ("advertisers[0].timezone", Advertiser(id="V", timezone="Europe/Atlantis")),
        ("advertisers[0].timezone", Advertiser(id="V", timezone="../etc/passwd")),
        ("advertisers[0].timezone", Advertiser(id="V", timezone="")),
        ("advertisers[0].fee_bp", Advertiser(id="V", fee_bp=-1)),
        ("advertisers[0].fee_bp", Advertiser(id="V", fee_bp=10_001)),
        ("advertisers[0].id", Advertiser(id="V" * 256)),
        ("campaigns[0].target_micros", campaign(target_micros=5)),
        ("campaigns[0].target_micros", campaign(goal="conversions")),
        ("campaigns[0].target_micros", campaign(goal="conversions", target_micros=-1)),
        ("campaigns[0].margin_share", campaign(margin_share=0.0)),
        ("campaigns[0].margin_share", campaign(margin_share=1.01)),
        ("campaigns[0].margin_share", campaign(margin_share=float("nan"))),
        ("campaigns[0].caps[1].impressions", campaign(caps=(CAP, FrequencyCap(impressions=0, window_s=1)))),
        ("campaigns[0].caps[0].impressions", campaign(caps=(FrequencyCap(impressions=10**6 + 1, window_s=1),))),
        ("campaigns[0].caps[0].window_s", campaign(caps=(FrequencyCap(impressions=1, window_s=0),))),
        ("campaigns[0].caps[0].window_s", campaign(caps=(FrequencyCap(impressions=1, window_s=90 * 86_400 + 1),))),
        ("campaigns[0].caps[1]", campaign(caps=(CAP, CAP))),
        ("campaigns[0].deals[0]", campaign(deals=("",))),
        ("campaigns[0].targeting.times[1]", campaign(targeting=Targeting(times=("mon", "8 to 9")))),
        ("campaigns[0].targeting.cities[0]", campaign(targeting=Targeting(cities=("a\0b",)))),
        ("ad_groups[0].campaign", AdGroup(id="G", campaign="")),
        ("ad_groups[0].bid_micros", AdGroup(id="G", campaign="C", bid_micros=-1)),
        ("ad_groups[0].targeting.times[0]", AdGroup(id="G", campaign="C", targeting=Targeting(times=("never",)))),
        ("ads[0].url", ad(url="javascript:alert(1)")),
        ("ads[0].url", ad(url="//example.com")),
        ("ads[0].url", ad(url="https:///path")),
        ("ads[0].url", ad(url="https://a b.com")),
        ("ads[0].url", ad(url="http://[::1")),
        ("ads[0].iab[1]", ad(iab=("IAB17", "IAB0"))),
        ("ads[0].iab[0]", ad(iab=("sports",))),
        ("ads[0].margin_micros", ad(margin_micros=-(10**15) - 1)),
        ("ads[0].creatives[0].video_url", ad(creatives=(Creative(id="1", video_url="data:video/mp4,x"),))),
        ("ads[0].creatives[0].image_url", ad(creatives=(Creative(id="1", image_url="data:text/html,x"),))),
        ("ads[0].creatives[0].duration_ms", ad(creatives=(Creative(id="1", duration_ms=-1),))),
    ],
)
def test_what_cannot_be_used_is_named(field: str, noun: Noun) -> None:
    """InputError with the field as the caller writes it, and an expectation."""
    with pytest.raises(InputError) as caught:
        check(noun)
    assert caught.value.field == field
    assert caught.value.expected


@pytest.mark.parametrize(
    "noun",
    [
        Advertiser(id="V", timezone="America/Argentina/Buenos_Aires", fee_bp=10_000),
        campaign(goal="conversions", target_micros=0, margin_share=1.0),
        campaign(goal="conversions", bid_micros=1),
        campaign(caps=(CAP, FrequencyCap(impressions=10**6, window_s=60, level="advertiser"))),
        campaign(targeting=Targeting(times=("sat,sun 10:00-24:00",), keywords=("exact:a", "b:c"))),
        ad(url="https://example.com/a?b=c#d", iab=("IAB17-1", "IAB26", "483"), margin_micros=-5),
        ad(creatives=(Creative(id="1", image_url="data:image/svg+xml,x", vast_url="http://v.example/x.xml"),)),
    ],
)
def test_what_is_right_passes(noun: Noun) -> None:
    """The edges of what is allowed are allowed."""
    check(noun)
