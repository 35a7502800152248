"""Publishing and rolling back."""
