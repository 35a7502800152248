"""Pamphlet: a chatbot that answers only with what a reviewed article says."""
