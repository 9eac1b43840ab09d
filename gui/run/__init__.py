"""The only part of the window that runs compute: data at hand, training, predictions."""
