"""creative."""
