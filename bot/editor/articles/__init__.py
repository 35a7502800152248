"""Articles, their questions, drafts and evidence."""
