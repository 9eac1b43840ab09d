"""What the pointer does on the canvas, one state at a time: Idle, Pan, Marquee, Move.

A state changes only the scene and the camera; the document gets one edit when the gesture ends.
"""
