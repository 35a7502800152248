"""The custom actions that Rasa calls; it finds them in this package (endpoints.yml)."""
