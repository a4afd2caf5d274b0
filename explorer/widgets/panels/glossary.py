"""What each panel is about, in two or three sentences that explain its terms, for the "?" beside its title."""

from __future__ import annotations

__all__ = ["ABOUT"]

ABOUT: dict[str, str] = {
    "model": "The generator network that makes the picture. Files are read as data: nothing in them is ever run.",
    "latent": "A latent is the list of random numbers (z) that a picture is made from, and a seed is its number. "
    "The network maps z to w, which steers the picture; walking blends the latents of neighbouring seeds.",
    "w": "w is the vector that steers the picture; the network computes it from the seed, and ws holds one w "
    "for each layer. Each bar is one number of w. A nudge is a step along a random direction.",
    "mixing": "Each layer can take its style (its w) from another latent. "
    "Coarse layers set pose and outline, middle ones features, fine ones colours and texture.",
    "truncation": "\u03c8 (psi) draws w towards the average: 0 is the average picture, 0.7 typical ones, "
    "1 whatever the network learned, above 1 wilder than that. Cutoff leaves the layers after it alone.",
    "noise": "StyleGAN and StyleGAN2 add random numbers in every layer, which become hairs and pores. "
    "Stored noise is part of the model and always the same; random noise has a seed.",
    "transform": "StyleGAN3 can move, turn and scale its input, and the picture follows. "
    "StyleGAN2 has no such input; its first layer is moved instead, which shows what stays behind.",
    "sticking": "In StyleGAN2 fine texture is glued to the pixels of the screen instead of the object. "
    "An average of many pictures shows it: what stays sharp while the rest blurs, sticks.",
    "meter": "Does the picture follow when its input moves? EQ-T measures shifts and EQ-R turns, "
    "in decibels (dB): higher is better, and 20 dB more is an error ten times smaller.",
    "spectrum": "How much detail of each size the pictures hold: large shapes at the left, changes from pixel "
    "to pixel at the right. A bump near the right end is texture tied to the pixel grid.",
    "layers": "What a layer hands on to the next, shown as the picture. Layers have many channels: show three as "
    "colours, one in greys, or the norm, the length of all of them at each pixel.",
    "performance": "How long each stage of a picture takes, and how much is reused from the picture before. "
    "bfloat16 stores numbers in half the room; on some processors it is much faster, with hardly visible "
    "differences.",
}
