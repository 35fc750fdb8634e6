"""Markup: what advertisers write can be read, and can do nothing else."""

from dataclasses import replace
from html.parser import HTMLParser

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.answer import Served
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.contracts import Slot
from adcascade.server.links import Links
from adcascade.server.openrtb.markup import banner_html
from adcascade.server.openrtb.native import NativeRequest
from adcascade.server.openrtb.native_markup import native_json
from adcascade.server.openrtb.objects import Imp
from adcascade.server.openrtb.places import Place

LINKS = Links("https://ads.example.com")


def served(title: str, image: str = "", width: int = 0) -> Served:
    """An ad with this title and picture."""
    creative = Creative(id="c", format="banner", title=title, image_url=image, width=width)
    return Served(
        token="tok",
        bid_id="b",
        slot=0,
        row=0,
        ad=Ad(id="a", campaign="k", title=title),
        creative_index=0,
        creative=creative,
        campaign=Campaign(id="k", advertiser="v"),
        advertiser=Advertiser(id="v"),
        price_micros=1,
        ecpm_micros=1000,
        ctr=0.1,
    )


class Elements(HTMLParser):
    """What a browser would make of markup: its elements with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Text between."""
        self.text += data


hostile = st.text(max_size=40) | st.sampled_from(
    ['"><script>alert(1)</script>', "' onerror='x", "</a><iframe src=//e>", "${AUCTION_PRICE}", "\x00\u2028"]
)


@given(title=hostile, image=hostile | hostile.map(lambda text: "https://img.example/" + text))
def test_a_banner_holds_a_link_a_picture_a_pixel_a_script_and_nothing_else(title: str, image: str) -> None:
    """No title and no image address adds an element or an attribute, or changes where a click leads."""
    parsed = Elements(banner_html(served(title, image), LINKS, (300, 250), secure=True))
    tags = [tag for tag, _ in parsed.elements]
    assert tags in (["a", "img", "script"], ["a", "img", "img", "script"])
    names = [set(attributes) for _, attributes in parsed.elements]
    assert names[0] == {"href", "target", "rel", "style", "data-adcascade-view"}
    assert names[-2:] == [{"src", "width", "height", "alt", "style"}, {"src", "async"}]
    assert parsed.elements[0][1]["href"] == "https://ads.example.com/t/c/tok"
    assert parsed.elements[0][1]["data-adcascade-view"] == "https://ads.example.com/t/v/tok"
    assert parsed.elements[-2][1]["src"] == "https://ads.example.com/t/i/tok"
    assert parsed.elements[-1][1]["src"] == "https://ads.example.com/adcascade.js"
    if len(tags) == 4:
        assert names[1] == {"src", "alt", "style"}
        assert parsed.elements[1][1]["src"] == image


@given(token=st.text(max_size=12), base=st.sampled_from(("https://ads.example.com", "https://ads.example/a&b'\"<c>")))
def test_links_in_markup_read_as_they_are(token: str, base: str) -> None:
    """A browser takes from each attribute the very link that a notice would hold, whatever token and address."""
    links = Links(base)
    parsed = Elements(banner_html(replace(served("t"), token=token), links, (1, 1), secure=True))
    (_, link), (_, pixel), (_, script) = parsed.elements
    assert link["href"] == links.click(token)
    assert link["data-adcascade-view"] == links.viewable(token)
    assert pixel["src"] == links.impression(token)
    assert script["src"] == links.script


def test_a_secure_page_gets_no_insecure_picture() -> None:
    """An http picture is shown on an http page alone; a secure one gets the title."""
    ad = served("A shoe", "http://img.example/a.jpg")
    assert "img.example" not in banner_html(ad, LINKS, (300, 250), secure=True)
    assert "A shoe" in banner_html(ad, LINKS, (300, 250), secure=True)
    assert "img.example" in banner_html(ad, LINKS, (300, 250), secure=False)


@given(title=st.text(min_size=1, max_size=60), length=st.integers(1, 60))
def test_a_native_title_keeps_the_length_asked_for(title: str, length: int) -> None:
    """Never longer than `len`, and whole where it fits."""
    request = msgspec.convert({"assets": [{"id": 1, "required": 1, "title": {"len": length}}]}, NativeRequest)
    place = Place(imp=Imp(id="1"), slot=Slot(id="1", format="native"), native=request)
    markup = native_json(served(title), LINKS, place)
    assert markup is not None
    text = msgspec.json.decode(markup)["assets"][0]["title"]["text"]
    assert len(text) <= length
    assert text == title or len(title) > length


def test_a_native_picture_is_never_smaller_than_asked() -> None:
    """A required picture of at least 300 pixels: an ad with one of 200 is not offered; with one of 300 it is."""
    asset = {"id": 1, "required": 1, "img": {"type": 3, "wmin": 300}}
    request = msgspec.convert({"assets": [asset]}, NativeRequest)
    place = Place(imp=Imp(id="1"), slot=Slot(id="1", format="native"), native=request)
    assert native_json(served("x", "https://img.example/a.jpg", 200), LINKS, place) is None
    assert native_json(served("x", "https://img.example/a.jpg", 300), LINKS, place) is not None


def test_a_native_ad_tells_the_events_that_the_page_can_report() -> None:
    """Trackers of exactly the impression and the viewable impression, where they were asked for."""
    for wanted in ([1], [2], [1, 2], [4]):
        trackers = [{"event": event, "methods": [1]} for event in wanted]
        request = msgspec.convert({"assets": [{"id": 1, "title": {}}], "eventtrackers": trackers}, NativeRequest)
        place = Place(imp=Imp(id="1"), slot=Slot(id="1", format="native"), native=request)
        told = msgspec.json.decode(native_json(served("x"), LINKS, place) or "")
        urls = {1: "https://ads.example.com/t/i/tok", 2: "https://ads.example.com/t/v/tok"}
        assert [(each["event"], each["url"]) for each in told.get("eventtrackers", ())] == [
            (event, urls[event]) for event in wanted if event in urls
        ]
