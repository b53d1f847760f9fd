"""Small networks that look at a photo before it is denoised, in numpy: they take a blink, loading torch a second."""
