"""Models whose authors published weights with their own code: one module each, loaded without that code."""
