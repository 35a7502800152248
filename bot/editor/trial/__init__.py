"""Messages tried on a release, with why they got their reply."""
