"""How a model runs: plans, kernels, data, training, runs."""
