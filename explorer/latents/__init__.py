"""Pure maths on latents: seeds, truncation, style mixing, edits."""
