"""Object to bytes and back."""
