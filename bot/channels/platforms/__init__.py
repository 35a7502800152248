"""One module a messaging platform, of the shape that bot/channels/base.py describes."""
