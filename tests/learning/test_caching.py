"""Where a table lies follows from the memory it may take."""

from pathlib import Path

import pytest

from adcascade.errors import ConfigurationError
from adcascade.learning.caching import table_of
from adcascade.nn.cached import CachedEmbedding
from adcascade.nn.packed import PackedEmbedding, TableConfig

CONFIG = TableConfig(width=16)  # 128 bytes a row


def test_a_table_that_fits_lies_in_memory(tmp_path: Path) -> None:
    """To the byte; and one that may take all there is."""
    for memory_mb in (None, 0.128):
        assert isinstance(table_of(1000, CONFIG, memory_mb=memory_mb, folder=tmp_path), PackedEmbedding)
    table = table_of(1000, CONFIG, memory_mb=0.127, folder=tmp_path)
    assert isinstance(table, CachedEmbedding)
    assert 0.126e6 < table.resident_bytes <= 0.127e6


def test_memory_that_holds_no_index_is_refused(tmp_path: Path) -> None:
    """By the setting's name."""
    with pytest.raises(ConfigurationError, match=r"train\.memory_mb.*allow more"):
        table_of(1000, CONFIG, memory_mb=0.001, folder=tmp_path)
