"""Laws of keywords: what each match type holds, and that the index is keyword by keyword."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.catalog.keywords import KeywordIndex, matches, parse_keyword
from adcascade.catalog.words import words


@pytest.mark.parametrize(
    ("keyword", "held", "not_held"),
    [
        ("red shoes", ["big Red  shoes!", "red shoes"], ["shoes red", "red big shoes", "red"]),
        ("phrase:red shoes", ["my red shoes"], ["red", ""]),
        ("exact:red shoes", ["RED shoes", "red-shoes"], ["my red shoes", "shoes red"]),
        ("broad:red shoes", ["shoes, big and red"], ["red shoe", "shoes"]),
        ("broad:red red", ["red"], ["blue"]),
        ("size:42", ["size 42"], ["42"]),
        ("", [], ["", "red"]),
        ("exact:", [], ["", "red"]),
    ],
)
def test_match_types(keyword: str, held: list[str], not_held: list[str]) -> None:
    """Exact, phrase and broad; a colon behind another word is a sign like others; no words match nothing."""
    parsed = parse_keyword(keyword)
    assert [query for query in [*held, *not_held] if matches(parsed, words(query))] == held


phrases = st.lists(st.sampled_from(["a", "b", "cc", "A"]), max_size=4).map(" ".join)
keywords = st.tuples(st.sampled_from(["", "exact:", "phrase:", "broad:"]), phrases).map("".join)


@settings(deadline=None)
@given(st.lists(keywords, max_size=8), phrases)
def test_the_index_is_keyword_by_keyword(texts: list[str], query: str) -> None:
    """held_by finds exactly the keywords that match, each once."""
    index = KeywordIndex()
    parsed = {parse_keyword(text) for text in texts}
    for keyword in parsed:
        index.add(keyword)
    found = index.held_by(words(query))
    assert sorted(found) == sorted(keyword for keyword in parsed if matches(keyword, words(query)))
