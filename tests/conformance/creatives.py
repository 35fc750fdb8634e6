"""The creatives of the test bidder: HTML, native JSON and VAST that answer what was asked."""

import json
from html import escape
from typing import Any

Document = dict[str, Any]
INLINE = {2: "2.0", 3: "3.0", 7: "4.0", 11: "4.1", 13: "4.2"}
WRAPPER = {5: "2.0", 6: "3.0", 8: "4.0", 12: "4.1", 14: "4.2"}
FILE = "https://cdn.brand.example/shoes"
FILES = {"video": "video/mp4", "audio": "audio/mpeg"}


def banner_html(pixel: str) -> str:
    """A linked picture and a pixel."""
    return (
        '<div><a href="https://brand.example/shoes"><img src="https://cdn.brand.example/shoes.jpg" alt="shoes"></a>'
        f'<img src="{escape(pixel)}" width="1" height="1"></div>'
    )


def native_json(wanted: Document, pixel: str) -> str | None:
    """Titles, images and data; None where something else is required, or the request cannot be read."""
    try:
        asked = json.loads(wanted["request"])
    except (KeyError, ValueError):
        return None
    asked = asked.get("native", asked)
    assets = []
    for asset in asked["assets"]:
        filled = _asset(asset)
        if filled is not None:
            assets.append({"id": asset["id"], **filled})
        elif asset.get("required") == 1:
            return None
    trackers = [each for each in asked.get("eventtrackers", []) if each["event"] == 1 and 1 in each["methods"]]
    answer: Document = {"ver": "1.2", "assets": assets, "link": {"url": "https://brand.example/shoes"}}
    if trackers:
        answer["eventtrackers"] = [{"event": 1, "method": 1, "url": pixel}]
    else:
        answer["imptrackers"] = [pixel]
    return json.dumps(answer)


def _asset(asset: Document) -> Document | None:
    if "title" in asset:
        return {"title": {"text": "Running shoes"[: asset["title"]["len"]]}}
    if "data" in asset:
        return {"data": {"value": "Brand & Co"[: asset["data"].get("len", 100)], "type": asset["data"]["type"]}}
    if "img" in asset and asset["img"].get("wmin", 0) <= 600 and asset["img"].get("hmin", 0) <= 500:
        return {"img": {"url": "https://cdn.brand.example/shoes.jpg", "w": 600, "h": 500}}
    return None


def vast_xml(kind: str, wanted: Document, pixel: str) -> Document | None:
    """A linear ad of a duration that fits, inline where the player takes it, else a wrapper; None: nothing fits."""
    if wanted.get("linearity") == 2 or FILES[kind] not in wanted["mimes"]:
        return None
    seconds = (wanted.get("rqddurs") or [max(15, wanted.get("minduration", 0))])[0]
    if seconds > (wanted.get("maxduration") or seconds):
        return None
    end = {"dur": seconds}
    for number in wanted["protocols"]:
        if number in INLINE:
            return {"adm": _vast(INLINE[number], _inline(FILES[kind], seconds, pixel)), "protocol": number, **end}
        if number in WRAPPER:
            return {"adm": _vast(WRAPPER[number], _wrapper(pixel)), "protocol": number, **end}
    return None


def _inline(file_type: str, seconds: int, pixel: str) -> str:
    file = f'<MediaFile delivery="progressive" type="{file_type}" width="640" height="360">{FILE}</MediaFile>'
    linear = f"<Linear><Duration>00:00:{seconds:02}</Duration><MediaFiles>{file}</MediaFiles></Linear>"
    return (
        f"<InLine><AdSystem>test</AdSystem><AdTitle>shoes</AdTitle>{_impression(pixel)}"
        f"<Creatives><Creative>{linear}</Creative></Creatives></InLine>"
    )


def _wrapper(pixel: str) -> str:
    uri = "<VASTAdTagURI>https://brand.example/vast</VASTAdTagURI>"
    return f"<Wrapper><AdSystem>test</AdSystem>{uri}{_impression(pixel)}</Wrapper>"


def _impression(pixel: str) -> str:
    return f"<Impression><![CDATA[{pixel}]]></Impression>"


def _vast(version: str, ad: str) -> str:
    return f'<?xml version="1.0"?><VAST version="{version}"><Ad id="1">{ad}</Ad></VAST>'
