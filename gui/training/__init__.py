"""The training bar."""
