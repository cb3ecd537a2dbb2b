"""What is read once, at start. Nothing here changes while the broker runs."""
