"""Parts of the pages: columns, filters, heat maps and sentences."""
