"""A host that has files."""

from support.https_server import certificates, host  # noqa: F401
