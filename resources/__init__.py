"""Data that ships with Netloom: examples, concept cards, icons, fonts, themes.

Read it with `importlib.resources.files("resources")`. No code, no imports.
"""
