"""Faces in any picture: where they are, 68 points, expression, identity; with networks of others.

    for face in find_faces(pixels):        # pixels (H, W, 3) uint8
        face.box, face.eyes                # pixels
        expression(pixels, face)           # 7 probabilities
        descriptor(pixels, face)           # 128 numbers, near for the same person

The networks are those of face-api.js; their weights come from npm (`weights`), the arithmetic is
numpy's (`layers`). They were trained by others on photographs: they serve to crop and to check
pictures, and are no norm of what people see.
"""
