"""Documented tensor operators: a readable reference, fast backends, a parity test each.

backend             which implementation and precision holds here: `use_backend(backend=..., dtype=...)`
bias_act, upfirdn2d, conv2d_resample, modulated_conv2d, filtered_lrelu, normalize
                    the references, differentiable to any order
filter_design       low-pass filters of StyleGAN3
banded, filtered_products
                    filters along an axis as products with banded matrices; differentiable too
prepared_conv       modulated convolutions for inference, with what follows them fused
native              C++ kernels for CPUs, built in the background when there is a compiler
memory              keeps freed memory for the next picture
resample            picture movers of the equivariance metrics
"""
