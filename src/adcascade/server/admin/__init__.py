"""The admin API: the catalog, money, keys and audit over HTTP, for whoever holds a key."""
