#!/usr/bin/env python3
"""Black-box tests of the program `isomer`: run.py ISOMER [--emulator COMMAND] [NAMES...].

Each test runs the built program with good or bad input and looks at status and output only.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "support"))

# pylint: disable=wrong-import-position
import test_files  # noqa: F401  (each import registers its tests)
import test_inspect  # noqa: F401
import test_interface  # noqa: F401
import test_invoke  # noqa: F401
import test_limits  # noqa: F401
import test_snapshots  # noqa: F401
import test_usage  # noqa: F401
import test_world  # noqa: F401
from harness import main

if __name__ == "__main__":
    sys.exit(main(sys.argv))
