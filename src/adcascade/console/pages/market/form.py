"""The form of a run: the dials of the market as MarketConfig tells them, and how long it lives."""

from collections.abc import Mapping

import msgspec

from adcascade.closedloop.market_order import CHECKS, DIALS, MOST_TICKS, Order, can_train, order_of
from adcascade.console.form import Field, Form, Trouble, Wrong, read, shown, trouble, wrong_of
from adcascade.errors import InputError
from adcascade.market.dials import label_of, plain, text_of

USUAL = Order()
TRAINABLE = can_train()


class MarketForm(msgspec.Struct, frozen=True, kw_only=True):
    """rest: names of the fields that stand behind the others; open: something is wrong among them."""

    form: Form
    rest: frozenset[str]
    open: bool
    trainable: bool


def _dials(*, first: bool) -> tuple[Field, ...]:
    found = []
    for name, (one, usual) in DIALS.items():
        if one.first == first:
            label = f"{label_of(name)}, {one.unit}" if one.unit else label_of(name)
            kind = one.range[0].upper() + one.range[1:]
            hint = one.words if one.kind == "switch" else f"{one.words} {kind}; usually {plain(usual)}."
            found.append(
                Field(name=name, label=label, kind="checkbox" if one.kind == "switch" else "number", hint=hint)
            )
    return tuple(found)


RUN = (
    Field(name="seed", label="Seed", kind="number", hint="The same seed and dials make the same market."),
    Field(
        name="warm_up", label="Warm-up, ticks of 10 minutes", kind="number",
        hint=f"Answered by chance: the log that popularity and the cascade learn from. From 6 to {MOST_TICKS:,}.",
    ),
    Field(
        name="ticks", label="Measured, ticks of 10 minutes", kind="number",
        hint=f"From 1 to {MOST_TICKS:,}; 144 are a day.",
    ),
)  # fmt: skip
CASCADE = Field(
    name="cascade", label="Train a cascade of this market and measure it too", kind="checkbox",
    hint="Half a minute for the usual market, more for larger ones; a longer warm-up teaches it more.",
)  # fmt: skip
FIELDS = (*_dials(first=True), *RUN, *((CASCADE,) if TRAINABLE else ()), *_dials(first=False))
REST = frozenset(field.name for field in _dials(first=False))


def form_of(values: Mapping[str, str] | None = None, wrong: dict[str, Wrong] | None = None) -> MarketForm:
    """The form, with what was typed."""
    wrong = wrong or {}
    form = Form(
        action="/market", fields=FIELDS, submit="Run it", values=values_of(USUAL) if values is None else
        shown(FIELDS, values), wrong=wrong, check_url="/market-check",
    )  # fmt: skip
    return MarketForm(form=form, rest=REST, open=any(name in REST for name in wrong), trainable=TRAINABLE)


OWN = Field(
    name="own_ticks", label="Measured, ticks of 10 minutes", kind="number",
    hint=f"From 1 to {MOST_TICKS:,}.",
)  # fmt: skip


def own_form(values: Mapping[str, str] | None = None, wrong: dict[str, Wrong] | None = None) -> Form:
    """The form of a run of the installation's own market."""
    typed = {OWN.name: str(USUAL.ticks)} if values is None else shown((OWN,), values)
    return Form(action="/market-own", fields=(OWN,), submit="Run its bundle", values=typed, wrong=wrong or {})


def own_ticks(values: Mapping[str, str]) -> tuple[int, dict[str, Wrong]]:
    """How many ticks that form asks for, or what is wrong with it."""
    good, wrong = read({OWN.name: values.get(OWN.name, "")}, {OWN.name: CHECKS["ticks"]})
    return good.get(OWN.name, 0), wrong


def values_of(order: Order) -> dict[str, str]:
    """An order as it would be typed."""
    dials = {name: order.dials.get(name, usual) for name, (_, usual) in DIALS.items()}
    told: dict[str, float] = dials | {"seed": order.seed, "warm_up": order.warm_up, "ticks": order.ticks}
    texts = {name: text_of(value) for name, value in told.items()}
    return {name: "" if text == "no" else text for name, text in (texts | {"cascade": text_of(order.cascade)}).items()}


def ordered(values: Mapping[str, str]) -> tuple[Order | None, dict[str, Wrong]]:
    """The order that a form means, or what is wrong with its fields, also together."""
    good, wrong = read(values, CHECKS)
    if not wrong:
        try:
            return order_of(good), {}
        except InputError as error:
            wrong = {error.field: wrong_of(error)}
    return None, wrong


def checked(name: str, values: Mapping[str, str]) -> Trouble:
    """What is wrong with one field as one types, alone or beside the others."""
    alone = trouble(name, values, CHECKS)
    return Trouble(name=name, wrong=alone.wrong or ordered(values)[1].get(name))
