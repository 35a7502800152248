"""Terms, talk and safety as tables."""
