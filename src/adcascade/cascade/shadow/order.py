"""Order: which bundle shadows the serving one, on which share of the requests, by whose wish.

    bundles/shadow.json         the order; absent: nothing shadows
    bundles/promotions.jsonl    a line for each beginning and end, beside those of who promoted what

There is one shadow at a time, and every server process looks at the file once a second. A process that finds that the
shadow cannot work writes the reason into the order, so that all of them leave it, and nobody tries again until somebody
gives another order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from adcascade.cascade.bundle import Bundles, write_atomically
from adcascade.cascade.promoting import FILE as LOG
from adcascade.cascade.promoting import Change, noted
from adcascade.errors import BundleError, InputError
from adcascade.events.turn import Turn

FILE = "shadow.json"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. share: of the requests, above 0 and at most 1; trouble: why it ended by itself, or ""."""

    version: str
    share: float
    who: str
    time_us: int
    trouble: str = ""


def order_of(folder: Path) -> Order | None:
    """The order in a folder of bundles; BundleError where it cannot be read."""
    file = folder / FILE
    try:
        order = msgspec.json.decode(file.read_bytes(), type=Order)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{file} cannot be read: {error}; `adcascade bundle shadow --off` removes it") from error
    return order


def checked_share(share: float) -> float:
    """InputError for what is no share of the requests."""
    if not 0 < share <= 1:
        raise InputError("share", share, "a share of the requests above 0 and at most 1", "0.05 is usual")
    return share


def start(bundles: Bundles, version: str, share: float, *, who: str, time_us: int) -> Order:
    """Let a bundle shadow, in the place of another one. BundleError: it is absent or damaged; InputError: the share."""
    order = Order(version=version, share=checked_share(share), who=who, time_us=time_us)
    bundles.verify(version)
    with _turn(bundles):
        _write(bundles, order, who, time_us)
    return order


def stop(bundles: Bundles, *, who: str, time_us: int) -> bool:
    """No bundle shadows any more; whether there was an order."""
    if not (bundles.folder / FILE).exists():
        return False
    with _turn(bundles):
        _write(bundles, None, who, time_us)
    return True


def give_up(bundles: Bundles, order: Order, reason: str, *, who: str, time_us: int) -> None:
    """The shadow cannot work: its order says so from now on, unless somebody gave another one meanwhile."""
    with _turn(bundles):
        if order_of(bundles.folder) == order:
            _write(bundles, msgspec.structs.replace(order, trouble=reason), who, time_us)


@contextmanager
def _turn(bundles: Bundles) -> Iterator[None]:
    """Nobody else promotes, rolls back or orders meanwhile."""
    turn = Turn(bundles.folder / LOG)
    try:
        with turn:
            yield
    finally:
        turn.close()


def _write(bundles: Bundles, order: Order | None, who: str, time_us: int) -> None:
    """Put the order in its place and the line behind the others."""
    try:
        before = order_of(bundles.folder)
    except BundleError:  # it is replaced, whatever it was
        before = None
    file = bundles.folder / FILE
    if order is None:
        file.unlink(missing_ok=True)
    else:
        write_atomically(file, msgspec.json.format(msgspec.json.encode(order)).decode() + "\n")
    begins = order is not None and not order.trouble
    noted(
        bundles,
        Change(
            time_us=time_us, who=who, action="shadow" if begins else "end shadow",
            before="" if before is None else before.version, after="" if order is None else order.version,
            share=order.share if begins and order is not None else 0.0,
            reason="" if order is None else order.trouble,
        ),
    )  # fmt: skip
