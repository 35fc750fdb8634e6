"""Render: a view and its frame become HTML. Everything is escaped; a template that names what is not there fails."""

from importlib.resources import files

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from adcascade.access.keys import Key
from adcascade.console import words
from adcascade.console.page import Page, Says


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds a view. pages: those that the visitor sees; token: of his forms; the rest: our files."""

    title: str
    name: str
    pages: tuple[Page, ...]
    key: Key | None
    token: str
    script: str
    theme: str
    style: str
    icon: str
    says: Says | None = None


class Renderer:
    """The templates below `templates/`."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(str(files("adcascade.console") / "templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            number=words.number, money=words.money, percent=words.percent, clock=words.clock, moment=words.moment
        )

    def html(self, template: str, frame: Frame, view: msgspec.Struct) -> str:
        """The page, or a part of one. view: what the template gets as `view`."""
        return self._templates.get_template(template).render(frame=frame, view=view)
