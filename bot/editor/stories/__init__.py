"""Stories and test conversations."""
