"""How many sockets a node that runs workflows has: known to its class, and to what reads them."""

MAX_SOCKETS = 24  # inputs, and outputs; a class can't have as many as a workflow happens to need
