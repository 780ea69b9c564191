"""`krait-worker`: a worker that somebody starts by hand, and that joins a pool elsewhere."""
