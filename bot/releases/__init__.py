"""Releases: checked, trained, tested, compared, published and rolled back."""
