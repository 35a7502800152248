"""Versions of the content: who changed what and when, side by side, and the way back."""
