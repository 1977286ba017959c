"""`python -m casava_os`: the same as `casava-os`."""

import sys

from casava_os.cli import main

if __name__ == "__main__":
    sys.exit(main())
