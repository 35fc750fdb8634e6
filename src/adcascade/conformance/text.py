"""A trial as people read it."""

from adcascade.conformance.reading import MalformedError, unpacked
from adcascade.conformance.trial import Trial

LONGEST = 4000  # characters of a body that are shown
SHORT = 200


def printable(value: object, longest: int = SHORT) -> str:
    """A value on one line, without characters that a terminal would obey."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text[:longest])
    return shown if len(text) <= longest else f"{shown} ... ({len(text)} characters)"


def readable(trial: Trial) -> str:
    """Request and answer, headers and bodies."""
    probe, reply = trial.probe, trial.reply
    lines = [f"{probe.name}: {probe.about}", "", probe.method, *(f"{k}: {v}" for k, v in probe.headers.items()), ""]
    lines.append(_body(probe.body, probe.headers.get("content-encoding")))
    lines += ["", f"answer: {reply.status or reply.fault} {reply.detail} in {reply.seconds * 1000:.1f} ms"]
    lines += [*(f"{name}: {value}" for name, value in reply.headers.items()), ""]
    lines.append(_body(reply.body, reply.headers.get("content-encoding")))
    return "\n".join(printable(line, LONGEST) for line in lines)


def _body(body: bytes, encoding: str | None) -> str:
    try:
        return unpacked(body, encoding).decode("utf-8", "backslashreplace")
    except MalformedError:
        return body.decode("utf-8", "backslashreplace")
