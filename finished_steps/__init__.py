"""What finished steps gave, kept on disk for the next script: found by key, whole or not at all."""
