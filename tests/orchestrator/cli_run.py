#!/usr/bin/env python3
"""The commands that talk to an orchestrator: cli_run.py ISOMER [NAMES...]."""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "cli"))
sys.path.insert(0, HERE)

# pylint: disable=wrong-import-position
import test_cli  # noqa: F401  (each import registers its tests)
import test_local  # noqa: F401
import test_up  # noqa: F401
from harness import main

if __name__ == "__main__":
    sys.exit(main(sys.argv))
