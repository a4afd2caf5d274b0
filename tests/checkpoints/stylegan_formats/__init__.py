"""Writers of files in the layouts of StyleGAN's ports, one module each, independent of the readers.

Each has `save(path, tensors)`, which takes tensors under the names of the golden fixtures (genforce's).
"""
