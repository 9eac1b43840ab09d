"""Functions of a PyTorch file about weights: reading those of a run, making fresh ones."""

from __future__ import annotations

from collections import Counter

from graph.export import expression as ex
from graph.export.names import literal
from graph.export.outline import Outline
from graph.export.pytorch_model import ModelClass
from graph.op import Param

LOAD_FILE = [
    "    try:",
    "        from safetensors.torch import load_file",
    "    except ImportError as error:",
    '        raise ImportError("load_model needs safetensors: pip install safetensors") from error',
]


def double(outline: Outline) -> str:
    """`.double()` for a model in float64."""
    return ".double()" if outline.graph.training.precision == "float64" else ""


def plain_keys(model: ModelClass, outline: Outline) -> bool:
    """Whether every name of the state_dict is its ParamKey with dots."""
    every = {*outline.model.params, *outline.model.states} == set(model.state.values())
    return every and all(name.replace(".", "/") == key for name, key in model.state.items())


def load_model_function(outline: Outline, model: ModelClass) -> list[str]:
    """`load_model()`: the model with the run's weights."""
    lines = [
        "def load_model(path=WEIGHTS):",
        '    """The model with its trained weights, ready to predict."""',
        *LOAD_FILE,
        f"    model = Model(){double(outline)}",
        "    weights = load_file(path)",
    ]
    if plain_keys(model, outline):
        named = '{key.replace("/", "."): value for key, value in weights.items()}'
    else:
        named = "{name: weights[key] for name, key in WEIGHT_KEYS.items()}"
    return [*lines, f"    model.load_state_dict({named})", "    return model.eval()"]


# ---- first weights

_INITIALISERS = {
    "he_uniform": ("He et al. 2015: uniform, for layers followed by a ReLU.", "uniform_", "6", ""),
    "he_normal": ("He et al. 2015: normal, for layers followed by a ReLU.", "normal_", "2", ""),
    "glorot_uniform": ("Glorot & Bengio 2010: uniform.", "uniform_", "6", " + fan_out"),
    "glorot_normal": ("Glorot & Bengio 2010: normal.", "normal_", "2", " + fan_out"),
    "lecun_uniform": ("LeCun et al. 1998: uniform, keeps the size.", "uniform_", "3", ""),
    "lecun_normal": ("LeCun et al. 1998: normal, keeps the size.", "normal_", "1", ""),
    "he_truncated": ("As Keras's he_normal, none far off.", "truncated_", "2", ""),
    "glorot_truncated": (
        "As Keras's glorot_normal, none far off.",
        "truncated_",
        "2",
        " + fan_out",
    ),
    "lecun_truncated": ("As Keras's lecun_normal, none far off.", "truncated_", "1", ""),
    "torch_linear": ("Uniform, as PyTorch's Linear and Conv layers start.", "uniform_", "1", ""),
}
_WHOLE = {  # need no fan
    "orthogonal": '''
def orthogonal_(weight, stream):
    """Saxe et al. 2014: turns what passes, and keeps its length."""
    weight.copy_(torch.from_numpy(random_orthogonal(SEED, stream, weight.shape)))
''',
    "truncated_normal": '''
def truncated_normal_(weight, stream):
    """Devlin et al. 2019: normal with a deviation of 0.02, nothing beyond two of them."""
    weight.copy_(torch.from_numpy(0.02 * random_truncated(SEED, stream, weight.shape)))
''',
    "standard_normal": '''
def standard_normal_(weight, stream):
    """Normal with a deviation of 1, as PyTorch's Embedding starts."""
    normal_(weight, stream, 1.0)
''',
    "identity": '''
def identity_(weight, stream):
    """Each output passes on the input of its number, at the middle of the window."""
    (nn.init.eye_ if weight.dim() == 2 else nn.init.dirac_)(weight)
''',
}
HELPERS: dict[str, str] = {
    "uniform_": '''
def uniform_(weight, stream, bound):
    """Fill with numbers from -bound to bound; `stream` names the random numbers."""
    values = (2 * random_uniform(SEED, stream, 0, weight.shape) - 1) * bound
    weight.copy_(torch.from_numpy(values))
'''.strip(),
    "truncated_": '''
def truncated_(weight, stream, deviation):
    """Fill with numbers around 0, none beyond two deviations of what was drawn."""
    values = random_truncated(SEED, stream, weight.shape) * (deviation / 0.87962566103423978)
    weight.copy_(torch.from_numpy(values))
'''.strip(),
    "normal_": '''
def normal_(weight, stream, deviation):
    """Fill with numbers around 0; `stream` names the random numbers."""
    weight.copy_(torch.from_numpy(random_normal(SEED, stream, weight.shape) * deviation))
'''.strip(),
}


def _initialiser(name: str) -> str:
    about, fill, top, more = _INITIALISERS[name]
    lines = [
        f"def {name}_(weight, stream):",
        f'    """{about}"""',
        "    fan_in = weight[0].numel()",
    ]
    if more:
        lines.append("    fan_out = weight.numel() // weight.shape[1]")
    sizes = f"(fan_in{more})" if more else "fan_in"
    return "\n".join([*lines, f"    {fill}(weight, stream, math.sqrt({top} / {sizes}))"])


INITIALISERS = {f"{name}_": _initialiser(name) for name in _INITIALISERS}
INITIALISERS |= {f"{name}_": source.strip() for name, source in _WHOLE.items()}


def initial_model_function(outline: Outline, model: ModelClass) -> list[str]:
    """`initial_model()`: the weights a run with the same seed starts from."""
    params = outline.model.params
    first = {key: name for name, key in reversed(model.state.items()) if key in params}
    owned = {name: params[key] for name, key in model.state.items() if first.get(key) == name}
    matrices = Counter(p.init for p in owned.values() if len(p.shape) > 1)
    usual = matrices.most_common(1)[0][0] if matrices else "he_uniform"
    others = [
        name
        for name, param in owned.items()
        if param.init != (usual if len(param.shape) > 1 else _expected(name))
        or (len(param.shape) > 1 and param.fan and usual in _INITIALISERS)
    ]
    key = "name.replace('.', '/')" if plain_keys(model, outline) else "WEIGHT_KEYS[name]"
    key = key.replace("'", '"')
    stream = f'"initial/" + {key}'
    lines = [
        "@torch.no_grad()",
        "def initial_model():",
        '    """A model with the weights that Netloom starts from with this seed."""',
        f"    model = Model(){double(outline)}",
        "    for name, weight in model.named_parameters():",
        "        if weight.dim() > 1:",
        f"            {_fill(usual, 'weight', stream)}",
        '        elif name.endswith("bias"):',
        "            nn.init.zeros_(weight)",
    ]
    for name in others:
        own = literal(f"initial/{model.state[name]}")
        call = _fill(owned[name].init, attribute(name), own, owned[name])
        lines += ex.statement("", ex.parse(call), "    ")
    for name, param in owned.items():
        if param.blank is not None:
            lines.append(f"    {attribute(name)}[{param.blank}] = 0")
    return [*lines, "    return model"]


def _expected(name: str) -> str:
    """How a weight with one axis starts unless said otherwise: offsets at 0, scales at 1."""
    return "zeros" if name.endswith("bias") else "ones"


def attribute(name: str) -> str:
    """A weight of `model` by its name in the state_dict: `model.blocks[0].conv1.weight`."""
    parts = (f"[{part}]" if part.isdigit() else f".{part}" for part in name.split("."))
    return "model" + "".join(parts)


def _fill(init: str | float, weight: str, stream: str, param: Param | None = None) -> str:
    """The call that gives a weight its first numbers."""
    if isinstance(init, int | float):
        return f"nn.init.constant_({weight}, {init!r})"
    if init in ("zeros", "ones"):
        return f"nn.init.{init}_({weight})"
    if param is None or init in _WHOLE or (param.fan is None and len(param.shape) > 1):
        return f"{init}_({weight}, {stream})"
    _, fill, top, more = _INITIALISERS[init]
    fan = param.fan or (param.shape[0],) * 2
    return f"{fill}({weight}, {stream}, math.sqrt({top} / {sum(fan) if more else fan[0]}))"
