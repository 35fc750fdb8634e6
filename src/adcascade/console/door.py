"""Door: signing in with a key, and out."""

from urllib.parse import quote

import msgspec

from adcascade.console.form import Field, Form, Wrong
from adcascade.errors import AccessError

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
KEY = Field(
    name="key",
    label="Admin key",
    kind="password",
    hint="Begins with adc_. An administrator gives you one; on the server: adcascade key create NAME --role manager",
    required=True,
    autocomplete="current-password",
)
REMEDY = "ask an administrator, or make one with `adcascade key create`"


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the sign-in page. to: where it leads afterwards; status: of the answer."""

    form: Form
    to: str
    status: int = 200
    wait_s: float = 0.0


def sign_in_view(to: str, error: AccessError | None = None) -> SignIn:
    """The form; error: why the last key opened nothing."""
    wrong = {} if error is None else {KEY.name: Wrong(value="", expected=error.expected, remedy=error.remedy or REMEDY)}
    return SignIn(
        form=Form(action=SIGN_IN, fields=(KEY,), submit="Sign in", wrong=wrong),
        to=to,
        status=200 if error is None else error.status,
        wait_s=0.0 if error is None else error.after_s,
    )


def way_in(to: str) -> str:
    """The address of the sign-in page that leads on to `to`."""
    return SIGN_IN if to == "/" else f"{SIGN_IN}?next={quote(to, safe='')}"


def local(to: str) -> str:
    """The path to go on to, if it is one of ours; else "/": nobody is led elsewhere by a link to the sign-in page."""
    inside = to.startswith("/") and not to.startswith("//") and "\\" not in to and to.isprintable()
    return to if inside and not to.startswith((SIGN_IN, SIGN_OUT)) else "/"
