"""Entry: what is known of a study before it runs, and how its function is found."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from adcascade.errors import InputError
from adcascade.studies.contract import Result, Scale

Study = Callable[[tuple[int, ...], Scale, Path], Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of `adcascade reproduce --list`.

    where: "package.module:function" of the study; seeds: those it reports unless others are asked for.
    """

    title: str
    paper: str  # arXiv number or the like
    room: str  # the stage or floor it lives in
    where: str
    seeds: tuple[int, ...] = (0, 1, 2)

    def load(self) -> Study:
        """Import the study's file and return its function."""
        module, _, function = self.where.partition(":")
        found: Study = getattr(import_module(module), function)
        return found


def entry_of(studies: dict[str, Entry], slug: str) -> Entry:
    """The entry of a slug; InputError, with what there is, where there is none."""
    if slug not in studies:
        raise InputError("study", slug, f"one of {', '.join(studies)}", "see `adcascade reproduce --list`")
    return studies[slug]
