"""Does the assistant lose anything when something breaks? Real processes, real databases, and what anybody can see from outside.

`sijbot faults` runs all of it. points.py says where a turn can be broken, under_test.py breaks it there, faults.py holds every fault, tiers.py what is put under them, client.py what a page does about it,
and checker.py, which knows no server, finds what must never happen in what was seen (record.py).
"""
