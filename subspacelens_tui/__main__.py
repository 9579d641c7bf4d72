"""`python -m subspacelens_tui`, the form that torchrun and accelerate launch start."""

import sys

from subspacelens_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
