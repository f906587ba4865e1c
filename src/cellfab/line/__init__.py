"""Time and flow: the only place that imports SimPy."""
