"""Writers of StyleGAN2 under other programs' names, from our own generators; all names are spelt out again."""
