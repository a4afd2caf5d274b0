"""What the synthesis network is given and what it costs: noise, transform, layers, performance."""
