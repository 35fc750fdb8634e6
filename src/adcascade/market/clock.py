"""Ticks of 10 minutes, days of 144 ticks, from 2026-01-01 00:00 UTC; and how busy each tick of the day is."""

import math

EPOCH_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
TICK_US = 600_000_000
TICKS_PER_DAY = 144
MICROS = 1_000_000  # micros in one unit of the currency; also microseconds in a second


def tick_start_us(tick: int) -> int:
    """When the tick begins, UTC microseconds."""
    return EPOCH_US + tick * TICK_US


def day_curve(tick: int) -> float:
    """Traffic of the tick relative to the day's mean: low before dawn, a noon shoulder and an evening peak."""
    hour = 24.0 * (tick % TICKS_PER_DAY) / TICKS_PER_DAY
    day = -0.55 * math.cos(2 * math.pi * (hour - 3.5) / 24)
    evening = -0.2 * math.cos(4 * math.pi * (hour - 2.5) / 24)
    return 1.0 + day + evening
