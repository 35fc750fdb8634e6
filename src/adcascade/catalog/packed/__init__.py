"""Packed: what a process would else build of a million objects, as arrays that lie in a file and are mapped."""
