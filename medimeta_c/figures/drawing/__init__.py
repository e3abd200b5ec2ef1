"""How every figure looks: style, legends, axes, pages."""
