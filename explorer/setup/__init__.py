"""What the program needs from the machine: checks, and the system libraries that Qt asks for."""
