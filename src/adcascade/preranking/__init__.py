"""preranking."""
