"""Render a seed of a bundled model, and look at its numbers."""

import explorer

model = explorer.open_model("critters-stylegan3-t")
print(model, "w:", model.info.w_dim, "entries of ws:", model.info.num_ws)

picture = model.render(seed=7, psi=0.7)
picture.save("seed7.png")
print(picture, "pixels:", picture.pixels.shape, "ws:", picture.ws.shape)

# A latent is rendered again from its numbers, here moved towards the mean by hand.
w = model.latent(7, space="w").array
mean = model.render(psi=0.0).ws[0]
model.render(latent=mean + 0.7 * (w - mean)).save("seed7-by-hand.png")
