"""The laws of timings: what is scraped is what prometheus_client's own histogram would say."""

import re

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from adcascade.server.metrics import SECONDS
from adcascade.server.timings import Timings

CREATED = re.compile(rb"^(t_created\{.*\}) .*$", re.MULTILINE)
times = st.one_of(st.floats(0, 10), st.sampled_from(SECONDS))


@given(seen=st.lists(st.tuples(st.sampled_from(("/a", 'b"c', "")), times), max_size=40))
def test_a_scrape_reads_as_the_library_s_own_histogram(seen: list[tuple[str, float]]) -> None:
    """For any times of any labels, bounds included: letter by letter, but for the instant of the first."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    timings = Timings("t", "Time", "label", SECONDS)
    ours.register(timings)
    histogram = Histogram("t", "Time", ("label",), buckets=SECONDS, registry=theirs)
    for label, seconds in seen:
        timings.of(label).observe(seconds)
        histogram.labels(label).observe(seconds)
    assert CREATED.sub(rb"\1 0", generate_latest(ours)) == CREATED.sub(rb"\1 0", generate_latest(theirs))
