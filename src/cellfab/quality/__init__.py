"""The quality of cells without a clock: lots through the physics of a line, and what is too rare to be counted."""
