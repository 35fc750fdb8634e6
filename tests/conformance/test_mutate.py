"""Mutations: a pure function of seed and number; always bytes; damage that JSON libraries would not write."""

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.conformance.examples import examples
from adcascade.conformance.invalid import invalid
from adcascade.conformance.mutate import mutation, mutations
from adcascade.conformance.probe import Reply
from adcascade.conformance.reading import AmbiguousError, MalformedError, decode
from adcascade.conformance.structure import MARK, TWICE, changed, places, spliced, written
from adcascade.conformance.trial import Trial

SEEDS = st.integers(-(2**63), 2**63)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.text(max_size=4), JSON, max_size=4)


@settings(max_examples=60)
@given(seed=SEEDS, number=st.integers(0, 10**6))
def test_a_mutation_is_a_function_of_seed_and_number(seed: int, number: int) -> None:
    """Made twice, it is the same probe to the last byte; it can be judged, and its headers fit on lines."""
    probe = mutation(seed, number)
    assert probe == mutation(seed, number)
    assert isinstance(probe.body, bytes)
    assert not any("\n" in value or "\r" in value for value in probe.headers.values())
    trial = Trial(probe, Reply())
    assert trial.request is None or isinstance(trial.request, dict)


def test_another_seed_sends_other_bytes() -> None:
    """Two seeds share hardly a request; one seed does not repeat itself."""
    bodies = [{probe.body for probe in mutations(seed, 200)} for seed in (1, 2)]
    assert min(map(len, bodies)) > 190
    assert len(bodies[0] & bodies[1]) < 10


def test_mutations_are_of_all_kinds() -> None:
    """Of 300: some still decode, some are no JSON, some are ambiguous, packed, of another method or type."""
    trials = [Trial(probe, Reply()) for probe in mutations(0, 300)]
    assert sum(trial.request is not None for trial in trials) > 110
    assert sum(trial.malformed for trial in trials) > 30
    assert sum(trial.request is None and not trial.malformed for trial in trials) > 3
    for header, usual in (("content-encoding", None), ("content-type", "application/json")):
        assert sum(trial.probe.headers.get(header) != usual for trial in trials) > 3
    assert sum(trial.probe.method != "POST" for trial in trials) > 0


@settings(max_examples=60)
@given(document=DOCUMENTS, other=DOCUMENTS.filter(bool), seed=SEEDS, times=st.integers(1, 6))
def test_any_document_can_be_changed_and_written(document: dict, other: dict, seed: int, times: int) -> None:  # type: ignore[type-arg]
    """Whatever was there before, a change never fails, and the result is bytes without a mark left."""
    random = Random(seed)
    for _ in range(times):
        assert changed(random, document, other)
    body = written(random, document)
    assert MARK.encode() not in body
    assert TWICE.encode() not in body


@given(document=DOCUMENTS, seed=SEEDS)
def test_without_a_change_the_document_is_written_as_it_is(document: dict, seed: int) -> None:  # type: ignore[type-arg]
    """Escaped or not, it decodes to itself."""
    assert json.loads(written(Random(seed), document)) == document


def test_marks_become_what_libraries_do_not_write() -> None:
    """Raw text stands bare, and a repeated key twice; a string inside a string keeps its marks until it is opened."""
    text = spliced(json.dumps({"a": MARK + "NaN", TWICE + "a": 1, "b": [MARK + '{"x":01}']}))
    assert text == '{"a": NaN, "a": 1, "b": [{"x":01}]}'
    with pytest.raises(MalformedError):
        decode(text.encode())
    with pytest.raises(AmbiguousError):
        decode(b'{"a":1,"a":2}')


def test_places_are_all_paths() -> None:
    """From the outside in, keys and indices."""
    assert list(places({"a": [1, {"b": 2}]})) == [("a",), ("a", 0), ("a", 1), ("a", 1, "b")]


def test_examples_are_valid_and_have_names_of_their_own() -> None:
    """Each decodes, asks for something, and can be named alone; the invalid ones that claim to be no JSON are none."""
    named = [probe.name for probe in (*examples(), *invalid())]
    assert len(named) == len(set(named))
    for probe in examples():
        request = Trial(probe, Reply()).request
        assert request is not None
        assert request["id"]
        assert all({"banner", "video", "audio", "native"} & imp.keys() for imp in request["imp"])
    for probe in invalid():
        trial = Trial(probe, Reply())
        deep = probe.name == "invalid-deep"  # nobody decodes as much
        assert trial.malformed or deep or probe.flaw != "refusal.json"
