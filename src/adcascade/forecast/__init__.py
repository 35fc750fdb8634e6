"""forecast: what a campaign would reach and spend, replayed from the log."""
