"""Open a checkpoint of unknown origin: nothing in it is executed, and what asks for that is refused."""

import os
import pickle
import sys

import explorer
from explorer.errors import CheckpointError, UnsafeFileError


class Trap:
    """What a hostile file does to those who unpickle it."""

    def __reduce__(self):
        return os.system, ("echo this file has run a command",)


with open("trap.pkl", "wb") as file:
    pickle.dump({"G_ema": Trap()}, file)

for path in [*sys.argv[1:], "trap.pkl"]:
    try:
        model = explorer.open_model(path)
    except UnsafeFileError as error:
        print("refused:", error)
    except CheckpointError as error:  # damaged, not a checkpoint, of a family that is not supported, ...
        print("not opened:", error)
    else:
        print("opened:", model, model.metadata.licence, model.metadata.sha256[:12])
