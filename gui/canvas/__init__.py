"""The canvas: what is drawn (view_model, describe), where (geometry, wires, layout), how (paint_*).

The first two groups know no Qt. The window and `netloom render` draw through the same painters.
"""
