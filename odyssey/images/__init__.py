"""The app's image: build, run, test and push. The only package that imports docker."""
