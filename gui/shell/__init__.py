"""The frame around the canvas: panels at its sides, docks below."""
