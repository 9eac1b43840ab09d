"""What a model is: node types, graphs, edits, files, programs and exporters."""
