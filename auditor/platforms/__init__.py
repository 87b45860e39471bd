"""One folder per mail server."""
