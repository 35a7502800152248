"""What visitors asked in vain, and what they reported."""
