"""What a workflow needs of a server, and the server lacks: node packs, models, input files."""
