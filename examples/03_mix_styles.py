"""Mix the styles of two seeds: each row of the picture takes another group of layers from the second one."""

import numpy as np
from PIL import Image

import explorer

model = explorer.open_model("critters-stylegan2")
rows = []
for group in ("coarse", "middle", "fine"):
    steps = (0.0, 0.25, 0.5, 0.75, 1.0)
    pictures = [model.render(seed=3, psi=0.8, mix=[(12, group, amount)]) for amount in steps]
    rows.append(np.hstack([picture.pixels for picture in pictures]))

Image.fromarray(np.vstack(rows)).save("mixing.png")

# Edits are added after truncation and mixing; here a step along a random direction, for two entries of ws.
model.render(seed=3, psi=0.8, edits=[explorer.Edit(explorer.Nudge(seed=5, first=0, last=1), strength=4.0)]).save(
    "nudged.png"
)
