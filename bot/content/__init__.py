"""What editors write, read and checked, and the replies that are made of it."""
