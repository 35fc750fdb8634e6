"""Fitting: the rows that have a creative for one of some slots. Pages ask for the same few sets of slots all day."""

from collections.abc import Sequence

import numpy as np

from adcascade.catalog.bitmaps import Bits
from adcascade.catalog.formats import Shape, shape_fits
from adcascade.catalog.rowsets import RowSets
from adcascade.contracts.request import Look, Slot, VideoSpec

KEPT = 64  # bitmaps at hand

_Asked = tuple[str, int, int, VideoSpec | None, tuple[Look, ...]]  # what shape_fits reads of a slot


class Fitting:
    """Bitmaps by what slots ask for, kept until an ad comes or goes."""

    def __init__(self, shapes: RowSets[Shape]) -> None:
        """shapes: rows by the shapes of their creatives; tell `forget` when they changed."""
        self._shapes = shapes
        self._kept: dict[tuple[int, tuple[_Asked, ...]], Bits] = {}

    def forget(self) -> None:
        """The shapes have other rows now."""
        self._kept.clear()

    def of(self, slots: Sequence[Slot], size: int) -> Bits:
        """The rows that fit one of the slots: a bitmap of `size` bytes, not to be written."""
        asked = size, tuple([(slot.format, slot.width, slot.height, slot.video, slot.also) for slot in slots])
        kept = self._kept.get(asked)
        if kept is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            kept = self._kept[asked] = self._made(slots, size)
        return kept

    def _made(self, slots: Sequence[Slot], size: int) -> Bits:
        fitting = np.zeros(size, np.uint8)
        for shape in self._shapes:
            if any(shape_fits(shape, slot) for slot in slots):
                self._shapes.switch_on(fitting, shape)
        return fitting
