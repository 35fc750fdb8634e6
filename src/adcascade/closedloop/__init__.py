"""closedloop."""
