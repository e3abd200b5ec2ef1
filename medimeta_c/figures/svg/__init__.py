"""SVG drawings that stand inside HTML reports."""
