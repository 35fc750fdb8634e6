"""Between nouns and the texts of their forms: what is not touched stays, what is typed is meant exactly."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adcascade.catalog import rules as catalog_rules
from adcascade.catalog.nouns import Ad, Campaign, Creative, FrequencyCap, Goal, Targeting
from adcascade.catalog.week import zone_of
from adcascade.console.form import read, trouble
from adcascade.console.pages.campaigns import ad_draft, ad_fields, checks, draft, fields, meanwhile, rules, saving
from adcascade.console.pages.campaigns.ad_fields import AdShape
from adcascade.console.pages.campaigns.fields import Shape
from adcascade.console.pages.campaigns.more import first_cap
from adcascade.console.pages.campaigns.preview import policy_of, sheet_of, source_of
from adcascade.errors import InputError

ZONE = "America/New_York"
WORD = st.text("abc ü:", min_size=1, max_size=6)
WORDS = st.lists(WORD, max_size=3).map(tuple)
MICROS = st.integers(1, 10**12)
START = st.integers(10**9, 2 * 10**15)
CAPS = st.lists(
    st.builds(
        FrequencyCap, impressions=st.integers(1, 99), window_s=st.integers(1, 10**6),
        level=st.sampled_from(["campaign", "ad"]),
    ),
    max_size=3, unique_by=lambda cap: (cap.level, cap.window_s),
).map(tuple)  # fmt: skip
KEYWORDS = st.lists(st.builds("{}{}".format, st.sampled_from(["", "exact:", "phrase:", "broad:"]), WORD), max_size=4)
TARGETINGS = st.builds(
    Targeting, **dict.fromkeys([name for name in draft.LISTS if name != "times"], WORDS),
    times=st.sampled_from([(), ("mon-fri 08:00-18:30", "sat")]), keywords=KEYWORDS.map(tuple),
)  # fmt: skip


@st.composite
def campaigns(random: st.DrawFn) -> Campaign:
    """What the API takes, and the form's rules too."""
    goals: tuple[Goal, ...] = ("clicks", "conversions", "reach")
    goal = random(st.sampled_from(goals))
    bid, start = random(MICROS), random(START)
    return Campaign(
        id="c", advertiser="v", name=random(WORD).strip(" ") or "n", goal=goal, bid_micros=bid, start_us=start,
        status=random(st.sampled_from(["active", "paused", "ended"])),
        billing=random(st.sampled_from(["click", "impression"])),
        daily_budget_micros=random(st.none() | st.integers(bid, 10**13)),
        total_budget_micros=random(st.none() | st.integers(10**13, 10**15)),
        end_us=random(st.none() | st.integers(start + 2 * 3_600_000_000, 4 * 10**15)),
        pacing=random(st.sampled_from(["even", "fast"])), targeting=random(TARGETINGS), caps=random(CAPS),
        target_micros=random(MICROS) if goal == "conversions" else None,
        margin_share=random(st.none() | st.floats(0.01, 1)), deals=random(WORDS), currency="EUR",
    )  # fmt: skip


def shape_of(texts: dict[str, str]) -> Shape:
    """Of a form that shows these."""
    return Shape(new=False, zone=ZONE, currency="EUR", caps=max(draft.caps_in(texts), 1))


def shown(campaign: Campaign) -> dict[str, str]:
    """The texts of its form."""
    texts = draft.texts_of(campaign, zone_of(ZONE))
    return texts | first_cap(texts)


@settings(max_examples=60, deadline=None)
@given(campaign=campaigns())
def test_a_form_sent_as_shown_changes_nothing(campaign: Campaign) -> None:
    """Whatever a form cannot show exactly, seconds of a start or the order of keywords, stays as it was."""
    texts = shown(campaign)
    shape = shape_of(texts)
    good, wrong = read(texts, rules.checks_of(shape, lambda _: "v"), rules.rules_of(shape))
    assert not wrong
    sent = {name: text.replace("\n", "\r\n") for name, text in texts.items()}
    assert draft.campaign_of(good, campaign, draft.kept_of(sent, texts)) == campaign


@settings(max_examples=40, deadline=None)
@given(campaign=campaigns())
def test_what_is_shown_means_what_it_was(campaign: Campaign) -> None:
    """Read anew from its texts alone, a campaign is itself, but for what a text cannot say."""
    texts = shown(campaign)
    good, _ = read(texts, rules.checks_of(shape_of(texts), lambda _: "v"))
    again = draft.campaign_of(good, Campaign(id="c", advertiser="v", currency="EUR"))
    second = shown(again)
    assert [second[name] for name in ("start", "end", "margin")] == [texts[name] for name in ("start", "end", "margin")]
    plain = {"targeting": Targeting(), "deals": (), "start_us": 0, "end_us": None, "margin_share": None}
    assert replace(again, **plain) == replace(campaign, **plain)


TEXTS = st.dictionaries(
    st.sampled_from(["bid", "daily", "total", "target", "margin", "start", "end", "times", "cap0_times", "cap0_many",
                     "goal", "deals", "keywords_exact", "name", "cap0_unit"]),
    st.text("0123456789.-T:abc\n", max_size=12) | st.sampled_from(["conversions", "12.50", "2026-05-01T08:00", "day"]),
)  # fmt: skip
DEFAULTS = {"name": "n", "status": "active", "goal": "clicks", "billing": "click", "pacing": "even", "bid": "1"}


@settings(max_examples=150, deadline=None)
@given(typed=TEXTS)
def test_the_form_is_at_least_as_strict_as_the_catalog(typed: dict[str, str]) -> None:
    """Whatever is typed, either something is wrong, or the campaign is one that the catalog takes."""
    texts = DEFAULTS | first_cap({}) | typed
    shape = shape_of(texts)
    good, wrong = read(texts, rules.checks_of(shape, lambda _: "v"), rules.rules_of(shape))
    assert set(good) | set(wrong) == set(rules.checks_of(shape, lambda _: "v"))
    if not wrong:
        catalog_rules.check_campaign(draft.campaign_of(good, Campaign(id="c", advertiser="v")), "campaigns[0]")


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"start": "2026-05-02T00:00", "end": "2026-05-01T00:00"}, {"end"}),
        ({"daily": "10", "total": "5"}, {"daily"}),
        ({"bid": "10.000001", "daily": "10"}, {"bid"}),
        ({"bid": "6", "total": "5"}, {"bid"}),
        ({"bid": ""}, {"bid"}),
        ({"bid": "", "goal": "conversions", "target": "5"}, set()),
        ({"target": "5"}, {"target"}),
        ({"cap0_times": "3", "cap0_many": "91"}, {"cap0_many"}),
        ({"start": "2026-03-08T02:30"}, {"start"}),  # clocks are put forward over it in New York
        ({"start": "2026-11-01T01:30"}, set()),  # and here it is there twice
        ({"times": "mon-fri 8-18"}, {"times"}),
        ({"daily": "12,50", "margin": "101", "bid": "1e"}, {"daily", "margin", "bid"}),
    ],
)
def test_what_is_wrong_is_said_where_it_is(typed: dict[str, str], wrong: set[str]) -> None:
    """Each rule names the one field that is to be mended, and as one types it says so too."""
    texts = DEFAULTS | first_cap({}) | typed
    shape = shape_of(texts)
    wanted, ties = rules.checks_of(shape, lambda _: "v"), rules.rules_of(shape)
    assert set(read(texts, wanted, ties)[1]) == wrong
    for name in wanted:
        assert (trouble(name, texts, wanted, ties).wrong is not None) == (name in wrong)


def test_a_mended_field_takes_back_what_was_said_of_another() -> None:
    """A budget that is raised clears the words beside the bid, and those of a field not usable by itself stay."""
    texts = DEFAULTS | first_cap({}) | {"bid": "6", "daily": "5"}
    shape = shape_of(texts)
    wanted, ties = rules.checks_of(shape, lambda _: "v"), rules.rules_of(shape)
    said = {one.name: one.wrong for one in trouble("daily", texts, wanted, ties).others}
    assert said["bid"] is not None
    said = {one.name: one.wrong for one in trouble("daily", texts | {"daily": "7"}, wanted, ties).others}
    assert said["bid"] is None
    assert "bid" not in {one.name for one in trouble("daily", texts | {"bid": "x"}, wanted, ties).others}


def test_one_moment_of_a_day_is_itself_in_every_zone() -> None:
    """A time on the wall and back; what is there twice is the first; what is no time is refused."""
    for zone in ("UTC", "Europe/Berlin", ZONE, "Asia/Kathmandu"):
        read_it = checks.wall_time(zone_of(zone))
        for text in ("2026-05-01T08:00", "2026-11-01T01:30", "2026-05-01T08:00:30"):
            assert checks.wall_text(read_it(text), zone_of(zone)) == text
    first = checks.wall_time(zone_of(ZONE))("2026-11-01T01:30")
    assert first == 1_793_511_000_000_000
    for text in ("yesterday", "2026-05-01T08:00+02:00", "0001-01-01T00:00"):
        with pytest.raises(InputError):
            checks.wall_time(zone_of("Asia/Kathmandu"))(text)


def test_small_checks() -> None:
    """Each says what it expected of what it cannot use."""
    assert checks.attributes("colour: red\nsize: 42") == {"colour": "red", "size": 42.0}
    assert (checks.margin("-1.5"), checks.margin(""), checks.seconds("12.5")) == (-1_500_000, None, 12_500)
    for check, text in (
        (checks.attributes, "colour"), (checks.attributes, "a: 1\na: 2"), (checks.seconds, "1.0001"),
        (checks.seconds, "NaN"), (checks.share, "x"), (checks.share, "NaN"), (checks.currency, "usd"),
        (checks.money, "-1"), (checks.money, "1000000001"), (checks.whole(0, 9), "10"), (checks.name, ""),
        (checks.picture, "data:text/html,x"), (checks.address, "javascript:x"), (rules.zone_name, "Mars"),
        (checks.one_of(("a", "")), "b"), (ad_fields.iab_codes, "IAB0"),
    ):  # fmt: skip
        with pytest.raises(InputError):
            check(text)


# ---- ads

LOOKS = st.builds(
    Creative, id=st.just("l"), format=st.sampled_from(["product", "native"]), title=WORD, text=WORD,
    image_url=st.sampled_from(["", "https://i.example/a.png", "data:image/png;base64,AAAA"]),
    width=st.integers(0, 999), height=st.integers(0, 999), duration_ms=st.integers(0, 10**6),
    bitrate_kbps=st.integers(0, 10**4),
)  # fmt: skip
ADS = st.builds(
    Ad, id=st.just("a"), campaign=st.just("c"), title=WORD.map(lambda text: text.strip(" ") or "t"),
    price_micros=st.integers(0, 10**12), margin_micros=st.none() | st.integers(-(10**9), 10**9),
    bid_micros=st.none() | st.integers(0, 10**9), stock=st.none() | st.integers(0, 10**6), keywords=WORDS,
    attributes=st.dictionaries(st.sampled_from(["colour", "size"]), WORD.filter(str.strip) | st.floats(0, 9)),
    picture=st.just((0.5, 0.25)), parent=st.just("p"), creatives=LOOKS.map(lambda look: (look,)),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(ad=ADS)
def test_an_ads_form_sent_as_shown_changes_nothing(ad: Ad) -> None:
    """Neither what it shows, nor what it does not ask for: the parent, the picture's vector, the creatives' ids."""
    texts = ad_draft.texts_of(ad)
    shape = AdShape(ad=ad)
    good, wrong = read(texts, ad_fields.checks_of(shape), ad_fields.rules_of(shape))
    assert not wrong
    kept = draft.kept_of(texts, ad_draft.texts_of(ad))
    again = ad_draft.ad_of(good, ad, texts, kept)
    assert replace(again, creatives=()) == replace(ad, creatives=())
    stripped = [replace(one, title=one.title.strip(), text=one.text.strip()) for one in ad.creatives]
    assert list(again.creatives) == stripped


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"look0_format": "banner"}, {"look0_image_url"}),
        ({"look0_format": "video"}, {"look0_video_url"}),
        ({"look0_format": "video", "look0_video_url": "https://v.example/f"}, {"look0_mime"}),
        ({"look0_format": "video", "look0_vast_url": "https://v.example/f"}, set()),
        ({"ad_title": ""}, {"ad_title"}),
        ({"ad_stock": "-1", "ad_url": "v.example", "look0_width": "1.5"}, {"ad_stock", "ad_url", "look0_width"}),
    ],
)
def test_a_creative_has_what_its_format_needs(typed: dict[str, str], wrong: set[str]) -> None:
    """A banner its picture, a video one address and its kind; said at the field."""
    texts = {"ad_title": "t", "ad_id": "a", "ad_status": "active", "look0_format": "product"} | typed
    shape = AdShape()
    assert set(read(texts, ad_fields.checks_of(shape), ad_fields.rules_of(shape))[1]) == wrong


def test_every_field_has_its_check_and_its_group() -> None:
    """Of all forms; and every attribute of the catalog that a form makes is blamed on one of its fields."""
    for shape in (Shape(new=True, payer=True), Shape(new=False, caps=2), Shape(new=True, currency="EUR")):
        told = fields.fields_of(shape)
        assert {one.name for one in told} <= set(rules.checks_of(shape, lambda _: "v"))
        assert {one.group for one in told} == {one.name for one in fields.groups_of(shape)}
    for ad in (AdShape(), AdShape(ad=Ad(id="a", campaign="c"), looks=3), AdShape(own=False)):
        asked = ad_fields.fields_of(ad)
        assert {one.name for one in asked} <= set(ad_fields.checks_of(ad))
        assert {one.group for one in asked} == {one.name for one in ad_fields.groups_of(ad)}
    for path, field in (
        ("campaigns[0].targeting.keywords[3]", "keywords_phrase"), ("campaigns[0].currency", "currency"),
        ("advertisers[0].timezone", "payer_zone"), ("ads[0].attributes", "ad_attributes"), ("ads[0].id", "ad_id"),
        ("ads[0].creatives[1].duration_ms", "look1_seconds"), ("deals", "name"), ("campaigns[0].deals[0]", "deals"),
        ("campaigns[0].caps[1]", "cap1_times"), ("ads[0].attributes['x']", "ad_attributes"),
    ):  # fmt: skip
        assert saving.field_of(path) == field


# ---- two people


@given(data=st.data())
def test_joined_texts_lose_nothing_of_either(data: st.DataObject) -> None:
    """A field that one of the two changed holds his; one that both changed holds mine, and is named."""
    names, text = ("a", "b", "c"), st.sampled_from(["", "1", "2", "3"])
    was, mine, other = (data.draw(st.fixed_dictionaries(dict.fromkeys(names, text))) for _ in range(3))
    texts, both = meanwhile.joined(mine, was, other)
    for name in names:
        if mine[name] != was[name]:
            assert texts[name] == mine[name]
        else:
            assert texts[name] == other[name]
        assert (name in both) == (mine[name] != was[name] and other[name] not in {was[name], mine[name]})


# ---- previews


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("https://img.example/a.png?x=1", "https://img.example"),
        ("http://IMG.example:8080/a", "http://img.example:8080"),
        ("https://user:word@img.example/", "https://img.example"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]"),
        ("data:image/png;base64,AAAA", "data:"),
        ("data:text/html,x", ""),
        ("https://a;script-src-elem/", ""),
        ("https://a,b/", ""),
        ("https://*.example/", ""),
        ("https://img.example:99999/", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_a_policy_names_one_host_and_nothing_else(address: str, source: str) -> None:
    """What could add a word to the policy is left out of it, and of the document."""
    assert source_of(address) == source
    policy = policy_of((address,))
    assert (f"img-src {source};" in policy) == bool(source)
    assert policy.count(";") == 5 + bool(source)
    page = sheet_of(Creative(id="l", format="banner", image_url=address)).html
    assert ("<img" in page) == bool(source)


SHAPES: list[dict[str, Any]] = [
    {"format": "native", "icon_url": "https://icon.example/i.png", "image_url": "https://img.example/i.png"},
    {"format": "video", "video_url": "https://film.example/f.mp4", "mime": "video/mp4", "duration_ms": 15_000},
    {"format": "video", "vast_url": "https://vast.example/<x>"},
    {"format": "product"},
    {"format": "banner", "image_url": "https://img.example/i.png", "width": 300, "height": 250},
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["format"])
def test_a_preview_runs_nothing_and_leads_nowhere(shape: dict[str, Any]) -> None:
    """Every word is escaped, no script and no link, sandboxed; its policy names the hosts of its pictures and film."""
    bad = '"><script>alert(1)</script>'
    sheet = sheet_of(Creative(id="l", title=bad, text=bad, call_to_action=bad, **shape), None, "49.90 EUR")
    assert "<script" not in sheet.html
    assert "<a " not in sheet.html
    assert sheet.policy.endswith("frame-ancestors 'self'; sandbox")
    assert "default-src 'none'" in sheet.policy
    hosts = {host for host in ("icon", "img", "film") if f"{host}.example" in str(shape)}
    assert {host for host in ("icon", "img", "film", "vast") if f"{host}.example" in sheet.policy} == hosts
