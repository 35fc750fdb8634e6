"""The unlearned shop, for processes."""

from tests.cascade.sharding.conftest import shop, unlearned

__all__ = ["shop", "unlearned"]
