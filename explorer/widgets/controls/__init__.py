"""Controls that all parts of the window are made of; they know nothing of the generator."""
