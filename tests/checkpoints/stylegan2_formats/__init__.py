"""Writers of files in the layouts that StyleGAN2 travels in, one module each, independent of the readers.

Each has `save(path, tensors)`, which takes tensors under NVIDIA's names.
"""
