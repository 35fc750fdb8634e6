"""The page of a form of a campaign or an ad, as its template gets it."""

import msgspec

from adcascade.console.form import Form
from adcascade.console.pages.campaigns.meanwhile import Meanwhile


class FormPage(msgspec.Struct, frozen=True, kw_only=True):
    """The view. back: where it leads without saving; version: that was read, 0 for what is not there yet; meanwhile:
    what somebody else changed; forecast: whether a forecast can be asked for."""

    title: str
    back: str
    form: Form
    version: int = 0
    meanwhile: Meanwhile | None = None
    forecast: bool = False
    status: int = 200
