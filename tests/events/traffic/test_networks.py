"""Ranges of addresses: what a bisection finds is what the standard library says, and a bad line is named."""

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.errors import ConfigurationError
from adcascade.events.traffic.networks import Networks, networks_of, parse_networks
from adcascade.events.traffic.source import Source
from adcascade.events.traffic.watched import Watched

four = st.builds(
    lambda number, bits: ip_network((number, bits), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
)
six = st.builds(
    lambda number, bits: ip_network((number, bits), strict=False), st.integers(0, 2**128 - 1), st.integers(0, 128)
)
near = st.integers(-2, 2)


@given(ranges=st.lists(four | six, max_size=8), data=st.data())
def test_a_look_up_agrees_with_every_range_asked_in_turn(ranges: list[object], data: st.DataObject) -> None:
    """Addresses at the edges of ranges, just outside, and anywhere: held where one of the ranges holds them."""
    networks = Networks(ranges)  # type: ignore[arg-type]
    edges = [int(edge) for r in ranges for edge in (r.network_address, r.broadcast_address)]  # type: ignore[attr-defined]
    number = data.draw(st.sampled_from(edges) if edges else st.just(0)) + data.draw(near)
    for address in (ip_address(number % 2**32), ip_address(number % 2**128)):
        text = str(address)
        held = any(address in r for r in ranges)  # type: ignore[operator]
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is None:
            assert bool(networks.holding(text)) == held


def test_an_ipv4_address_in_ipv6_clothes_is_found() -> None:
    """What a dual-stack socket says of an IPv4 sender lies in the IPv4 range; a zone does no harm."""
    networks = networks_of(["203.0.113.0/24", "2001:db8::/32"], "x")
    assert networks.holding("::ffff:203.0.113.9") == "203.0.113.0/24"
    assert networks.holding("2001:db8::1%eth0") == "2001:db8::/32"
    assert networks.holding("") == networks.holding("unknown") == networks.holding("203.0.114.1") == ""


def test_a_file_may_hold_comments_and_empty_lines() -> None:
    """What follows # is not read; neighbours and overlaps become one interval."""
    networks = parse_networks(["# ours", "", "10.0.0.0/9 # a", "10.128.0.0/9", "10.1.0.0/16", "2001:db8::/48"], "file")
    assert len(networks) == 2


@pytest.mark.parametrize("line", ["10.0.0.5/24", "10.0.0.0/33", "example.com", "1.2.3", "2001:db8::/129", "10.0.0.0-9"])
def test_a_bad_line_is_an_error_with_its_number(line: str) -> None:
    """File, line number and what was found there."""
    with pytest.raises(ConfigurationError, match="ranges, line 3"):
        parse_networks(["10.0.0.0/8", "# fine", line], "ranges")


def test_a_changed_file_is_read_again_and_a_broken_one_left_aside(tmp_path: Path) -> None:
    """The new ranges hold at the next refresh; a broken version is named and the last good one goes on."""
    file = tmp_path / "ranges"
    file.write_text("10.0.0.0/8\n")
    watched = Watched(file, parse_networks)
    file.write_text("192.0.2.0/24\n198.51.100.0/24\n")
    watched.refresh()
    assert watched.value.holding("192.0.2.1")
    assert not watched.value.holding("10.0.0.1")
    file.write_text("192.0.2.0/24\nnonsense\nmore\n")
    watched.refresh()
    assert "line 2" in watched.trouble
    assert watched.value.holding("198.51.100.1")
    file.unlink()
    watched.refresh()
    assert watched.trouble
    file.write_text("203.0.113.0/24\n")
    watched.refresh()
    assert (watched.trouble, bool(watched.value.holding("203.0.113.7"))) == ("", True)


def test_a_file_that_is_absent_or_broken_at_the_start_stops_the_start(tmp_path: Path) -> None:
    """ConfigurationError: nobody shall believe that a filter works that has no ranges."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Watched(tmp_path / "absent", parse_networks)


def test_what_is_kept_of_an_address_names_no_person() -> None:
    """24 bits of IPv4, 48 of IPv6; nothing of a sender that is not the shopper; counters see a household as one."""
    assert Source("browser", "203.0.113.77").network == "203.0.113.0/24"
    assert Source("browser", "2001:db8:1:2:3:4:5:6").network == "2001:db8:1::/48"
    assert Source("exchange", "203.0.113.77").network == Source("browser", "nonsense").network == ""
    assert Source("browser", "2001:db8::1", "x").key == Source("browser", "2001:db8::2", "x").key
    assert Source("browser", "203.0.113.1", "x").key != Source("browser", "203.0.113.2", "x").key
