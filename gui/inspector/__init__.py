"""The inspector: settings, shapes and cost of what is selected."""
