"""Reports: any metric by any dimension and time, beside another period, as chart, table and file.

The form is a GET: the address holds the whole question, and who gets it sees the same report.
"""

import io
from functools import cache
from urllib.parse import urlsplit

import pyarrow.csv
import pyarrow.parquet as pq

from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.console.page import At, Download, Page, Visit
from adcascade.console.reporting import Shown, columns_of, form_only, question_of, rule_of, shown, values_of
from adcascade.errors import InputError
from adcascade.events.attribution.rule import DAY_US, Rule
from adcascade.money.charged import FileCharges
from adcascade.reports.credited import earned_of, goods_in
from adcascade.reports.facts import Names, names_in
from adcascade.reports.kept import KeptFacts
from adcascade.reports.query import Question, Report, answer
from adcascade.sections import AttributionSettings
from adcascade.settings import Settings


def configured(settings: AttributionSettings) -> Rule:
    """The rule of adcascade.toml."""
    windows = [None if days is None else round(days * DAY_US) for days in (settings.click_days, settings.view_days)]
    return Rule(click_us=windows[0], view_us=windows[1], scope=settings.scope, direct=settings.direct)


def made(settings: Settings, question: Question, rule: Rule | None) -> Report:
    """The report over an installation; the catalog is read only where facts are not kept yet or a rule needs it."""

    @cache
    def snapshot() -> Snapshot:
        with CatalogStore(settings.catalog_url) as store:
            return Snapshot.from_store(store)

    def names(row: int) -> Names:
        return names_in(snapshot())(row)

    journal = settings.journal_path
    facts = KeptFacts(journal, settings.reports_path, names, FileCharges(journal))
    if rule is None:
        return answer(question, facts)
    from_us = question.from_us if question.compare_us is None else min(question.from_us, question.compare_us)
    return answer(question, facts, earned_of(journal, rule, goods_in(snapshot()), from_us, settings.attribution.views))


async def _report(visit: Visit) -> Report:
    question = question_of(visit.query, visit.now_us)
    rule = rule_of(values_of(visit.query)["rule"], configured(visit.desk.settings.attribution))
    return await visit.aside(made, visit.desk.settings, question, rule)


async def show(visit: Visit) -> Shown:
    """The page; a question that cannot be answered comes back with the reason."""
    try:
        report = await _report(visit)
    except InputError as error:
        return form_only(visit.query, error)
    return shown(visit.query, urlsplit(visit.url).query, report, visit.desk.inside.options.currency)


async def as_csv(visit: Visit) -> Download:
    """The same report as CSV."""
    file = io.BytesIO()
    pyarrow.csv.write_csv(columns_of(await _report(visit)), file)
    return Download(content=file.getvalue(), type="text/csv", name="report.csv")


async def as_parquet(visit: Visit) -> Download:
    """The same report as Parquet."""
    file = io.BytesIO()
    pq.write_table(columns_of(await _report(visit)), file)
    return Download(content=file.getvalue(), type="application/vnd.apache.parquet", name="report.parquet")


PAGE = Page(
    name="reports", title="Reports", path="/reports", needs="reports:read", whole_house=True,
    routes=(
        At(path="/reports", handler=show, template="reports.html"),
        At(path="/reports.csv", handler=as_csv),
        At(path="/reports.parquet", handler=as_parquet),
    ),
)  # fmt: skip
