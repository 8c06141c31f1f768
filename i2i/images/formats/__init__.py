"""File formats of images: headers, decoders."""
