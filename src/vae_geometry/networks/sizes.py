"""The sizes of a network, read from a checkpoint without torch, for the memory and time that its jobs request.

Only the standard library is imported, as the workflow reads this module too.
"""

import json
from pathlib import Path

# of the paper's network on 32 x 32 pixels in colour, before the checkpoint is there
PAPERS = {"parameters": 3_518_915, "widest": 16_384, "all": 65_568, "flops": 87_228_416}


def sizes(checkpoint: Path) -> dict[str, int]:
    """What ``contract.layer_sizes`` says of a network; of the paper's where there is no checkpoint yet.

    Parameters
    ----------
    checkpoint : Path
        Of epoch 0.
    """
    try:
        with checkpoint.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        found: dict[str, int] = json.loads(header["__metadata__"]["config"])["sizes"]
        return {name: int(found[name]) for name in PAPERS}
    except (OSError, ValueError, KeyError, TypeError):
        return PAPERS
