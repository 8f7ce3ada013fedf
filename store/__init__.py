"""The data store: values in shared memory or on disk, and the receipts that say where they are."""
