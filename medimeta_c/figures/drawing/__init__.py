"""The look that all figures share: style, legends, axes, page layout."""
