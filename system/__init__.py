"""The operating system and settings: configuration, private folders, locks, whole files."""
