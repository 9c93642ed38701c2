"""Random damage of files, for tests of their readers."""


def damaged(content, rng):
    """One to five bits flipped, an end cut off, bytes left out or put in."""
    content = bytearray(content)
    place = int(rng.integers(len(content)))
    match rng.integers(4):
        case 0:
            for bit in rng.integers(8 * len(content), size=rng.integers(1, 6)):
                content[bit // 8] ^= 1 << (bit % 8)
        case 1:
            del content[place:]
        case 2:
            del content[place : place + int(rng.integers(1, 50))]
        case 3:
            content[place:place] = rng.bytes(rng.integers(1, 50))
    return bytes(content)
