"""The routes of models that let a bundle shadow the serving one, and end it; for who may promote."""

import msgspec

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.bundle_shelf import on_shelf, shelved
from adcascade.cascade.shadow import order as ordering
from adcascade.cascade.shadow.compare import Comparison, recent
from adcascade.cascade.shadow.order import Order, checked_share, order_of
from adcascade.cascade.shadow.store import ShadowStore
from adcascade.console.form import Field, Form, Wrong, read, shown
from adcascade.console.page import At, Go, Says, Visit
from adcascade.console.pages.models import views
from adcascade.console.pages.models.shadow_views import ShadowView, shadow_view, share_words
from adcascade.errors import BundleError, InputError
from adcascade.server.problems import RefusalError

USUAL = "5"
FIELDS = (
    Field(
        name="share", label="Share of the requests, percent", kind="number", required=True,
        hint="Each costs about one and a half times the CPU of answering it; it is dropped where there is no time.",
    ),
)  # fmt: skip


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the second look. before: the version that shadows now, "" where none does."""

    row: views.BundleRow
    form: Form
    serving: str
    before: str
    status: int = 200


def share_of(text: str) -> float:
    """A share of one from percents as somebody types them; InputError where it is none."""
    expected = "a number of percents above 0 and at most 100"
    try:
        return checked_share(float(text.removesuffix("%").strip()) / 100)
    except (ValueError, InputError):
        raise InputError("share", text, expected, f"{USUAL} is usual") from None


async def section_of(visit: Visit, bundles: Bundles, version: str) -> ShadowView | None:
    """What a bundle's page tells of it as a shadow; what is read of the log for it is kept a while."""
    settings = visit.desk.settings
    store = ShadowStore(settings.shadow_path)
    found = await visit.desk.kept.get(
        ("shadow", version), visit.now_us, lambda: recent(store.read, settings.journal_path, version)
    )
    return await visit.aside(_section, bundles, version, found, store, settings.openrtb.currency)


def _section(
    bundles: Bundles, version: str, found: Comparison | None, store: ShadowStore, currency: str
) -> ShadowView | None:
    order, trouble = None, ""
    try:
        order = order_of(bundles.folder)
    except BundleError as error:
        trouble = str(error)
    view = shadow_view(version, order, store.counts(version), found, currency)
    return view if view is None or not trouble else msgspec.structs.replace(view, trouble=trouble)


def line_of(bundles: Bundles) -> tuple[Order | None, str]:
    """The order for the page of all bundles, and what is wrong with it."""
    try:
        order = order_of(bundles.folder)
    except BundleError as error:
        return None, str(error)
    return order, "" if order is None else order.trouble


def _bundles(visit: Visit) -> tuple[Bundles, str]:
    """And the version of the address; 404 where none lies there."""
    bundles, version = Bundles(visit.desk.settings.bundles_path), visit.path["version"]
    if not on_shelf(bundles, version):
        raise RefusalError(404, "version", version, "a bundle that is there", "choose one on the page of models")
    return bundles, version


def _asking(bundles: Bundles, version: str, values: dict[str, str], wrong: dict[str, Wrong]) -> Asking:
    order, _ = line_of(bundles)
    return Asking(
        row=views.row_of(shelved(bundles, version)),
        form=Form(
            action=f"/models/{version}/shadow", fields=FIELDS, submit=f"Shadow with {version}",
            values=shown(FIELDS, values), wrong=wrong,
        ),
        serving=bundles.current() or "",
        before="" if order is None or order.trouble else order.version,
        status=422 if wrong else 200,
    )  # fmt: skip


async def ask(visit: Visit) -> Asking:
    """The second look."""
    bundles, version = _bundles(visit)
    return await visit.aside(_asking, bundles, version, {"share": USUAL}, {})


async def start(visit: Visit) -> Asking | Go:
    """Every file is verified, and servers follow within seconds."""
    bundles, version = _bundles(visit)
    good, wrong = read(visit.form, {"share": share_of})
    if wrong:
        return await visit.aside(_asking, bundles, version, dict(visit.form), wrong)
    share = good["share"]
    try:
        await visit.aside(ordering.start, bundles, version, share, who=visit.by, time_us=visit.now_us)
    except BundleError as error:
        raise RefusalError(409, "bundle", str(error), "a bundle as it was written", "nothing was changed") from error
    said = f"{version} shadows {share_words(share)} of the requests; running servers begin within seconds."
    return Go(to=f"/models/{version}", says=Says(text=said))


async def end(visit: Visit) -> Go:
    """No bundle shadows any more."""
    bundles = Bundles(visit.desk.settings.bundles_path)
    ended = await visit.aside(ordering.stop, bundles, who=visit.by, time_us=visit.now_us)
    return Go(to="/models", says=Says(text="The shadow is off." if ended else "No bundle shadowed."))


ROUTES = (
    At(method="POST", path="/models/shadow-off", handler=end, needs="keys:write"),
    At(path="/models/{version}/shadow", handler=ask, template="model_shadow_form.html", needs="keys:write"),
    At(
        method="POST",
        path="/models/{version}/shadow",
        handler=start,
        template="model_shadow_form.html",
        needs="keys:write",
    ),
)
