"""How a line gets better, and what a conversion takes from it."""
