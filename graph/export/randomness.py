"""The random numbers of the engine as functions of the generated file.

With them an exported script starts from the same weights, splits the same way and sees the same
batches, so its losses are those of the run in Netloom. `compute.philox` is the definition.
"""

from __future__ import annotations

TITLE = "Random numbers: the same as Netloom's, for the same seed"

RANDOMNESS: dict[str, str] = {
    "random_bits": '''
def random_bits(seed, stream, step, count):
    """32-bit words by Philox 4x32-10 (Salmon et al. 2011), a function of all its arguments."""
    key = int.from_bytes(hashlib.sha256(stream.encode()).digest()[:8], "little")
    c0 = np.arange((count + 3) // 4, dtype=np.uint64)
    c1, c2, c3 = (np.full_like(c0, word & 0xFFFFFFFF) for word in (step, key, key >> 32))
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1 = (p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0), p1 & np.uint64(0xFFFFFFFF)
        c2, c3 = (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1), p0 & np.uint64(0xFFFFFFFF)
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).reshape(-1)[:count]
''',
    "random_uniform": '''
def random_uniform(seed, stream, step, shape):
    """Numbers in [0, 1), multiples of 2**-24."""
    bits = random_bits(seed, stream, step, math.prod(shape))
    return ((bits >> np.uint64(8)) * 2.0**-24).reshape(shape)
''',
    "random_normal": '''
def random_normal(seed, stream, shape, step=0):
    """Standard normal numbers from pairs of uniform ones (Box & Muller 1958)."""
    first, second = random_uniform(seed, stream, step, (2, math.prod(shape)))
    return (np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * second)).reshape(shape)
''',
    "random_truncated": '''
def random_truncated(seed, stream, shape):
    """Normal numbers; what is beyond two deviations is drawn anew until none is."""
    values, step = random_normal(seed, stream, shape), 0
    while (beyond := np.abs(values) > 2).any():
        step += 1
        values[beyond] = random_normal(seed, stream, shape, step)[beyond]
    return values
''',
    "random_orthogonal": '''
def random_orthogonal(seed, stream, shape):
    """Rows, or where there are more of them columns, of length 1 at right angles."""
    rows, columns = shape[0], math.prod(shape[1:])
    flat = random_normal(seed, stream, (rows, columns))
    q, r = np.linalg.qr(flat if rows >= columns else flat.T)
    q = q * np.sign(np.diag(r))  # a positive diagonal makes Q uniform (Mezzadri 2007)
    return (q if rows >= columns else q.T).reshape(shape)
''',
}

RANDOMNESS = {name: source.strip() for name, source in RANDOMNESS.items()}
