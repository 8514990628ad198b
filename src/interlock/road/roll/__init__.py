"""Station 6, roll: a permitted change goes out in stages, is judged, and is brought back without a person."""
