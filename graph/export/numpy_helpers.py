"""Functions that a generated NumPy file carries along, each only when it is used.

They are written for reading first; the speed of a convolution comes from one matrix product over
a view of all windows.
"""

from __future__ import annotations

import re

from graph.export import numpy_cells, numpy_recurrent
from graph.export.names import words

HELPERS: dict[str, str] = {}


def _helper(source: str) -> None:
    name = re.search(r"^def (\w+)", source, re.MULTILINE)
    assert name is not None
    HELPERS[name[1]] = source.strip()


def needed(text: str, helpers: dict[str, str] = HELPERS) -> list[str]:
    """Sources of the functions `text` uses, and of those they use, in the order of the table."""
    found: set[str] = set()
    pending = [text]
    while pending:
        fresh = words(pending.pop()) & helpers.keys() - found
        found |= fresh
        pending += [helpers[name] for name in fresh]
    return [source for name, source in helpers.items() if name in found]


_helper('''
def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)
''')

_helper('''
def erf(x):
    """The error function, number by number."""
    return np.vectorize(math.erf, otypes=[DTYPE])(x)
''')

_helper('''
def one_hot(ids, classes):
    """1 at each id, else 0."""
    return np.eye(classes, dtype=DTYPE)[ids]
''')

_helper('''
def take_rows(table, index, batch):
    """The rows that index names, of a table for each place on the first `batch` axes."""
    tables = table.reshape(-1, *table.shape[batch:])
    ids = index.reshape(len(tables), -1)
    rows = tables[np.arange(len(tables))[:, None], ids]
    return rows.reshape(*index.shape, *table.shape[batch + 1 :])
''')

_helper('''
def add_rows(g, index, count, batch):
    """Gradient of the table whose rows index took: the rows of g added up where they belong."""
    head, width = g.shape[:batch], g.shape[index.ndim :]
    tables = np.zeros((math.prod(head), count, *width), g.dtype)
    ids = index.reshape(len(tables), -1)
    np.add.at(tables, (np.arange(len(tables))[:, None], ids), g.reshape(*ids.shape, *width))
    return tables.reshape(*head, count, *width)
''')

_helper('''
def softmax(x):
    """exp(x) / sum(exp(x)) over the last axis, shifted so that nothing overflows."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
''')

_helper('''
def softmax_grad(y, g):
    """Gradient of softmax at its output y."""
    return y * (g - (y * g).sum(axis=-1, keepdims=True))
''')

_helper('''
def attention_weights(q, k, causal, scale, lengths):
    """How much each query takes of each key: softmax(q kT scale) over the keys that it sees."""
    scores = (q * scale) @ k.swapaxes(-1, -2)
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -1e30)
    if lengths is None:
        return softmax(scores)
    lengths = lengths.reshape(-1, *[1] * (q.ndim - 1))
    scores = np.where(np.arange(k.shape[-2]) < lengths, scores, -1e30)
    return softmax(scores) * (lengths > 0)
''')

_helper('''
def attention(q, k, v, causal=False, scale=None, lengths=None):
    """Scaled dot-product attention: the values v weighted for each query."""
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    return attention_weights(q, k, causal, scale, lengths) @ v
''')

_helper('''
def attention_grad(q, k, v, g, causal=False, scale=None, lengths=None):
    """Gradients to q, k and v from the gradient g to what attention gives."""
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    weights = attention_weights(q, k, causal, scale, lengths)
    d = softmax_grad(weights, g @ v.swapaxes(-1, -2)) * scale
    return d @ k, d.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ g
''')

_helper('''
def log_softmax(x):
    """log(softmax(x)) by log-sum-exp."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
''')

_helper('''
def softmax_cross_entropy(logits, labels):
    """-log of the probability given to each sample's label."""
    return -log_softmax(logits)[np.arange(len(labels)), labels]
''')

_helper('''
def softmax_cross_entropy_grad(logits, labels):
    """Gradient of each sample's cross-entropy to its logits: probabilities minus one-hot labels."""
    g = softmax(logits)
    g[np.arange(len(labels)), labels] -= 1
    return g
''')

_helper('''
def channels(v, x):
    """One number a channel, shaped to broadcast over x (N×C×...)."""
    return v.reshape(-1, *[1] * (x.ndim - 2))
''')

_helper('''
def batch_norm(x, gamma, beta, epsilon):
    """x normalised channel by channel with the batch's own statistics; those are returned too."""
    axes = (0, *range(2, x.ndim))
    mean = x.mean(axis=axes)
    centred = x - channels(mean, x)
    variance = (centred * centred).mean(axis=axes)
    scale = gamma / np.sqrt(variance + epsilon)
    return centred * channels(scale, x) + channels(beta, x), mean, variance
''')

_helper('''
def batch_norm_grad(x, gamma, mean, variance, g, epsilon):
    """Gradients to x, gamma and beta from the gradient g to the normalised x."""
    axes = (0, *range(2, x.ndim))
    count = x.size // len(gamma)
    inverse = 1 / np.sqrt(variance + epsilon)
    normal = (x - channels(mean, x)) * channels(inverse, x)
    d_beta = g.sum(axis=axes)
    d_gamma = (g * normal).sum(axis=axes)
    inner = g - channels(d_beta / count, x) - normal * channels(d_gamma / count, x)
    return inner * channels(gamma * inverse, x), d_gamma, d_beta
''')

_helper('''
def padded(x, padding, fill=0.0):
    """Images with (top, bottom, left, right) rows and columns of `fill` around them."""
    top, bottom, left, right = padding
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
''')

_helper('''
def windows(x, kernel, stride, dilation=(1, 1)):
    """A view of all windows of the images x: N×C×rows×columns×kernel height×kernel width."""
    (kh, kw), (sh, sw), (dh, dw) = kernel, stride, dilation
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    view = np.lib.stride_tricks.sliding_window_view(x, span, axis=(2, 3), writeable=True)
    return view[:, :, ::sh, ::sw, ::dh, ::dw]
''')

_helper('''
def unpadded(x, size, padding):
    """The images without the border that `padded` put around them."""
    top, _, left, _ = padding
    return x[:, :, top : top + size[0], left : left + size[1]]
''')

_helper('''
def conv2d(x, weight, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)):
    """Cross-correlation of images N×C×H×W with a weight F×C×kh×kw."""
    view = windows(padded(x, padding), weight.shape[2:], stride, dilation)
    return np.tensordot(view, weight, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
''')

_helper('''
def conv2d_dx(g, weight, size, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)):
    """Gradient of conv2d to its images of height and width `size`."""
    top, bottom, left, right = padding
    shape = (len(g), weight.shape[1], size[0] + top + bottom, size[1] + left + right)
    image = np.zeros(shape, g.dtype)
    view = windows(image, weight.shape[2:], stride, dilation)
    for y, x in np.ndindex(weight.shape[2:]):  # windows overlap: one tap after the other
        tap = np.tensordot(g, weight[:, :, y, x], axes=(1, 0)).transpose(0, 3, 1, 2)
        view[..., y, x] += tap
    return unpadded(image, size, padding)
''')

_helper('''
def conv2d_dw(x, g, kernel, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)):
    """Gradient of conv2d to its weight."""
    view = windows(padded(x, padding), kernel, stride, dilation)
    return np.tensordot(g, view, axes=((0, 2, 3), (0, 2, 3)))
''')

_helper('''
def depthwise2d(x, weight, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)):
    """Cross-correlation of each channel of images N×C×H×W with its own window of C×1×kh×kw."""
    view = windows(padded(x, padding), weight.shape[2:], stride, dilation)
    return np.einsum("ncyxhw,chw->ncyx", view, weight[:, 0])
''')

_helper('''
def depthwise2d_dx(g, weight, size, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)):
    """Gradient of depthwise2d to its images of height and width `size`."""
    image = padded(np.zeros((*g.shape[:2], *size), g.dtype), padding)
    view = windows(image, weight.shape[2:], stride, dilation)
    for y, x in np.ndindex(weight.shape[2:]):  # windows overlap: one tap after the other
        view[..., y, x] += g * channels(weight[:, 0, y, x], g)
    return unpadded(image, size, padding)
''')

_helper('''
def depthwise2d_dw(x, g, kernel, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)):
    """Gradient of depthwise2d to its weight."""
    view = windows(padded(x, padding), kernel, stride, dilation)
    return np.einsum("ncyxhw,ncyx->chw", view, g)[:, None]
''')

_helper('''
def max_pool2d(x, kernel, stride, padding=(0, 0, 0, 0)):
    """Largest value of each window."""
    return windows(padded(x, padding, -np.inf), kernel, stride).max(axis=(4, 5))
''')

_helper('''
def first_maximum(x, kernel, stride, padding):
    """Where each window has its maximum, counted row by row; the first wins a tie."""
    view = windows(padded(x, padding, -np.inf), kernel, stride)
    return view.reshape(*view.shape[:4], -1).argmax(axis=-1)
''')

_helper('''
def max_pool2d_dx(x, g, kernel, stride, padding=(0, 0, 0, 0)):
    """Gradient of max_pool2d to its images x: all of it to the maximum of each window."""
    chosen = first_maximum(x, kernel, stride, padding)
    image = padded(np.zeros_like(x), padding)
    view = windows(image, kernel, stride)
    for y, x_ in np.ndindex(*kernel):
        view[..., y, x_] += np.where(chosen == y * kernel[1] + x_, g, 0)
    return unpadded(image, x.shape[2:], padding)
''')

_helper('''
def max_pool2d_take(x, h, kernel, stride, padding=(0, 0, 0, 0)):
    """The values of h at the maxima of the windows of x."""
    view = windows(padded(h, padding), kernel, stride)
    chosen = first_maximum(x, kernel, stride, padding)[..., None]
    return np.take_along_axis(view.reshape(*view.shape[:4], -1), chosen, -1)[..., 0]
''')

_helper('''
def avg_pool2d(x, kernel, stride, padding=(0, 0, 0, 0)):
    """Mean of each window; zeros of the border count."""
    return windows(padded(x, padding), kernel, stride).mean(axis=(4, 5))
''')

_helper('''
def avg_pool2d_dx(g, kernel, size, stride, padding=(0, 0, 0, 0)):
    """Gradient of avg_pool2d to its images of height and width `size`."""
    image = padded(np.zeros((*g.shape[:2], *size), g.dtype), padding)
    view = windows(image, kernel, stride)
    for y, x in np.ndindex(*kernel):
        view[..., y, x] += g / (kernel[0] * kernel[1])
    return unpadded(image, size, padding)
''')

for _source in (*numpy_recurrent.HELPERS, *numpy_cells.HELPERS):
    _helper(_source)

_helper('''
def read_weights(path):
    """The arrays of a safetensors file: a JSON header says where in the file each one lies."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
        array = np.frombuffer(content[start + begin : start + end], kind)
        arrays[name] = array.reshape(entry["shape"]).astype(DTYPE)
    return arrays
''')

_helper('''
def follow_plateau(seen, score, mode, factor, patience, threshold, cooldown, floor):
    """One epoch on: the share of the learning rate, the best score, bad epochs, epochs of rest."""
    share, best, bad, rest = seen
    worst = math.inf if mode == "min" else -math.inf
    best = worst if best is None else best
    better = score < best * (1 - threshold) if mode == "min" else score > best * (1 + threshold)
    best, bad = (score, 0) if better else (best, bad + 1)
    if rest > 0:
        bad, rest = 0, rest - 1
    if bad > patience:
        return max(share * factor, floor), best, 0, cooldown
    return share, best, bad, rest
''')

_helper('''
def renorm(x, limit, axis):
    """The weights of each place of `axis`, shortened to `limit` where they are longer."""
    others = tuple(k for k in range(x.ndim) if k != axis)
    length = np.sqrt((x * x).sum(axis=others, keepdims=True))
    return x * np.where(length > limit, limit / (length + 1e-7), 1).astype(x.dtype)
''')
