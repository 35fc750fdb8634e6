"""What was offered, seen, clicked, bought and paid, as columns; any figure of it by anything that is known of it."""
