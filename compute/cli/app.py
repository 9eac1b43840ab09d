"""The commands of `netloom`, declared: each imports what it needs when it runs.

What draws pictures is the context's object, handed over by netloom.py: `compute` knows no window.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Device = Literal["cpu", "reference"]
Target = Literal["pytorch", "numpy"]
File = Annotated[str, typer.Argument(metavar="FILE|EXAMPLE", help="A .loom file or an example.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Name of a run, or `last`.")]
Out = Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="File to write.")]
Json = Annotated[bool, typer.Option("--json", help="JSON for programs instead of text for people.")]
Threads = Annotated[int | None, typer.Option(min=1, max=1024, help="Threads; default: all cores.")]
On = Annotated[Device, typer.Option("--device", help="Which engine computes.")]
Outside = Annotated[
    bool,
    typer.Option("--allow-outside", help="Read data that lies outside the folder of the graph."),
]
Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="FOLDER",
        help="Where runs are kept; default: the nearest .netloom/ upward, else the user's data.",
    ),
]

app = typer.Typer(
    name="netloom",
    help="Draw a neural network, and it is the program. Without a command: the window.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
runs = typer.Typer(help="The recorded training runs.", no_args_is_help=True)
app.add_typer(runs, name="runs")


@app.command()
def train(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE|EXAMPLE", help="A .loom file or an example.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: the graph's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Default: the graph's.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=0, help="Samples of a step, 0: all. Default: the graph's.")
    ] = None,
    fast_convolution: Annotated[
        bool | None,
        typer.Option(help="Winograd's transforms for 3×3 convolutions. Default: the graph's."),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=0, help="Epochs without a better score; 0: no early stopping."),
    ] = None,
    memory_budget: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1_000_000,
            metavar="MIB",
            help="Of weights and a step; what has no room is computed anew. 0: any amount."
            " Default: the graph's.",
        ),
    ] = None,
    threads: Threads = None,
    device: On = "cpu",
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run, bit for bit.")
    ] = None,
    json: Json = False,
    allow_outside: Outside = False,
    workspace: Workspace = None,
) -> None:
    """Train a graph and record the run."""
    from compute.cli.training import train

    settings = (epochs, seed, batch_size, fast_convolution, patience, memory_budget)
    given = (threads, device, resume, workspace)
    raise typer.Exit(train(file, *settings, *given, json=json, allow_outside=allow_outside))


@app.command("eval")
def evaluate(
    run: Run,
    save_outputs: Annotated[
        Path | None,
        typer.Option(metavar="OUT.npz", help="Keep inputs, outputs and targets as arrays."),
    ] = None,
    threads: Threads = None,
    device: On = "cpu",
    json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Measure a run on its validation set."""
    from compute.cli.using import evaluate

    evaluate(run, save_outputs, threads, device, workspace, json=json)


@app.command()
def predict(
    run: Run,
    input: Annotated[Path, typer.Argument(metavar="INPUT", help="CSV, .npy, .npz or an image.")],
    output: Out,
    threads: Threads = None,
    device: On = "cpu",
    workspace: Workspace = None,
) -> None:
    """Answer for new rows or images."""
    from compute.cli.using import predict

    predict(run, input, output, threads, device, workspace)


@runs.command("list")
def list_runs(json: Json = False, workspace: Workspace = None) -> None:
    """Every run, the newest first."""
    from compute.cli.records import list_runs

    list_runs(workspace, json=json)


@runs.command("show")
def show_run(run: Run, json: Json = False, workspace: Workspace = None) -> None:
    """One run: settings, metrics, checkpoints."""
    from compute.cli.records import show_run

    show_run(run, workspace, json=json)


@runs.command("compare")
def compare_runs(
    names: Annotated[list[str], typer.Argument(metavar="RUN RUN…", help="Two runs or more.")],
    json: Json = False,
    workspace: Workspace = None,
) -> None:
    """What differs between runs: settings and metrics side by side."""
    from compute.cli.records import compare_runs

    compare_runs(names, workspace, json=json)


@runs.command("delete")
def delete_runs(
    names: Annotated[list[str], typer.Argument(metavar="RUN…", help="Runs to delete.")],
    workspace: Workspace = None,
) -> None:
    """Delete runs with their checkpoints."""
    from compute.cli.records import delete_runs

    delete_runs(names, workspace)


@app.command()
def check(file: File, json: Json = False, allow_outside: Outside = False) -> None:
    """Name the problems of a graph; exit 1 when one is an error."""
    from compute.cli.inspecting import check

    raise typer.Exit(check(file, json=json, allow_outside=allow_outside))


@app.command()
def export(
    file: File,
    to: Annotated[str, typer.Option("--to", metavar="TARGET", help="pytorch or numpy.")],
    output: Out,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Take the weights of this run.")
    ] = None,
    allow_outside: Outside = False,
    workspace: Workspace = None,
) -> None:
    """Write a graph as Python code that runs without Netloom."""
    from compute.cli.exporting import export

    export(file, to, run, output, workspace, allow_outside=allow_outside)


@app.command()
def render(
    context: typer.Context,
    file: File,
    output: Out,
    theme: Annotated[Literal["dark", "light"], typer.Option(help="Colours.")] = "dark",
    scale: Annotated[float, typer.Option(min=0.05, max=8, help="Pixels for each px.")] = 1.0,
) -> None:
    """Draw the canvas as a picture, PNG or SVG, with the graph inside; needs no display."""
    from compute.cli.opening import open_graph

    context.obj(open_graph(file), output, theme, scale)


@app.command()
def nodes(
    json: Json = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="A page of tables, as in docs/nodes.md.")
    ] = False,
) -> None:
    """List every node type with its ports and settings."""
    from compute.cli.inspecting import nodes

    nodes(json=json, markdown=markdown)


@app.command()
def examples(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="With --verify; default: all.")
    ] = None,
    path: Annotated[
        str | None, typer.Option(metavar="NAME", help="Print where the example's file lies.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Train each with five seeds and check its results.")
    ] = False,
    threads: Threads = None,
    device: On = "cpu",
) -> None:
    """List the examples that ship with Netloom."""
    from compute.cli.examples import examples

    raise typer.Exit(examples(names or [], path, threads, device, verify=verify))


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NET…]", help="Default: all.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads on all sides.")] = 2,
    rounds: Annotated[int, typer.Option(min=3, help="Interleaved rounds.")] = 11,
    compile: Annotated[bool, typer.Option(help="Include torch.compile.")] = True,
    compile_limit: Annotated[float, typer.Option(min=1.0, help="Seconds it may compile.")] = 120.0,
    patience: Annotated[
        float, typer.Option(min=0.0, help="Seconds to wait for quiet rounds, per comparison.")
    ] = 90.0,
    jax: Annotated[bool, typer.Option(help="Include JAX where it is installed.")] = True,
    controls: Annotated[
        bool, typer.Option(help="Include one thread, equal instruction sets, tuned malloc.")
    ] = True,
) -> int:
    """Run the same nets side by side with PyTorch and JAX and print tables."""
    from compute.bench.report import BenchOptions
    from compute.cli.measuring import bench

    options = BenchOptions(threads, rounds, compile, controls, jax, compile_limit, patience)
    return bench(names or [], options)


@app.command()
def forecast(
    file: File,
    threads: Threads = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Run some steps and show what they take.")
    ] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Measure this machine anew first; seconds.")
    ] = False,
    json: Json = False,
    allow_outside: Outside = False,
) -> None:
    """Predict what a training takes: each node, a step, the run, memory."""
    from compute.cli.forecasting import forecast

    given = {"measure": measure, "calibrate": calibrate, "json": json}
    forecast(file, threads, **given, allow_outside=allow_outside)


@app.command()
def info(json: Json = False, workspace: Workspace = None) -> None:
    """Versions, processor, kernel library, folders."""
    from compute.cli.inspecting import info

    info(workspace, json=json)


@app.command()
def report(
    context: typer.Context,
    file: File = "digits-cnn",
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Folder to write.")
    ] = Path("netloom-report"),
    seed: Annotated[int | None, typer.Option(min=0, help="Default: the graph's.")] = None,
    threads: Threads = None,
    device: On = "cpu",
    allow_outside: Outside = False,
    workspace: Workspace = None,
) -> None:
    """Train an example and write a folder that shows it: graph, curves, code, metrics."""
    from compute.cli.reporting import report

    given = (file, output, seed, threads, device, workspace, context.obj)
    raise typer.Exit(report(*given, allow_outside=allow_outside))
