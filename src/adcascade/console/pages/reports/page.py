"""Reports: any metric by any dimension and time, beside another period, as chart, table and file; saved views of them.

The form is a GET: the address holds the whole question, and who gets it sees the same report.
"""

import io

import pyarrow.csv
import pyarrow.parquet as pq

from adcascade.console.page import At, Download, Page, Visit
from adcascade.console.pages.reports import saved
from adcascade.console.pages.reports.shown import columns_of
from adcascade.console.pages.reports.view import ReportPage, page_of, report_of


async def show(visit: Visit) -> ReportPage:
    """The page."""
    return await page_of(visit, visit.query)


async def as_csv(visit: Visit) -> Download:
    """The same report as CSV."""
    file = io.BytesIO()
    pyarrow.csv.write_csv(columns_of(await report_of(visit, visit.query)), file)
    return Download(content=file.getvalue(), type="text/csv", name="report.csv")


async def as_parquet(visit: Visit) -> Download:
    """The same report as Parquet."""
    file = io.BytesIO()
    pq.write_table(columns_of(await report_of(visit, visit.query)), file)
    return Download(content=file.getvalue(), type="application/vnd.apache.parquet", name="report.parquet")


PAGE = Page(
    name="reports", title="Reports", path="/reports", needs="reports:read",
    routes=(
        At(path="/reports", handler=show, template="reports.html"),
        At(path="/reports.csv", handler=as_csv),
        At(path="/reports.parquet", handler=as_parquet),
        *saved.ROUTES,
    ),
)  # fmt: skip
