"""The start of the app, while one thread imports and another computes."""

import subprocess
import sys

# threadpoolctl before 3.7 could hold the linker's lock here and wait for Python's, while the other thread
# held Python's and waited for the linker's.
LOOKS = """
import sys, threading
import numpy
from subspacelens_tui.analysis.blas import one_blas_thread

def look():
    while looking:
        with one_blas_thread(scipy=False):
            pass

looking = [True]
sys.setswitchinterval(1e-5)
thread = threading.Thread(target=look)
thread.start()
import PIL.Image, matplotlib.ft2font, scipy.signal, scipy.special, scipy.stats, textual.app
looking.clear()
thread.join()
"""


def test_libraries_are_looked_for_while_another_thread_imports_some() -> None:
    subprocess.run([sys.executable, "-c", LOOKS], timeout=300, check=True)
