"""What a targeting and a frequency cap must obey; see `rules.py`."""

from adcascade.catalog import week
from adcascade.catalog.limits import check_range, check_text
from adcascade.catalog.nouns import FrequencyCap, Targeting
from adcascade.errors import InputError

MOST_IMPRESSIONS = 10**6
LONGEST_S = 90 * 86_400


def check_caps(caps: tuple[FrequencyCap, ...], at: str) -> None:
    """1 to a million impressions within a second to 90 days; none of them stands there twice."""
    for i, cap in enumerate(caps):
        check_range(cap.impressions, f"{at}[{i}].impressions", 1, MOST_IMPRESSIONS)
        check_range(cap.window_s, f"{at}[{i}].window_s", 1, LONGEST_S)
        if any((cap.level, cap.window_s) == (other.level, other.window_s) for other in caps[:i]):
            expected = "another level or window than the caps before"
            raise InputError(f"{at}[{i}]", f"{cap.level}, {cap.window_s} s", expected, "keep the stricter one")


def check_targeting(targeting: Targeting, at: str) -> None:
    """Texts can be kept, times are of the grammar. Every text is a keyword."""
    for name in targeting.__struct_fields__:
        for i, value in enumerate(getattr(targeting, name)):
            check_text(value, f"{at}.{name}[{i}]")
    for i, part in enumerate(targeting.times):
        try:
            week.parse_part(part)
        except ValueError as error:
            raise InputError(f"{at}.times[{i}]", part, week.GRAMMAR) from error
