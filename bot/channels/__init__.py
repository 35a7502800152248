"""Messaging apps: their calls, what they are answered, and the worker that sends it."""
