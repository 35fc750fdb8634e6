"""The retail JSON API: auctions and events."""
