"""Files from elsewhere, whose addresses and names may be a stranger's, into a folder that is given.

Knows nothing of workflows and servers: `missing/` says which files, and asks the user.
"""
