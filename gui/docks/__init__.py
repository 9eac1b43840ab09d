"""The docks below the canvas: what training gives, the code, the plan, the problems."""
