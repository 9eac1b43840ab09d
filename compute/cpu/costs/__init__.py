"""What a plan will cost: the work of each step counted, the machine's rates measured, both put
together.
"""
