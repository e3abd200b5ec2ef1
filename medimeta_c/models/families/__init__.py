"""Model families: one module each, loaded by the registry in `medimeta_c.models`."""
