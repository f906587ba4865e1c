"""The ramp laws held against public records of plants."""
