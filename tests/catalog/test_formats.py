"""Which creative fits which slot: shapes never say no where the whole creative says yes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.catalog.formats import ad_fits, fits, look_of
from adcascade.catalog.nouns import Ad, Creative
from adcascade.contracts import Look, Slot, VideoSpec

FILM = Creative(
    id="f", format="video", video_url="https://v.example/a.mp4", mime="video/mp4", duration_ms=15_200, bitrate_kbps=1200
)
WRAPPED = Creative(id="w", format="video", vast_url="https://v.example/vast", duration_ms=30_000)

specs = st.builds(
    VideoSpec,
    mimes=st.sampled_from([(), ("video/mp4",), ("video/webm",)]),
    min_s=st.sampled_from([0, 15, 16]),
    max_s=st.sampled_from([0, 14, 15, 30]),
    durations=st.sampled_from([(), (15, 30), (20,)]),
    min_kbps=st.sampled_from([0, 1000, 2000]),
    max_kbps=st.sampled_from([0, 1000, 2000]),
    files=st.booleans(),
    wrappers=st.booleans(),
)


def plays(creative: Creative, spec: VideoSpec) -> bool:
    """In plain words, with the length to the nearest second."""
    seconds = round(creative.duration_ms / 1000)
    length = seconds in spec.durations if spec.durations else spec.min_s <= seconds <= (spec.max_s or 10**6)
    rate = creative.bitrate_kbps
    borne = not rate or spec.min_kbps <= rate <= (spec.max_kbps or 10**9)
    taken = spec.files and creative.mime in (spec.mimes or (creative.mime,)) if creative.video_url else spec.wrappers
    return length and borne and taken


@given(creative=st.sampled_from([FILM, WRAPPED]), spec=specs)
def test_a_video_fits_where_its_kind_length_and_bitrate_do(creative: Creative, spec: VideoSpec) -> None:
    """Against the rules in plain words; and what shapes admit is never less."""
    slot = Slot(id="1", format="video", video=spec)
    assert fits(creative, slot) == plays(creative, spec)
    assert ad_fits(Ad(id="a", campaign="c", creatives=(creative,)), slot) >= fits(creative, slot)


@pytest.mark.parametrize(("width", "height", "expected"), [(300, 250, 0), (728, 90, 1), (0, 0, 0), (160, 600, None)])
def test_a_banner_takes_the_first_look_of_its_size(width: int, height: int, expected: int | None) -> None:
    """Sizes beside the first are looks of their own; a size that is not told fits any."""
    other = Look(format="banner", width=728, height=90)
    slot = Slot(id="1", format="banner", width=300, height=250, also=(other, Look(format="native")))
    found = look_of(Creative(id="b", format="banner", width=width, height=height), slot)
    assert found == (None if expected is None else (slot, other)[expected])
    assert fits(Creative(id="n", format="native"), slot)
    assert not fits(Creative(id="p"), slot)
