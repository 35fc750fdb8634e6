"""Video places: what the player plays, and in which version of VAST it wants its answer (OpenRTB 2.6, 3.2.7)."""

from typing import NamedTuple

from adcascade.contracts import VideoSpec
from adcascade.server.openrtb.objects import Video

INLINE = {15: "4.3", 13: "4.2", 11: "4.1", 7: "4.0", 3: "3.0", 2: "2.0"}  # AdCOM "Creative Subtypes", best first
WRAPPER = {16: "4.3", 14: "4.2", 12: "4.1", 8: "4.0", 6: "3.0", 5: "2.0"}
UNTOLD = 3  # the protocol where a player names none; it then gets no wrapper
LINEAR, PROGRESSIVE, DOWNLOAD = 1, 2, 3
SKIPPABLE = 16  # creative attribute
MOST = 3_600  # seconds that a length may have


class Spoken(NamedTuple):
    """A version of VAST and its number in the list of protocols."""

    protocol: int
    version: str


def video_spec(video: Video) -> VideoSpec | str:
    """What fits, or a word why nothing of ours does."""
    if video.linearity not in (None, 0, LINEAR):
        return "linearity"
    inline, wrapper = spoken(video, wrapped=False), spoken(video, wrapped=True)
    if inline is None and wrapper is None:
        return "protocol"
    lengths = [one for one in (video.maxduration, video.poddur) if one]
    durations = tuple(one for one in video.rqddurs or () if 0 < one <= MOST)
    if video.rqddurs and not durations:
        return "duration"
    return VideoSpec(
        mimes=tuple(mime.casefold() for mime in video.mimes or ()),
        min_s=max(video.minduration or 0, 0),
        max_s=min(lengths, default=0),
        durations=durations,
        min_kbps=max(video.minbitrate or 0, 0),
        max_kbps=max(video.maxbitrate or 0, 0),
        files=inline is not None and _progressive(video),
        wrappers=wrapper is not None,
    )


def spoken(video: Video, *, wrapped: bool) -> Spoken | None:
    """The best version in which the player takes a document, or a wrapper of another's; None: in none."""
    told = {*(video.protocols or ([video.protocol] if video.protocol else [UNTOLD]))}  # `protocols` replaced `protocol`
    known = WRAPPER if wrapped else INLINE
    return next((Spoken(protocol, version) for protocol, version in known.items() if protocol in told), None)


def skip_after_s(video: Video, seconds: int) -> int | None:
    """After how many seconds a viewer may skip, where the player lets him; None: not at all."""
    if video.skip != 1 or seconds <= (video.skipmin or 0) or SKIPPABLE in (video.battr or ()):
        return None
    return min(max(video.skipafter or 0, 0), seconds)


def _progressive(video: Video) -> bool:
    """Ours is a file at a URL."""
    return not video.delivery or bool({PROGRESSIVE, DOWNLOAD} & set(video.delivery))
