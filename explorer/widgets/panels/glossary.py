"""Descriptions of the panels for the "?" beside each title: two or three sentences that explain the terms."""

from __future__ import annotations

__all__ = ["ABOUT"]

ABOUT: dict[str, str] = {
    "model": "The generator network that makes the picture. Files are read as data: nothing in them is ever run.",
    "latent": "A latent is the vector of random numbers (z) that a picture is made from; a seed identifies it. "
    "The network maps z to w, which controls the picture; walking blends the latents of neighbouring seeds.",
    "latent-map": "A plane through the latent space as a map of small pictures: a click travels there. Principal "
    "components are the directions in which w varies most over random latents; \u03c3 is their standard deviation. "
    "Drag to pan, turn the wheel to zoom, Shift+drag to draw a path that becomes keys; pins are points with names.",
    "favourites": "Pictures that you starred, with names. They belong to the model and not to the project, and are "
    "found again in every project with that model.",
    "breed": "Children of the picture. A mutation adds the difference of a random latent from the average, times "
    "the strength in standard deviations (\u03c3); crossover takes groups of layers from a second parent. A child "
    "that is taken becomes the picture, and a node of the lineage below it.",
    "source": "An image-to-image network changes a picture of yours: pose and place come from the source, colours "
    "and texture from a style, which is that of a seed or of reference pictures. The source can also be the "
    "picture of another view, live. A mask says where fine details of the source are kept.",
    "w": "w is the vector that controls the picture; the network computes it from the seed, and ws holds one w "
    "for each layer. Each bar is one component of w. A nudge is a step along a random direction.",
    "bend": "Network bending changes the features between two layers: it moves, thickens or replaces what a layer "
    "found. Every bend is an edit with an amount, beside the edits of w. A cluster is a group of channels that are "
    "active in the same places.",
    "style-channels": "Each layer turns its w into styles, one number for each of its input channels. Many of them "
    "change a single thing, such as the eyes. A search ranks them by how much more they change the marked region "
    "than the rest of the picture; \u03c3 is the standard deviation of a channel over random latents.",
    "mixing": "Each layer can take its style (its w) from another latent. "
    "Coarse layers set pose and outline, middle layers features, fine layers colours and texture.",
    "directions": "A step along a direction changes some properties of the picture and leaves the others. GANSpace "
    "takes the directions in which random latents vary most, SeFa those that change the layers most; you can also "
    "teach one with examples. Steps are measured in standard deviations (\u03c3) of random latents.",
    "drag": "Set a point on the picture and where it should be; the latent then changes in small steps, until the "
    "point is there. Each step is shown, and can be gone back to. The method follows FreeDrag: a point is found "
    "again by its first surroundings, and one that is lost is reported. Paint what may move to hold the rest.",
    "truncation": "\u03c8 (psi) moves w towards the average: 0 is the average picture, 0.7 gives typical pictures, "
    "1 the full range the network learned, above 1 more extreme ones. "
    "Layers after the cutoff are not truncated.",
    "noise": "StyleGAN and StyleGAN2 add random numbers in every layer, which become fine detail such as hair "
    "and pores. Stored noise is part of the model and never changes; random noise has a seed.",
    "transform": "StyleGAN3 can translate, rotate and scale its input, and the picture follows. "
    "StyleGAN2 has no such input; its constant input is transformed instead, which shows what stays behind.",
    "sticking": "In StyleGAN2 fine texture sticks to the pixels of the screen instead of the object. "
    "An average of many pictures shows it: whatever stays sharp while the rest blurs is sticking.",
    "meter": "Does the picture follow when its input moves? EQ-T measures translations and EQ-R rotations, "
    "in decibels (dB): higher is better, and 20 dB more is an error ten times smaller.",
    "spectrum": "How much detail of each size the pictures contain: large shapes on the left, changes from pixel "
    "to pixel on the right. A bump near the right end is texture tied to the pixel grid.",
    "layers": "The output of a layer, shown in place of the picture. Layers have many channels: show three as "
    "colours, one in greyscale, or the norm of all channels at each pixel.",
    "performance": "How long each stage of a picture takes, and how much is reused from the previous picture. "
    "bfloat16 uses half the memory per number; on some processors it is much faster, with barely visible "
    "differences.",
}
