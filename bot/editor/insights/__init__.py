"""Conversations and numbers."""
