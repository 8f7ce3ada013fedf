"""The key of a step: what one run of one workflow hangs on, as far as values decide it."""
