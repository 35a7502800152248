"""The words that all rooms share: messages, kinds of replies, faults, countries."""
