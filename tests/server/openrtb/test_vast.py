"""VAST: well-formed under any text, in the version that was asked for, with our trackers and nothing else."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.answer import Served
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.server.links import Links
from adcascade.server.openrtb.objects import Video
from adcascade.server.openrtb.vast import vast_xml
from adcascade.server.openrtb.video import INLINE, WRAPPER, skip_after_s, spoken, video_spec

LINKS = Links("https://ads.example.com")
FILM = {
    "video_url": "https://v.example/a.mp4?x=1&y=<2>".replace("<2>", "2"),
    "mime": "video/mp4",
    "duration_ms": 15_000,
}


def served(title: str = "A film", name: str = "V", **look: object) -> Served:
    """An ad with a video."""
    creative = Creative(id="c", format="video", title=title, **look)  # type: ignore[arg-type]
    return Served(
        token="tok", bid_id="b", slot=0, row=0, ad=Ad(id="a", campaign="k", title=title), creative_index=0,
        creative=creative, campaign=Campaign(id="k", advertiser="v"), advertiser=Advertiser(id="v", name=name),
        price_micros=1, ecpm_micros=1000, ctr=0.1,
    )  # fmt: skip


texts = st.text(max_size=40) | st.sampled_from(
    ["</AdTitle><Ad>", "]]>", "<![CDATA[", "&amp;&", "\x00\x1b", "\ud800", "\ufffe"]
)


@given(title=texts, name=texts, version=st.sampled_from([*INLINE.values()]))
def test_it_is_well_formed_whatever_advertisers_write(title: str, name: str, version: str) -> None:
    """One ad, one film, one click, one impression; the title as it was, without what no XML may hold."""
    document = vast_xml(served(title, name, **FILM), LINKS, version=version, skip_s=5)
    assert document is not None
    root = fromstring(document)
    assert (root.tag, root.get("version")) == ("VAST", version)
    tags = [element.tag for element in root.iter()]
    for once in ("Ad", "InLine", "Impression", "Error", "MediaFile", "ClickThrough", "Duration", "AdTitle"):
        assert tags.count(once) == 1
    assert root.findtext(".//MediaFile") == FILM["video_url"]
    assert root.findtext(".//ClickThrough") == "https://ads.example.com/t/c/tok"
    assert root.findtext(".//Impression") == "https://ads.example.com/t/i/tok"
    assert (root.find(".//Linear[@skipoffset='00:00:05']") is not None) == (version >= "3")
    assert ("UniversalAdId" in tags) == ("AdServingId" in tags) == (version >= "4")


@pytest.mark.parametrize("version", sorted(set(WRAPPER.values())))
def test_a_wrapper_leads_on_and_counts_beside(version: str) -> None:
    """Another's document, our impression, our click without a redirect; the chain where its macro stands."""
    document = vast_xml(served(vast_url="https://v.example/vast?c=[SCHAIN]"), LINKS, version=version, chain="1.0,1!a,7")
    assert document is not None
    root = fromstring(document)
    assert root.findtext(".//Wrapper/VASTAdTagURI") == "https://v.example/vast?c=1.0,1!a,7"
    assert root.findtext(".//Wrapper/Impression") == "https://ads.example.com/t/i/tok"
    assert root.findtext(".//ClickTracking") == "https://ads.example.com/t/c/tok?count=1"
    assert root.find(".//MediaFiles") is None


@pytest.mark.parametrize("url", ["http://v.example/a.mp4", "javascript:alert(1)", ""])
def test_what_a_secure_page_may_not_load_is_not_written(url: str) -> None:
    """No document around an address that is insecure, or none."""
    assert vast_xml(served(video_url=url), LINKS, version="4.2", secure=True) is None


@given(told=st.lists(st.integers(1, 16), max_size=6))
def test_the_best_version_that_is_told_is_spoken(told: list[int]) -> None:
    """The highest version among the protocols; where none is told 3.0, and no wrapper."""
    for wrapped, known in ((False, INLINE), (True, WRAPPER)):
        found = spoken(Video(protocols=told), wrapped=wrapped)
        best = max((known[one] for one in told if one in known), default=None)
        if not told:
            best = None if wrapped else "3.0"
        assert (found and found.version) == best
        assert found is None or known[found.protocol] == found.version


def test_a_pod_and_required_lengths_narrow_what_fits() -> None:
    """The shorter of the longest ad and of the pod; exact lengths where they are told; who streams takes no file."""
    spec = video_spec(Video(minduration=5, maxduration=60, poddur=45, protocols=[3, 6], delivery=[1]))
    assert not isinstance(spec, str)
    assert (spec.min_s, spec.max_s, spec.files, spec.wrappers) == (5, 45, False, True)
    exact = video_spec(Video(rqddurs=[15, 30]))
    assert not isinstance(exact, str)
    assert exact.durations == (15, 30)
    assert video_spec(Video(linearity=2)) == "linearity"
    assert video_spec(Video(protocols=[1, 9])) == "protocol"


@pytest.mark.parametrize(
    ("video", "after"),
    [
        (Video(skip=1, skipafter=5), 5),
        (Video(skip=1, skipafter=50), 15),
        (Video(skip=1, skipmin=15), None),
        (Video(skip=0, skipafter=5), None),
        (Video(skip=1, battr=[16]), None),
    ],
)
def test_a_viewer_may_skip_where_the_player_lets_him(video: Video, after: int | None) -> None:
    """Not below the shortest length, not where skipping is a blocked attribute, never after the end."""
    assert skip_after_s(video, 15) == after
