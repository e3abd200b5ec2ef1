"""Charts of the site as SVG, drawn when it is built; its style sheet has their colours."""
