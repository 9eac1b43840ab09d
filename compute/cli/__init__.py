"""The commands of `netloom`: declared in app.py, their bodies beside it."""
