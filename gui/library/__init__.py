"""The node library: what can be dragged onto the canvas, and the search that adds by name."""
