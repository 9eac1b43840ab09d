"""Functions that the PyTorch texts of node types may call; a file that does so carries them."""

SEQUENCES: dict[str, str] = {
    "turning": '''
def turning(x, base):
    """Angles T×P for sequences …×T×F: at step t, pair i of the features is at t / base^(2i/F)."""
    steps, width = x.shape[-2:]
    pairs = torch.arange(0, width, 2, dtype=x.dtype, device=x.device)
    return torch.outer(torch.arange(steps).to(x), base ** (-pairs / width))
'''.strip(),
    "add_sinusoids": '''
def add_sinusoids(x, base):
    """Sequences N×T×F plus waves that tell the steps apart (Vaswani et al. 2017)."""
    angle = turning(x, base)
    waves = torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)
    return x + waves[:, : x.shape[2]]
'''.strip(),
    "rotate_pairs": '''
def rotate_pairs(x, base):
    """Sequences …×T×F, each pair of features turned by the step it stands at (Su et al. 2021)."""
    angle = turning(x, base)
    even, odd, cos, sin = x[..., 0::2], x[..., 1::2], angle.cos(), angle.sin()
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)
'''.strip(),
    "pack_sequences": '''
def pack_sequences(x, length):
    """Sequences N×T×F that end after `length` steps, as recurrent layers take them."""
    return nn.utils.rnn.pack_padded_sequence(
        x, length.cpu(), batch_first=True, enforce_sorted=False
    )
'''.strip(),
    "unpack_sequences": '''
def unpack_sequences(packed, steps):
    """Packed sequences as N×T×F, 0 where they have ended."""
    return nn.utils.rnn.pad_packed_sequence(packed, batch_first=True, total_length=steps)[0]
'''.strip(),
}
