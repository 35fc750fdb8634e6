"""The form of an ad with its creatives: fields in groups, the check of each, and what ties some of them together."""

from collections.abc import Mapping
from typing import Any, get_args
from urllib.parse import urlencode

import msgspec

from adcascade.catalog import iab
from adcascade.catalog.nouns import Ad, Status
from adcascade.console.form import Check, Choice, Field, Group, Kind, Preview, Rule
from adcascade.console.pages.campaigns import checks
from adcascade.console.pages.campaigns.words import status_words
from adcascade.errors import InputError

MOST_LOOKS = 20  # creatives that the button asks for
FORMATS = {
    "": "No creative", "product": "Product: picture, title and price", "banner": "Banner: a picture",
    "native": "Native: laid out by the page", "video": "Video",
}  # fmt: skip


class AdShape(msgspec.Struct, frozen=True, kw_only=True):
    """What a form of an ad asks for. ad: what is edited; None: a new one; own: it is a form of its own, and not the
    first ad of a new campaign, which may be left out; looks: how many creatives there is room for."""

    ad: Ad | None = None
    own: bool = True
    looks: int = 1


def fields_of(shape: AdShape) -> tuple[Field, ...]:
    """All fields, in order."""
    statuses = tuple(Choice(one, status_words(one)) for one in get_args(Status))
    head = [
        Field(name="ad_title", label="Title", group="ad", required=shape.own, hint="Its words are searched for, too.")
    ]
    if shape.own and shape.ad is None:
        hint = "As the API and reports name it; for good."
        head.append(Field(name="ad_id", label="Id", group="ad", required=True, hint=hint))
    if shape.own:
        head.append(Field(name="ad_status", label="Status", kind="select", group="ad", choices=statuses))

    def one(name: str, label: str, hint: str = "", kind: Kind = "text", group: str = "ad") -> Field:
        return Field(name=f"ad_{name}", label=label, hint=hint, kind=kind, group=group)

    fields = [
        *head,
        one("url", "Address", "Where a click leads, with https://."),
        one("price", "Price", "Of the product, as 49.90.", "number"),
        one("product", "Product", "Its id in the shop, as purchases name it."),
        one("category", "Category", "A path: sports/shoes/running."),
        one("keywords", "Found by", "Further words, one search a line.", "textarea"),
        one("bid", "Own bid", "Instead of the campaign's; empty: the campaign's.", "number", "more"),
        one("stock", "In stock", "Empty: not counted. 0: not advertised.", "number", "more"),
        one("margin", "Margin", "What one sold leaves.", "number", "more"),
        one("brand", "Brand", "", "text", "more"),
        one("iab", "IAB categories", "One a line: IAB17-1; exchanges block by these.", "textarea", "more"),
        one("attributes", "Attributes", "One a line, as colour: red; models may read them.", "textarea", "more"),
    ]  # fmt: skip
    for i in range(shape.looks):
        fields += _look_fields(i)
    return tuple(fields)


def _look_fields(i: int) -> list[Field]:
    formats = tuple(Choice(value, label) for value, label in FORMATS.items())

    def one(name: str, label: str, hint: str = "", kind: Kind = "text", only: str = "") -> Field:
        choices = formats if kind == "select" else ()
        return Field(
            name=f"look{i}_{name}", label=label, hint=hint, kind=kind, group=f"look{i}", choices=choices, only=only
        )

    return [
        one("format", "Format", "", "select"),
        one("title", "Headline"),
        one("text", "Text"),
        one("call_to_action", "Call to action", "Such as Buy now."),
        one("image_url", "Picture", "Its address, or a data: URI."),
        one("icon_url", "Icon", "A small picture.", only="native"),
        one("width", "Width", "Pixels; a banner fits slots of its size.", "number"),
        one("height", "Height", "Pixels.", "number"),
        one("video_url", "Video file", "Its address ...", only="video"),
        one("vast_url", "VAST document", "... or that of another server's document.", only="video"),
        one("mime", "Kind of file", "Such as video/mp4.", only="video"),
        one("seconds", "Length", "Seconds.", "number", only="video"),
        one("bitrate_kbps", "Bitrate", "Kilobits a second.", "number", only="video"),
    ]


def groups_of(shape: AdShape) -> tuple[Group, ...]:
    """In order."""
    hint = "" if shape.own else "Leave it empty to add ads later; without one, nothing is shown."
    return (
        Group(name="ad", legend="Ad" if shape.own else "First ad", hint=hint),
        Group(name="more", legend="More of the ad", folded=True),
        *(_look_group(shape, i) for i in range(shape.looks)),
    )


def _look_group(shape: AdShape, i: int) -> Group:
    ad, src = shape.ad, ""
    if ad is not None and i < len(ad.creatives):
        src = preview_of(ad.id, ad.creatives[i].id)
    last = i == shape.looks - 1 and shape.looks < MOST_LOOKS
    return Group(
        name=f"look{i}", legend=f"Creative {i + 1}", more="One more creative" if last else "",
        preview=Preview(action=f"/creative-preview/{i}", title=f"Preview of creative {i + 1}", src=src),
    )  # fmt: skip


def preview_of(ad: str, look: str) -> str:
    """Where a creative that is saved is looked at."""
    return f"/creative-preview/saved.html?{urlencode({'ad': ad, 'look': look})}"


def checks_of(shape: AdShape) -> dict[str, Check]:
    """By field."""
    needed = shape.own and not (shape.ad is not None and not shape.ad.title)
    found: dict[str, Check] = {
        "ad_title": checks.name if needed else checks.line,
        "ad_status": checks.one_of(get_args(Status)) if shape.own else checks.one_of(("", "active")),
        "ad_url": checks.address, "ad_price": checks.money, "ad_product": checks.line, "ad_category": checks.line,
        "ad_keywords": checks.lines, "ad_bid": checks.money, "ad_stock": checks.whole(0, 10**15),
        "ad_margin": checks.margin, "ad_brand": checks.line, "ad_iab": iab_codes, "ad_attributes": checks.attributes,
    }  # fmt: skip
    if shape.own and shape.ad is None:
        found["ad_id"] = checks.noun_id
    for i in range(shape.looks):
        found |= look_checks(i)
    return found


def look_checks(i: int) -> dict[str, Check]:
    """Of one creative."""
    found: dict[str, Check] = dict.fromkeys(("title", "text", "call_to_action", "mime"), checks.line)
    found |= dict.fromkeys(("image_url", "icon_url"), checks.picture)
    found |= dict.fromkeys(("video_url", "vast_url"), checks.address)
    found |= dict.fromkeys(("width", "height", "bitrate_kbps"), checks.whole(0, 2**31 - 1))
    found |= {"format": checks.one_of(tuple(FORMATS)), "seconds": checks.seconds}
    return {f"look{i}_{name}": check for name, check in found.items()}


def iab_codes(text: str) -> tuple[str, ...]:
    """One a line."""
    found = checks.lines(text)
    for code in found:
        if not iab.CODE.fullmatch(code):
            raise InputError("iab", code, iab.GRAMMAR)
    return found


# ---- rules


def _titled(good: Mapping[str, Any]) -> None:
    told = [name for name in ("ad_url", "ad_price", "ad_product", "ad_category", "ad_keywords") if good[name]]
    if told and not good["ad_title"]:
        raise InputError("ad_title", "", "the title of the ad", "or empty its other fields")


def _look_rules(i: int) -> list[Rule]:
    def picture(good: Mapping[str, Any]) -> None:
        if good[f"look{i}_format"] == "banner" and not good[f"look{i}_image_url"]:
            raise InputError(f"look{i}_image_url", "", "a picture: a banner is nothing else")

    def film(good: Mapping[str, Any]) -> None:
        files = [bool(good[f"look{i}_{name}"]) for name in ("video_url", "vast_url")]
        if good[f"look{i}_format"] == "video" and sum(files) != 1:
            raise InputError(f"look{i}_video_url", "", "either a file or a VAST document")

    def kind(good: Mapping[str, Any]) -> None:
        if good[f"look{i}_format"] == "video" and good[f"look{i}_video_url"] and not good[f"look{i}_mime"]:
            raise InputError(f"look{i}_mime", "", "the kind of the file, such as video/mp4", "players choose by it")

    return [
        Rule((f"look{i}_format", f"look{i}_image_url"), picture),
        Rule((f"look{i}_format", f"look{i}_video_url", f"look{i}_vast_url"), film),
        Rule((f"look{i}_format", f"look{i}_video_url", f"look{i}_mime"), kind),
    ]


def rules_of(shape: AdShape) -> list[Rule]:
    """Of new creatives: those that are there may lack what the API did not ask for."""
    there = 0 if shape.ad is None else len(shape.ad.creatives)
    rules = [rule for i in range(there, shape.looks) for rule in _look_rules(i)]
    if not shape.own:
        names = ("ad_title", "ad_url", "ad_price", "ad_product", "ad_category", "ad_keywords")
        rules.append(Rule(names, _titled))
    return rules
