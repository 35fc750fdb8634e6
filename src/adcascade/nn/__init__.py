"""Shared building blocks of models: packed embeddings, towers, attention. Importing from here imports torch."""
