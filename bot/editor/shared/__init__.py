"""What several pages of the desk need: sessions, templates, the content's files."""
