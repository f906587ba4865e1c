"""Text to frozen specs."""
