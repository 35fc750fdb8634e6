"""Who may use the admin API: keys, what they allow, and how often."""
