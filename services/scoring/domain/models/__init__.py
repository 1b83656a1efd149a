"""What a tier model is, and what it decides for one combination of bands."""
