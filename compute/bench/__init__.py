"""`netloom bench`: the engine against PyTorch on the same machine, in the same minute."""
