"""The program's requirements of the machine: checks, and the system libraries that Qt needs."""
