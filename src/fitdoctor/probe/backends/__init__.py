"""Where each backend's fit can be observed and driven: one file a backend."""
