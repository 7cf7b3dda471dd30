"""How fast the program is on this machine, and how fast the machine would let it be.

operations   the model's matrix products, counted from its configuration
machine      how fast this machine multiplies matrices
training     a training run as a user starts it, measured
decoding     sentences a second of a search
growth       one update or one search of an exact shape, in a process of its own
"""
