"""The Python API: open a model, render pictures, get latents, film walks.

    import explorer

    model = explorer.open_model("critters-stylegan2")  # or a checkpoint file
    model.render(seed=7, psi=0.7).save("seed7.png")
    model.walk([1, 2, 3], seconds=6, psi=0.7).save("walk.mp4")

Changes to the names listed here are noted in the changelog; other modules may change at any time.
"""

from explorer.api.arguments import ClassChoice, EditLike, LatentLike, Layers, MaskLike, Mix, SourceLike
from explorer.api.model import Model, model_of, open_model
from explorer.api.picture import Picture
from explorer.api.walk import Walk
from explorer.assets.latent import StoredLatent
from explorer.assets.picture import StoredMask, StoredPicture
from explorer.state import Edit, Look, Nudge, Offset

__all__ = [
    "ClassChoice",
    "Edit",
    "EditLike",
    "LatentLike",
    "Layers",
    "Look",
    "MaskLike",
    "Mix",
    "Model",
    "Nudge",
    "Offset",
    "Picture",
    "SourceLike",
    "StoredLatent",
    "StoredMask",
    "StoredPicture",
    "Walk",
    "model_of",
    "open_model",
]
