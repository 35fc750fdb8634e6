"""Saved views: the table of them, and what is done to one: saved, renamed, shared, overwritten, deleted.

What is done to a view names the version that was seen; where it was changed since, nothing is done.
"""

from typing import Any

import msgspec

from adcascade.console.form import read, wrong_of
from adcascade.console.page import At, Go, Says, Visit
from adcascade.console.pages.reports.panel import (
    CHECKS,
    COLUMNS,
    change_form,
    save_form,
    seen_version,
    table_of,
    url_of,
)
from adcascade.console.pages.reports.question import question_of
from adcascade.console.pages.reports.view import ReportPage, key_of, page_of
from adcascade.console.pages.reports.words import VIEW, address_of, query_of, scope_of, words_of
from adcascade.console.table import Table, asked_of
from adcascade.errors import InputError
from adcascade.reports.saved_views import Content, SavedView, SavedViews


async def rows(visit: Visit) -> Table:
    """The table of all that the visitor sees."""
    asked, key = asked_of(visit.query, COLUMNS, "name"), key_of(visit)

    def read_all() -> list[SavedView]:
        with SavedViews(visit.desk.settings.catalog_url) as views:
            return views.seen_by(key)

    return table_of(await visit.aside(read_all), asked, key)


async def save(visit: Visit) -> ReportPage | Go:
    """The question of the page under a name; the form comes back where that cannot be."""
    query, key = query_of(visit.form.get("words", "")), key_of(visit)
    good, wrong = read(visit.form, CHECKS)

    def saved() -> SavedView:
        with SavedViews(visit.desk.settings.catalog_url) as views:
            return views.save(key, good["name"], _content(visit, query), visit.now_us, shared=good["shared"])

    if not wrong:
        try:
            view = await visit.aside(saved)
            return Go(to=url_of(view), says=Says(text=f"Saved as “{view.name}”."))
        except InputError as error:
            wrong = {"name": wrong_of(error)}
    page = await page_of(visit, query)
    form = save_form({name: visit.form.get(name, "") for name in CHECKS}, wrong)
    return msgspec.structs.replace(page, panel=msgspec.structs.replace(page.panel, save=form), status=422)


async def change(visit: Visit) -> ReportPage | Go:
    """Another name or another sharing; the question of the page stays what it is."""
    typed = {name: visit.form.get(f"its_{name}", "") for name in CHECKS}
    good, wrong = read(typed, CHECKS)
    query = query_of(visit.form.get("words", "")) | {VIEW: visit.path["id"]}
    if not wrong:
        try:
            view = await visit.aside(_changed, visit, good)
            text = f"“{view.name}” is {'shared' if view.shared else 'yours alone'}."
            return Go(to=address_of(words_of(query, key_of(visit)), view.id), says=Says(text=text))
        except InputError as error:
            wrong = {"name": wrong_of(error)}
    page = await page_of(visit, query)
    if page.panel.opened is not None:
        opened = msgspec.structs.replace(page.panel.opened, change=change_form(visit.path["id"], typed, wrong))
        page = msgspec.structs.replace(page, panel=msgspec.structs.replace(page.panel, opened=opened))
    return msgspec.structs.replace(page, status=422)


async def overwrite(visit: Visit) -> Go:
    """The question of the page in the place of the view's."""
    query = query_of(visit.form.get("words", ""))
    view = await visit.aside(_changed, visit, {"content": _content(visit, query)})
    return Go(to=url_of(view), says=Says(text=f"“{view.name}” now asks this."))


async def delete(visit: Visit) -> Go:
    """The view is gone; the page goes on with what it asked."""
    key = key_of(visit)

    def deleted() -> SavedView:
        with SavedViews(visit.desk.settings.catalog_url) as views:
            seen = _seen(views, visit)
            views.delete(key, seen)
            return seen

    view = await visit.aside(deleted)
    return Go(to=address_of(view.content.words), says=Says(text=f"“{view.name}” is deleted."))


def _content(visit: Visit, query: dict[str, str]) -> Content:
    """What a view of the page holds; InputError where the page cannot answer it."""
    key = key_of(visit)
    words = words_of(query, key)
    question_of(words, visit.now_us, key.advertisers)
    return Content(words=words, by=key.name, advertisers=scope_of(words, key))


def _seen(views: SavedViews, visit: Visit) -> SavedView:
    """The view of the form, of the version that its page showed."""
    view = views.find(key_of(visit), visit.path["id"])
    return msgspec.structs.replace(view, version=seen_version(visit.form.get("version", "")))


def _changed(visit: Visit, changes: dict[str, Any]) -> SavedView:
    with SavedViews(visit.desk.settings.catalog_url) as views:
        seen = msgspec.structs.replace(_seen(views, visit), **changes)
        return views.change(key_of(visit), seen, visit.now_us)


ROUTES = (
    At(path="/reports/views", handler=rows, template="report_views.html"),
    At(path="/reports/views/rows", handler=rows, template="report_views_rows.html"),
    At(method="POST", path="/reports/views", handler=save, template="reports.html"),
    At(method="POST", path="/reports/views/{id}", handler=change, template="reports.html"),
    At(method="POST", path="/reports/views/{id}/question", handler=overwrite),
    At(method="POST", path="/reports/views/{id}/delete", handler=delete),
)
