"""Panels for the synthesis network: noise, transform, layers, performance."""
