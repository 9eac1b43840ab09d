"""The bodies of the commands of `netloom`; the declarations are in netloom.py."""
