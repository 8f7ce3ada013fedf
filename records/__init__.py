"""What runs did, kept for people to look at: in memory, on disk where asked, as a table."""
