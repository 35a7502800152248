"""The database. Where SQLAlchemy ends."""
