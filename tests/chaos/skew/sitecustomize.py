"""Gives each process that is started with this folder on its path a clock that is up to an hour wrong."""

import os
import random
import time

_offset_s = random.Random(os.getpid()).uniform(-3600, 3600)  # a fault, not a secret
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + _offset_s
time.time_ns = lambda: _time_ns() + int(_offset_s * 1e9)
