"""The page of reports as a view: the report that an address asks for, or why there is none, beside the saved views."""

from collections.abc import Mapping
from functools import cache
from urllib.parse import urlencode

import msgspec

from adcascade.access.keys import Key
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.console.page import Visit
from adcascade.console.pages.reports.panel import Panel, panel_of
from adcascade.console.pages.reports.question import question_of, rule_of, values_of
from adcascade.console.pages.reports.shown import Shown, form_only, shown
from adcascade.errors import AccessError, InputError
from adcascade.events.attribution.rule import DAY_US, Rule
from adcascade.money.books import Books
from adcascade.reports.credited import earned_of, goods_in
from adcascade.reports.facts import Names, names_in
from adcascade.reports.kept import KeptFacts
from adcascade.reports.query import Question, Report, answer
from adcascade.reports.saved_views import SavedViews
from adcascade.sections import AttributionSettings
from adcascade.settings import Settings

OWN_LOG = (
    "These figures are of this machine's log. Machines that share its books have logs of their own: what came to them, "
    "clicks on ads that were answered here too, stands on their pages."
)


class ReportPage(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page."""

    report: Shown
    panel: Panel
    status: int = 200


def configured(settings: AttributionSettings) -> Rule:
    """The rule of adcascade.toml."""
    windows = [None if days is None else round(days * DAY_US) for days in (settings.click_days, settings.view_days)]
    return Rule(click_us=windows[0], view_us=windows[1], scope=settings.scope, direct=settings.direct)


def made(settings: Settings, books: Books, question: Question, rule: Rule | None) -> Report:
    """The report over an installation; the catalog is read only where facts are not kept yet or a rule needs it."""

    @cache
    def snapshot() -> Snapshot:
        with CatalogStore(settings.catalog_url) as store:
            return Snapshot.from_store(store)

    def names(row: int) -> Names:
        return names_in(snapshot())(row)

    journal = settings.journal_path
    facts = KeptFacts(journal, settings.reports_path, names, books)
    if rule is None:
        return answer(question, facts)
    from_us = question.from_us if question.compare_us is None else min(question.from_us, question.compare_us)
    return answer(question, facts, earned_of(journal, rule, goods_in(snapshot()), from_us, settings.attribution.views))


def key_of(visit: Visit) -> Key:
    """Whose the saved views are; AccessError where nobody signed in."""
    if visit.key is None:
        raise AccessError(401, "a visitor who signed in")
    return visit.key


async def report_of(visit: Visit, query: Mapping[str, str]) -> Report:
    """The report of an address; InputError where it cannot be made."""
    question = question_of(query, visit.now_us, key_of(visit).advertisers)
    rule = rule_of(values_of(query)["rule"], configured(visit.desk.settings.attribution))
    return await visit.aside(made, visit.desk.settings, visit.desk.inside.admin.books, question, rule)


async def page_of(visit: Visit, query: Mapping[str, str]) -> ReportPage:
    """The page of an address; a question that cannot be answered comes back with the reason."""
    try:
        report = shown(query, urlencode(query), await report_of(visit, query), visit.desk.inside.options.currency)
    except InputError as error:
        report = form_only(query, error)
    if visit.desk.settings.money.books:
        report = msgspec.structs.replace(report, notes=(*report.notes, OWN_LOG))
    panel = await visit.aside(_panel, visit.desk.settings.catalog_url, query, key_of(visit))
    return ReportPage(report=report, panel=panel, status=report.status)


def _panel(catalog_url: str, query: Mapping[str, str], key: Key) -> Panel:
    with SavedViews(catalog_url) as views:
        return panel_of(views.seen_by(key), query, key)
