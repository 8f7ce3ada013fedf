"""The operating system and settings: configuration, the folders of this user, locks."""
