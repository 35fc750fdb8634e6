"""experiments: who sees which variant, what became of it, and how much of it is luck."""
