"""Laws of groups of seals: all seals are in them, in order, few enough to open, and a group once whole stays whole."""

from hypothesis import given
from hypothesis import strategies as st

from adcascade.reports.groups import SIZES, Seal, grouped, parted

COUNTS = st.integers(0, 3 * SIZES[0])


def seals(count: int) -> list[Seal]:
    """So many."""
    return [Seal(f"seal {number}", number, number) for number in range(count)]


@given(count=COUNTS)
def test_every_seal_is_in_one_group_in_order(count: int) -> None:
    """And there are few groups: whole large ones, and less than one large one of smaller ones."""
    groups = list(grouped(seals(count)))
    assert [seal for group in groups for seal in group] == seals(count)
    assert len(groups) <= count // SIZES[0] + SIZES[0] // SIZES[1] + SIZES[1]


@given(count=COUNTS, more=st.integers(1, 600))
def test_a_group_once_whole_is_never_cut(count: int, more: int) -> None:
    """When seals are added a group stays, or becomes whole a part of a larger one, of which it is a group too."""
    later = list(grouped(seals(count + more)))
    inside = {group for larger in later for group in (larger, *parted(larger))}
    inside |= {smaller for group in inside for smaller in parted(group)}
    assert set(grouped(seals(count))) <= inside
