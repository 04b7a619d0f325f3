"""A small project: a mean of measurements, in two steps."""
