"""Measure how well the pictures of StyleGAN2 and StyleGAN3 follow a translation, with standard errors."""

import explorer

for name in ("critters-stylegan2", "critters-stylegan3-t"):
    model = explorer.open_model(name)
    figure = model.measure("eq-t", samples=16)
    print(f"{name:24} {figure.value:6.2f} +/- {figure.stderr:.2f} {figure.unit} of {figure.samples} pictures")
