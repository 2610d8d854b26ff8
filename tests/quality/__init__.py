"""The engine beside other tracers, on drawings whose truth is known: `make quality`.

A drawing is rendered to pixels, every tracer gets the pixels, and what it gives back is compared with the drawing
itself at 2048 pixels a side.
"""
