"""The window: what you see and touch. It may import compute and graph; neither knows of it."""
