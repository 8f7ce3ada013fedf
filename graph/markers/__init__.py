"""Other tools' markers, read as ports: App mode, titles, input and output nodes of packs."""
