"""Python's collector of cyclic garbage, kept from looking at what stays for as long as the process does.

scikit-learn alone is 140,000 objects. A full collection looks at each of them and stops all threads for it: 90 ms, every few
seconds under load, for a hundredth of all requests.
"""

from __future__ import annotations

import gc


def postpone_collections() -> None:
    """While modules are imported and a model is loaded: all of it stays, and collections are a tenth of a start."""
    gc.disable()


def keep_what_is_loaded() -> None:
    """From now on only what is made later is looked at."""
    gc.freeze()
    gc.enable()
