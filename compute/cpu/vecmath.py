"""Elementary functions on vectors, a few units in the last place, right for large arguments and
NaN.

Sources: argument reductions and polynomials after fdlibm (Sun Microsystems, 1993) and Cephes
(Moshier, 1989); erf for float32 after N. Juffa. Functions that would lose digits in float32 (pow,
sin, cos) are computed in float64; their float64 versions and erf call the C library lane by lane.
"""

from __future__ import annotations

import math

from llvmlite import ir

from compute.cpu.vector import Emitter, Mask, Vec

_hex = float.fromhex

_LN2_HIGH = {"f32": _hex("0x1.62E4p-1"), "f64": _hex("0x1.62E42FEEp-1")}
_LN2_LOW = {"f32": _hex("0x1.7F7D1Cp-20"), "f64": _hex("0x1.A39EF35793C76p-33")}
_EXP_SINGLE = (
    1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
    5.0000001201e-1,
)  # fmt: skip
_EXP_DOUBLE = tuple(1.0 / math.factorial(k) for k in range(13, 1, -1))
_LOG_SINGLE = tuple(map(_hex, ("0x1.F13C4CP-3", "0x1.23D3DCP-2", "0x1.999C26P-2", "0x1.555554P-1")))
_LOG_DOUBLE = (
    1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
    2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
    6.666666666666735130e-01,
)  # fmt: skip
_ERF_SMALL = (
    -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1,
)  # fmt: skip
# Φ(-x) / exp(-x²/2) of float32 is t times this polynomial in t = 1 / (1 + c·x)
_MILLS_BEND = 0.35
_MILLS = (
    -0.029145397, 0.1439693, -0.25570965, 0.15916932, -0.02310676,
    0.10550681, 0.11983315, 0.13986184, 0.1396214,
)  # fmt: skip


def _reduce_exp(e: Emitter, x: Vec) -> tuple[object, Vec, Vec]:
    """n = round(x / ln 2) as integer lanes and as reals, and r = x - n·ln 2."""
    # Adding 1.5·2^mantissa rounds to an integer and leaves it in the low bits.
    magic = e.constant(1.5 * 2.0**e.mantissa)
    shifted = e.fma(x, 1.0 / math.log(2.0), magic)
    n = shifted - magic
    whole = e.b.sub(e.to_bits(shifted), e.to_bits(magic))
    r = e.fma(n, -_LN2_HIGH[e.real], x)
    return whole, n, e.fma(n, -_LN2_LOW[e.real], r)


def _exp_tail(e: Emitter, r: Vec) -> Vec:
    """exp(r) - 1 - r for |r| ≤ ln(2)/2."""
    return e.horner(r, _EXP_SINGLE if e.single else _EXP_DOUBLE) * (r * r)


def exp(e: Emitter, x: Vec) -> Vec:
    """exp(x); overflows to infinity, underflows gradually."""
    x = e.clamp(x, e.pick(-105.0, -746.0), e.pick(89.0, 710.0))
    whole, _, r = _reduce_exp(e, x)
    value = (_exp_tail(e, r) + r) + 1.0
    # 2^n in two factors, since n itself may lie outside the exponent range
    half = e.b.ashr(whole, e.int_constant(1))
    return value * e.power_of_two(half) * e.power_of_two(e.b.sub(whole, half))


def expm1(e: Emitter, x: Vec) -> Vec:
    """exp(x) - 1 without cancellation near 0."""
    clamped = e.clamp(x, e.pick(-105.0, -746.0), e.pick(89.0, 710.0))
    # below -ln(2)·(mantissa+3) the result is -1; this keeps 2^(n-1) normal
    clamped = e.select(clamped < e.pick(-40.0, -60.0), e.pick(-40.0, -60.0), clamped)
    whole, n, r = _reduce_exp(e, clamped)
    small = _exp_tail(e, r) + r
    scale = e.power_of_two(e.b.sub(whole, e.int_constant(1)))
    value = e.fma(small, scale, scale - 0.5) * 2.0
    return e.select(n == 0.0, e.select(x == 0.0, x, small), value)


def _log_parts(e: Emitter, x: Vec) -> tuple[Vec, Vec]:
    """Exponent k as reals and mantissa m in [√½, √2) of a positive normal x."""
    # the offset makes the exponent field step at √½ instead of at 1
    root = e.pick(0x3F3504F3, 0x3FE6A09E667F3BCD)
    one = e.pick(0x3F800000, 0x3FF0000000000000)
    bits = e.b.add(e.to_bits(x), e.int_constant(int(one - root)))
    exponent = e.b.sub(e.b.ashr(bits, e.int_constant(e.mantissa)), e.int_constant(e.bias))
    fraction = e.b.and_(bits, e.int_constant(2**e.mantissa - 1))
    mantissa = e.from_bits(e.b.add(fraction, e.int_constant(int(root))))
    return Vec(e, e.b.sitofp(exponent, e.type)), mantissa


def log(e: Emitter, x: Vec) -> Vec:
    """Natural logarithm; -inf at 0, NaN below."""
    tiny, scale = e.pick(2.0**-126, 2.0**-1022), 2.0 ** (e.mantissa + 2)
    denormal = x < tiny
    k, m = _log_parts(e, e.select(denormal, x * scale, x))
    k = e.select(denormal, k - float(e.mantissa + 2), k)
    f = m - 1.0
    s = f / (f + 2.0)
    z = s * s
    tail = e.horner(z, _LOG_SINGLE if e.single else _LOG_DOUBLE) * z
    half = f * f * 0.5
    low = e.fma(k, _LN2_LOW[e.real], s * (half + tail))
    value = e.fma(k, _LN2_HIGH[e.real], f - (half - low))
    value = e.select(x == math.inf, x, value)
    value = e.select(x == 0.0, -math.inf, value)
    return e.select(x >= 0.0, value, math.nan)


def log1p(e: Emitter, x: Vec) -> Vec:
    """log(1 + x) without cancellation near 0."""
    u = x + 1.0
    correction = (x - (u - 1.0)) / u
    value = log(e, u)
    usable = (u > 0.0) & (u < math.inf)
    return e.select(x == 0.0, x, e.select(usable, value + correction, value))


def tanh(e: Emitter, x: Vec) -> Vec:
    """Hyperbolic tangent."""
    magnitude = e.unary("fabs", x)
    limit = e.pick(10.0, 22.0)
    t = expm1(e, e.select(magnitude > limit, limit, magnitude) * 2.0)
    return e.copysign(t / (t + 2.0), x)


def _exp_minus_abs(e: Emitter, x: Vec) -> Vec:
    return exp(e, -e.unary("fabs", x))


def sigmoid(e: Emitter, x: Vec) -> Vec:
    """1 / (1 + exp(-x)), with full relative accuracy for negative x."""
    t = _exp_minus_abs(e, x)
    return e.select(x >= 0.0, 1.0, t) / (t + 1.0)


def softplus(e: Emitter, x: Vec) -> Vec:
    """log(1 + exp(x))."""
    return relu(e, x) + log1p(e, _exp_minus_abs(e, x))


def log_sigmoid(e: Emitter, x: Vec) -> Vec:
    """log(sigmoid(x)) = -softplus(-x)."""
    return -softplus(e, -x)


def erf(e: Emitter, x: Vec) -> Vec:
    """Error function."""
    if not e.single:
        return e.each_lane("erf", x)
    t, s = e.unary("fabs", x), x * x
    high = e.fma(-1.72853470e-5, t, 3.83197126e-4)
    r = e.fma(high, s, e.fma(-3.88396438e-3, t, 2.42546219e-2))
    for coefficient in (-1.06777877e-1, -6.34846687e-1, -1.28717512e-1):
        r = e.fma(r, t, coefficient)
    large = e.copysign(1.0 - exp(e, e.fma(r, t, -t)), x)
    small = e.fma(e.horner(s, _ERF_SMALL), x, x)
    value = e.select(t > 0.927734375, large, small)
    return e.select(t == math.inf, e.copysign(e.constant(1.0), x), value)


def gauss(e: Emitter, x: Vec) -> Vec:
    """exp(-x²/2); 0 where that is no normal number."""
    half = x * x * -0.5
    least = e.pick(-87.0, -708.0)
    tiny = half < least
    whole, _, r = _reduce_exp(e, e.select(tiny, least, half))
    value = ((_exp_tail(e, r) + r) + 1.0) * e.power_of_two(whole)
    return e.select(tiny, 0.0, value)


def normal_cdf(e: Emitter, x: Vec, bell: Vec) -> Vec:
    """The share of a normal distribution below x, given exp(-x²/2); small shares keep their digits.

    Their ratio is a polynomial in 1 / (1 + c·|x|), as in Hastings (1955), fitted here.
    """
    if not e.single:
        return e.each_lane("erfc", x * -math.sqrt(0.5)) * 0.5
    t = _inverse(e, e.fma(e.unary("fabs", x), _MILLS_BEND, 1.0))
    below = e.horner(t, _MILLS) * t * bell
    return e.select(x < 0.0, below, 1.0 - below)


def _inverse(e: Emitter, x: Vec) -> Vec:
    """1/x for x from 1 on; single precision on AVX-512 leaves the divider free."""
    if e.item * e.lanes != 64:
        return 1.0 / x
    mask = ir.IntType(16)
    estimate = e.declare("llvm.x86.avx512.rcp14.ps.512", e.type, [e.type, e.type, mask])
    zero = ir.Constant(e.type, [0.0] * e.lanes)
    x = e.select(x > 1e30, 1e30, x)  # infinity times 0 on the way is not a number
    inverse = Vec(e, e.b.call(estimate, [x.v, zero, ir.Constant(mask, 0xFFFF)]))
    return e.fma(e.fma(-x, inverse, 1.0), inverse, inverse)


def power(e: Emitter, x: Vec, y: Vec) -> Vec:
    """x**y as C's pow: negative x with integral y is allowed."""
    if not e.single:
        return e.each_lane("pow", x, y)
    d = e.double()
    a, b = d.convert(x), d.convert(y)
    value = e.convert(exp(d, b * log(d, d.unary("fabs", a))))
    integral = e.unary("floor", y) == y
    half = y * 0.5
    odd = integral & (e.unary("floor", half) != half)
    value = e.select((x < 0.0) & odd, -value, value)
    finite_negative = (x < 0.0) & (x > -math.inf)
    bad = finite_negative & (e.unary("floor", y) != y)
    value = e.select(bad, math.nan, value)
    return e.select(_either_one(x, y), 1.0, value)


def _either_one(x: Vec, y: Vec) -> Mask:
    """Where pow is 1 whatever the other argument: x = 1 or y = 0."""
    return (x == 1.0) | (y == 0.0)


_HALF_PI = tuple(
    map(_hex, ("0x1.921FB54442D18p0", "0x1.1A62633145C07p-54", "-0x1.F1976B7ED8FBCp-110"))
)
_SIN = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(8, 0, -1))
_COS = tuple((-1.0) ** k / math.factorial(2 * k) for k in range(8, 0, -1))


def _circular(e: Emitter, x: Vec, quarter: int) -> Vec:
    """sin(x + quarter·π/2) of float32 lanes, through float64."""
    d = e.double()
    wide = d.convert(x)
    magic = d.constant(1.5 * 2.0**52)
    shifted = d.fma(wide, 2.0 / math.pi, magic)
    n, bits = shifted - magic, d.to_bits(shifted)
    r = wide
    for part in _HALF_PI:
        r = d.fma(n, -part, r)
    z = r * r
    sine = d.fma(d.horner(z, _SIN) * z, r, r)
    cosine = d.horner(z, _COS) * z + 1.0
    turn = d.b.add(bits, d.int_constant(quarter))
    odd = d.b.icmp_signed("!=", d.b.and_(turn, d.int_constant(1)), d.int_constant(0))
    flip = d.b.icmp_signed("!=", d.b.and_(turn, d.int_constant(2)), d.int_constant(0))
    value = d.select(Mask(d, odd), cosine, sine)
    return e.convert(d.select(Mask(d, flip), -value, value))


def sin(e: Emitter, x: Vec) -> Vec:
    """Sine of radians."""
    return _circular(e, x, 0) if e.single else e.each_lane("sin", x)


def cos(e: Emitter, x: Vec) -> Vec:
    """Cosine of radians."""
    return _circular(e, x, 1) if e.single else e.each_lane("cos", x)


def square_root(e: Emitter, x: Vec) -> Vec:
    """√x. Single precision on AVX-512 leaves the divider free.

    Two corrections of the CPU's estimate of 1/√x give the rounded root as well, whatever the
    estimate; below 2**-102, where residues underflow, to one unit in the last place.
    """
    if not e.single or e.item * e.lanes != 64:
        return e.unary("sqrt", x)
    name, mask = "llvm.x86.avx512.rsqrt14.ps.512", ir.IntType(16)
    estimate = e.declare(name, e.type, [e.type, e.type, mask])
    zero = ir.Constant(e.type, [0.0] * e.lanes)
    inverse = Vec(e, e.b.call(estimate, [x.v, zero, ir.Constant(mask, 0xFFFF)]))
    root, half = x * inverse, inverse * 0.5
    root = e.fma(e.fma(-root, half, 0.5), root, root)
    root = e.fma(e.fma(-root, root, x), half, root)
    # 0 and infinity are their own roots, and 0 times infinity on the way
    return e.select((x == 0.0) | (x == math.inf), x, root)


def root_ratio(e: Emitter, a: Vec, b: Vec, c: Vec, d: Vec) -> Vec:
    """a / (√b · c + d)."""
    return a / e.fma(square_root(e, b), c, d)


def sign(e: Emitter, x: Vec) -> Vec:
    """-1, 0 or 1; NaN stays."""
    value = e.select(x > 0.0, 1.0, e.select(x < 0.0, -1.0, 0.0))
    return e.select(x != x, x, value)


def relu(e: Emitter, x: Vec) -> Vec:
    """max(x, 0); NaN stays."""
    zero = e.constant(0.0)
    return e.select(zero > x, zero, x)
