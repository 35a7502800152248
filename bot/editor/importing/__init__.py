"""A new article's draft, made of a file, a page or a text from elsewhere."""
