"""Functions of a generated NumPy file that walk a recurrent cell over time, and their gradients.

They follow the rows of `graph.primitives.recurrent`, where the operands are explained.
"""

from __future__ import annotations

from collections.abc import Callable

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.writer import Use

HELPERS = (
    '''
def time_steps(x, length, reverse):
    """Each step of the sequences x (N×T×K) in order, and which samples still have it (N×1)."""
    steps = range(x.shape[1])
    for t in reversed(steps) if reverse else steps:
        yield t, (True if length is None else length[:, None] > t)
''',
    '''
def step_before(y, t, reverse):
    """What y (N×T×K) was a step earlier in the walk, 0 at its start."""
    t += 1 if reverse else -1
    return y[:, t] if 0 <= t < y.shape[1] else np.zeros_like(y[:, 0])
''',
    '''
def rnn_scan(x, weight, length=None, reverse=False, nonlinearity="tanh"):
    """The states h = f(x + W h) of all steps."""
    y = np.zeros_like(x)
    for t, valid in time_steps(x, length, reverse):
        s = x[:, t] + step_before(y, t, reverse) @ weight.T
        y[:, t] = (np.tanh(s) if nonlinearity == "tanh" else np.maximum(s, 0)) * valid
    return y
''',
    '''
def rnn_scan_grad(weight, y, g, length=None, reverse=False, nonlinearity="tanh"):
    """The gradient to what f is applied to, from the gradient g to the states y."""
    d, back = np.zeros_like(y), 0
    for t, valid in time_steps(y, length, not reverse):
        slope = 1 - y[:, t] ** 2 if nonlinearity == "tanh" else y[:, t] > 0
        d[:, t] = (g[:, t] + back) * valid * slope
        back = d[:, t] @ weight
    return d
''',
    '''
def lstm_scan(x, weight, length=None, reverse=False):
    """The states h and c of all steps, and the values of the gates i, f, g, o."""
    gates = np.zeros_like(x)
    h, c = (np.zeros_like(x[..., : x.shape[2] // 4]) for _ in range(2))
    for t, valid in time_steps(x, length, reverse):
        i, f, g, o = np.split(x[:, t] + step_before(h, t, reverse) @ weight.T, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        cell = f * step_before(c, t, reverse) + i * g
        h[:, t], c[:, t] = o * np.tanh(cell) * valid, cell * valid
        gates[:, t] = np.concatenate([i, f, g, o], axis=1)
    return h, c, gates
''',
    '''
def lstm_scan_grad(weight, c, gates, d_h, length=None, reverse=False):
    """The gradient to the gates before their nonlinearities, from the gradient to the states h."""
    d, back, kept = np.zeros_like(gates), 0, 0
    for t, valid in time_steps(c, length, not reverse):
        i, f, g, o = np.split(gates[:, t], 4, axis=1)
        d_out, top = (d_h[:, t] + back) * valid, np.tanh(c[:, t])
        d_c = d_out * o * (1 - top**2) + kept * valid
        d_i, d_f, d_g, d_o = d_c * g, d_c * step_before(c, t, reverse), d_c * i, d_out * top
        slopes = d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)
        d[:, t] = np.concatenate(slopes, axis=1)
        back, kept = d[:, t] @ weight, d_c * f
    return d
''',
    '''
def gru_scan(x, weight, bias, length=None, reverse=False):
    """The states h of all steps, and the values of r, z, n and q."""
    h = np.zeros_like(x[..., : len(bias)])
    gates = np.concatenate([h] * 4, axis=2)
    for t, valid in time_steps(x, length, reverse):
        old = step_before(h, t, reverse)
        a, b = np.split(x[:, t], 3, axis=1), np.split(old @ weight.T, 3, axis=1)
        r, z, q = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1]), b[2] + bias
        n = np.tanh(a[2] + r * q)
        h[:, t] = ((1 - z) * n + z * old) * valid
        gates[:, t] = np.concatenate([r, z, n, q], axis=1)
    return h, gates
''',
    '''
def gru_scan_grad(weight, h, gates, d_h, length=None, reverse=False):
    """The gradient to r, z and n before their nonlinearities and to q, from that to the states."""
    d, back = np.zeros_like(gates), 0
    for t, valid in time_steps(h, length, not reverse):
        r, z, n, q = np.split(gates[:, t], 4, axis=1)
        d_out = (d_h[:, t] + back) * valid
        d_n = d_out * (1 - z) * (1 - n**2)
        d_r = d_n * q * r * (1 - r)
        d_z = d_out * (step_before(h, t, reverse) - n) * z * (1 - z)
        d[:, t] = np.concatenate([d_r, d_z, d_n, d_n * r], axis=1)
        back = np.concatenate([d_r, d_z, d_n * r], axis=1) @ weight + d_out * z
    return d
''',
)
# operands before the lengths
_OPERANDS = {
    "rnn_scan": 2,
    "rnn_scan_grad": 3,
    "lstm_scan": 2,
    "lstm_scan_grad": 4,
    "gru_scan": 3,
    "gru_scan_grad": 4,
}


def _scan(use: Use) -> Expression:
    """The call; a length that is given, and what is not the default, by name."""
    attrs = dict(use.row.attrs)
    parts = [f"{{{k}}}" for k in range(len(use.operands))]
    if len(parts) > _OPERANDS[use.row.op]:
        parts[-1] = f"length={parts[-1]}"
    parts += ["reverse=True"] if attrs["reverse"] else []
    parts += ['nonlinearity="relu"'] if attrs.get("nonlinearity") == "relu" else []
    return ex.fill(f"{use.row.op}({', '.join(parts)})", use.operands, {})


EXPRESSIONS: dict[str, Callable[[Use], Expression]] = dict.fromkeys(_OPERANDS, _scan)
