"""chaos: real processes, killed at random instants over real stores, and an audit that does not trust them."""
