"""Two cloud assemblies beside each other: what a deployment does, for those who approve it."""
