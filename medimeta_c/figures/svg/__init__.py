"""SVG drawings for HTML reports."""
