"""The private interface of the service, on a Unix socket that only its owner can open."""
