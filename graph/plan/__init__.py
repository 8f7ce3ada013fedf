"""What one run does to a prompt: decisions, no effects."""
