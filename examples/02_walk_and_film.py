"""Walk through three seeds and back, and save the walk as a film that the window opens."""

import explorer

model = explorer.open_model("critters-stylegan2")
walk = model.walk([1, 2, 3], seconds=3, loop=True, psi=0.7)

print(len(walk), "frames")
walk[45].save("halfway.png")  # frames are rendered when they are asked for

path = walk.save("walk.mp4", height=128, overwrite=True, progress=lambda p: print(f"{p.done}/{p.total}", end="\r"))
print("\nfilm:", path)
