"""Personal data in a visitor's text, found and masked."""
