"""The start screen: examples with pictures, recent files."""
