"""Imported by Python when it starts: lets threads interrupt each other after every microsecond.

Races that would show once in hours show at once; the stack of the tests runs with it.
"""

import sys

sys.setswitchinterval(1e-6)
