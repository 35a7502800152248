"""Dangers in a message, heard by rules and by a learned net."""
