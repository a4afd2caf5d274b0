"""Tensor operators: for each a readable reference, fast backends and a parity test.

backend             which implementation and precision to use: `use_backend(backend=..., dtype=...)`
bias_act, upfirdn2d, conv2d_resample, modulated_conv2d, filtered_lrelu, normalize
                    the references, differentiable to any order
filter_design       low-pass filters of StyleGAN3
banded, filtered_products
                    filters along an axis as products with banded matrices; differentiable
prepared_conv       modulated convolutions for inference, fused with their epilogues
native              C++ kernels for CPUs, built in the background if there is a compiler
memory              memory use of tensors, and out-of-memory errors
resample            translation and rotation of pictures, for the equivariance metrics
"""
