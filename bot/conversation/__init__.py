"""A message's way, whatever its channel: limits, screening, Rasa, the stored reply. No HTTP."""
