"""Ratios of this package's time to a reference's, for asv: see ../history.py.

A ratio is of two times of one run, taken in turns, and lower is better: it carries over between machines, which
seconds do not, and no test asserts it. The scripts of the folder above measure; here their tables are read.
"""
