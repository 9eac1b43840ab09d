"""The two passes every convolution is made of, as tiles over pixels.

`correlate` slides weights over an image (forward pass, gradient to the input);
`correlate_transposed` sums image times gradient over pixels (gradient to the weights). A tile's
rows are pixels, or taps, by address.
"""

from __future__ import annotations

from compute.cpu.kernels.panels import DEPTH, PANEL, pack, run_tile, set_loop, width_of
from compute.cpu.kernels.tiling import (
    A_ROWS,
    BIAS,
    C_ROWS,
    EPILOGUE,
    INIT,
    INNER,
    JOB_BYTES,
    MASK_ROWS,
    MAX_ROWS,
    MIDDLE,
    OUTER,
    PRE,
    PRE_ROWS,
    B,
)
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    TILE_ROWS,
    VECTOR,
    Stack,
    device,
    set_word,
    tall_tile,
)

JOB = Stack(JOB_BYTES)


@device
def set_pixels(
    job: int, table: int, start: int, row: int, pix: int, width: int, y: int, x: int, rows: int
) -> None:
    """A row table of the `rows` pixels from (y, x) on of an image `width` pixels wide."""
    at = start + y * row + x * pix
    for i in range(TILE_ROWS):
        set_word(job + (table + i) * 8, at)
        if i + 1 < rows:
            x += 1
            at += pix
            if x == width:
                x = 0
                at += row - width * pix


@device
def set_taps(job: int, kh: int, kw: int, ci: int, tap_row: int, tap_pix: int, b_row: int) -> None:
    """The loops over window rows, columns and channels; the last two are one where memory is."""
    if tap_pix == ci * ITEM:
        set_loop(job, MIDDLE, 1, 0, 0)
        set_loop(job, INNER, kw * ci, ITEM, b_row)
    else:
        set_loop(job, MIDDLE, kw, tap_pix, ci * b_row)
        set_loop(job, INNER, ci, ITEM, b_row)
    set_loop(job, OUTER, kh, tap_row, kw * ci * b_row)


@device
def over_images(
    job: int, x: int, x_img: int, x_row: int, x_pix: int,
    y: int, y_img: int, y_row: int, y_pix: int, oh: int, ow: int,
    mask: int, mask_img: int, mask_row: int, mask_pix: int, pre: int,
    first: int, last: int, columns: int, vectors: int, lanes: int,
) -> None:  # fmt: skip
    """Runs the job's tile over all pixels of the images first … last-1, for one column group."""
    for image in range(first, last):
        at_x, at_y, at_mask = x + image * x_img, y + image * y_img, mask + image * mask_img
        left, py, px = oh * ow, 0, 0
        while left > 0:
            rows = min(TILE_ROWS, left)
            set_pixels(job, A_ROWS, at_x, x_row, x_pix, ow, py, px, rows)
            set_pixels(job, C_ROWS, at_y, y_row, y_pix, ow, py, px, rows)
            if mask != 0:
                set_pixels(job, MASK_ROWS, at_mask, mask_row, mask_pix, ow, py, px, rows)
            if pre != 0:
                at_pre = pre + image * y_img
                set_pixels(job, PRE_ROWS, at_pre, y_row, y_pix, ow, py, px, rows)
            run_tile(job, rows, vectors, columns, lanes)
            left -= rows
            px += rows
            while px >= ow:
                px -= ow
                py += 1


@device
def correlate(
    x: int, x_img: int, x_row: int, x_pix: int, tap_row: int, tap_pix: int,
    w: int, kh: int, kw: int, ci: int, co: int,
    y: int, y_img: int, y_row: int, y_pix: int, oh: int, ow: int,
    init: int, bias: int, epilogue: int, mask: int, mask_img: int, mask_row: int, mask_pix: int,
    pre: int, first: int, last: int,
) -> None:  # fmt: skip
    """y = epilogue(init + Σ x[window] · w) for the images first … last-1.

    `x` is the first tap of the first window; x_row, x_pix step from window to window, tap_row,
    tap_pix from tap to tap. `w` is [kh,kw,ci,co]; no taps (kh = 0) leave the initial value.
    """
    job, panel = JOB(), PANEL()
    set_word(job + BIAS * 8, bias)
    if epilogue != 2:
        mask = 0
    vectors, taps, b_row = (co + LANES - 1) // LANES, kh * kw * ci, co * ITEM
    j = 0
    while j < vectors:
        width = width_of(vectors - j)
        columns, lanes = j * VECTOR, LANES
        if j + width == vectors:
            lanes = co - (vectors - 1) * LANES
        if lanes == LANES or taps <= DEPTH:
            set_word(job + INIT * 8, init)
            set_word(job + EPILOGUE * 8, epilogue)
            set_word(job + PRE * 8, pre)
            if lanes == LANES:
                set_taps(job, kh, kw, ci, tap_row, tap_pix, b_row)
                set_word(job + B * 8, w)
            else:
                pack(w + columns, b_row, taps, width, lanes, panel)
                set_taps(job, kh, kw, ci, tap_row, tap_pix, width * VECTOR)
                set_word(job + B * 8, panel - columns)
            over_images(
                job, x, x_img, x_row, x_pix, y, y_img, y_row, y_pix, oh, ow,
                mask, mask_img, mask_row, mask_pix, pre, first, last, columns, width, lanes,
            )  # fmt: skip
        else:
            by_panels(
                job, panel, x, x_img, x_row, x_pix, tap_row, tap_pix, w, kh, kw, ci, co,
                y, y_img, y_row, y_pix, oh, ow, init, epilogue, mask, mask_img, mask_row, mask_pix,
                pre, first, last, columns, width, lanes,
            )  # fmt: skip
        j += width


@device
def by_panels(
    job: int, panel: int, x: int, x_img: int, x_row: int, x_pix: int, tap_row: int, tap_pix: int,
    w: int, kh: int, kw: int, ci: int, co: int,
    y: int, y_img: int, y_row: int, y_pix: int, oh: int, ow: int,
    init: int, epilogue: int, mask: int, mask_img: int, mask_row: int, mask_pix: int,
    pre: int, first: int, last: int, columns: int, width: int, lanes: int,
) -> None:  # fmt: skip
    """A last, partial column group whose weights exceed a panel: tap by tap, runs of channels."""
    b_row = co * ITEM
    set_loop(job, OUTER, 1, 0, 0)
    set_loop(job, MIDDLE, 1, 0, 0)
    set_word(job + INIT * 8, init)
    set_word(job + EPILOGUE * 8, 0)
    set_word(job + PRE * 8, 0)
    for tap in range(kh * kw):
        ky = tap // kw
        kx = tap - ky * kw
        for start in range(0, ci, DEPTH):
            run = min(DEPTH, ci - start)
            pack(w + (tap * ci + start) * b_row + columns, b_row, run, width, lanes, panel)
            set_loop(job, INNER, run, ITEM, width * VECTOR)
            set_word(job + B * 8, panel - columns)
            if tap == kh * kw - 1 and start + run == ci:
                set_word(job + EPILOGUE * 8, epilogue)
                set_word(job + PRE * 8, pre)
            over_images(
                job, x + ky * tap_row + kx * tap_pix + start * ITEM, x_img, x_row, x_pix,
                y, y_img, y_row, y_pix, oh, ow, mask, mask_img, mask_row, mask_pix, pre,
                first, last, columns, width, lanes,
            )  # fmt: skip
            set_word(job + INIT * 8, 1)


@device
def run_tall_tile(job: int, rows: int, vectors: int, columns: int, lanes: int) -> None:
    """The tall tile as a function of its own, so that its code exists once a kernel."""
    tall_tile(job, rows, vectors, columns, lanes)


@device
def over_taps(
    job: int, x: int, tap_row: int, tap_pix: int, target: int, b_row: int,
    taps: int, kw: int, ci: int, columns: int, width: int, lanes: int,
) -> None:  # fmt: skip
    """Runs the job over all taps and channels: the rows of the weight gradient."""
    done, c, kx, start = 0, 0, 0, x
    while done < taps:
        left = taps - done
        rows = left if left == TILE_ROWS + 1 else min(TILE_ROWS, left)
        for i in range(MAX_ROWS):
            set_word(job + (A_ROWS + i) * 8, start + kx * tap_pix + c * ITEM)
            set_word(job + (C_ROWS + i) * 8, target)
            if i < rows - 1:
                target += b_row
                c += 1
                if c == ci:
                    c = 0
                    kx += 1
                    if kx == kw:
                        kx = 0
                        start += tap_row
        run_tall_tile(job, rows, width, columns, lanes)
        done += rows
        target += b_row
        c += 1
        if c == ci:
            c = 0
            kx += 1
            if kx == kw:
                kx = 0
                start += tap_row


@device
def over_runs(
    job: int, panel: int, x: int, x_row: int, x_pix: int, tap_row: int, tap_pix: int,
    dy: int, dy_row: int, dy_pix: int, target: int, oh: int, ow: int, taps: int, kw: int,
    ci: int, co: int, columns: int, width: int, lanes: int,
) -> None:  # fmt: skip
    """A last, partial column group of one image: dy is packed, some pixels at a time."""
    across = min(ow, DEPTH)
    down = DEPTH // across if across == ow else 1
    dense = width * VECTOR
    set_word(job + B * 8, panel - columns)
    set_loop(job, OUTER, 1, 0, 0)
    for y in range(0, oh, down):
        for start in range(0, ow, across):
            lines, run = min(down, oh - y), min(across, ow - start)
            source = dy + y * dy_row + start * dy_pix + columns
            for line in range(lines):
                place = panel + line * run * dense
                pack(source + line * dy_row, dy_pix, run, width, lanes, place)
            set_loop(job, MIDDLE, lines, x_row, run * dense)
            set_loop(job, INNER, run, x_pix, dense)
            over_taps(
                job, x + y * x_row + start * x_pix, tap_row, tap_pix, target, co * ITEM,
                taps, kw, ci, columns, width, lanes,
            )  # fmt: skip
            set_word(job + INIT * 8, 1)


@device
def over_lines(
    job: int, x: int, x_img: int, x_row: int, x_pix: int, tap_row: int, tap_pix: int,
    dy: int, dy_img: int, dy_row: int, dy_pix: int, target: int, images: int, oh: int, ow: int,
    taps: int, kw: int, ci: int, co: int, columns: int, width: int,
) -> None:  # fmt: skip
    """A column group of whole vectors; of a large image some lines at a time, to stay in L1."""
    lines = oh if oh * ow < DEPTH else max(1, DEPTH // 2 // ow)
    set_loop(job, OUTER, images, x_img, dy_img)
    set_loop(job, INNER, ow, x_pix, dy_pix)
    for y in range(0, oh, lines):
        set_loop(job, MIDDLE, min(lines, oh - y), x_row, dy_row)
        set_word(job + B * 8, dy + y * dy_row)
        over_taps(
            job, x + y * x_row, tap_row, tap_pix, target, co * ITEM,
            taps, kw, ci, columns, width, LANES,
        )  # fmt: skip
        set_word(job + INIT * 8, 1)


@device
def correlate_transposed(
    x: int, x_img: int, x_row: int, x_pix: int, tap_row: int, tap_pix: int,
    dy: int, dy_img: int, dy_row: int, dy_pix: int, target: int,
    oh: int, ow: int, ci: int, co: int, kh: int, kw: int, first: int, last: int,
) -> None:  # fmt: skip
    """target[kh,kw,ci,co] = Σ x[window] · dy over the pixels of the images first … last-1.

    The sum runs image by image, then row by row. `x` and its steps are `correlate`'s.
    """
    job, panel = JOB(), PANEL()
    set_word(job + EPILOGUE * 8, 0)
    set_word(job + PRE * 8, 0)
    vectors, taps = (co + LANES - 1) // LANES, kh * kw * ci
    together = max(1, DEPTH // (oh * ow))  # small images share a tile's start and end
    for image in range(first, last, together):
        images = min(together, last - image)
        at_x, at_dy = x + image * x_img, dy + image * dy_img
        j = 0
        while j < vectors:
            width = width_of(vectors - j)
            columns, lanes = j * VECTOR, LANES
            if j + width == vectors:
                lanes = co - (vectors - 1) * LANES
            set_word(job + INIT * 8, 0 if image == first else 1)
            if lanes == LANES:
                over_lines(
                    job, at_x, x_img, x_row, x_pix, tap_row, tap_pix,
                    at_dy, dy_img, dy_row, dy_pix, target, images, oh, ow, taps, kw, ci, co,
                    columns, width,
                )  # fmt: skip
            else:
                for i in range(images):
                    over_runs(
                        job, panel, at_x + i * x_img, x_row, x_pix, tap_row, tap_pix,
                        at_dy + i * dy_img, dy_row, dy_pix, target, oh, ow, taps, kw, ci, co,
                        columns, width, lanes,
                    )  # fmt: skip
            j += width
