"""One host a file, bearing the host's name; a file needs its host installed, this package needs none."""
