"""The CPU back end's plan: one persistent segment, and a tape for each entry point in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from compute.backend import Array, PlanOptions, PlanStep, StepOutputs
from compute.collection import paused_collection
from compute.cpu.engine import DTYPES, Engine, variant_of
from compute.cpu.entry import Bound
from compute.cpu.planner.storage import Slot, Storage
from compute.initial import started_values
from graph.kinds import Optimizer
from graph.lower import LowerError
from graph.stepping import batch_size, slot_keys
from graph.training import AT_ONCE

if TYPE_CHECKING:
    from graph.lower import Model


class Sketch:
    """A model's programs as they would be planned, without memory and kernels to run them."""

    def __init__(
        self,
        model: Model,
        options: PlanOptions,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> None:
        self._model = model
        with paused_collection():
            self.engine = Engine(_storage(model, variant_of(options).item), options, progress)
            self._decide_layouts()

    def _decide_layouts(self) -> None:
        """Each parameter's order in memory is fixed by its first use, entries in a fixed order."""
        batch = batch_size(self._model.graph) or AT_ONCE
        names = [phase.name for phase in self._model.phases] or ["predict"]
        for name in names:
            with suppress(LowerError):  # nothing to predict: nothing asks for an order
                self._planned(name, batch, frozenset())

    def _planned(self, entry: str, batch: int, watch: frozenset[str]) -> Bound:
        return self.engine.entry(
            (entry, batch, watch), lambda: self._model.program(entry, batch, watch)
        )

    def planned(self, entry: str, batch: int) -> Bound:
        """An entry point as it will run, for those who want to know what it costs."""
        return self._planned(entry, batch, frozenset())


class CpuPlan(Sketch):
    """A model's arrays in one segment and its programs as tapes of compiled kernels; see `Plan`.

    A step whose loss is not finite is not applied: the arrays stay as they were before it.
    """

    def __init__(
        self, model: Model, options: PlanOptions, progress: Callable[[int, int, str], None]
    ) -> None:
        super().__init__(model, options, progress)
        self.engine.allocate()
        # what starts at zero is so already
        self.write(started_values(model, options.seed, DTYPES[options.precision]))

    def read(self) -> dict[str, Array]:
        """Copies of all persistent arrays by `kind:KEY`, canonical."""
        return self.engine.read()

    def write(self, values: Mapping[str, Array]) -> None:
        """Set persistent arrays by name; ValueError for unknown names and other shapes."""
        self.engine.write(values)

    def prepare(self, entry: str, batch: int, watch: frozenset[str] = frozenset()) -> None:
        """Build the tape of an entry point now.

        Raises BudgetError when it cannot do with its memory budget; with a watch it may take more.
        """
        bound = self._planned(entry, batch, watch)
        if not watch:
            self.engine.check_budget(batch)
        self.engine.bind(bound)

    def run(
        self,
        entry: str,
        data: Mapping[str, Array],
        index: Array,
        scalars: Mapping[str, Array],
        watch: frozenset[str] = frozenset(),
    ) -> StepOutputs:
        """Run `entry` for each row of `index`; see `Plan.run`."""
        key = entry, index.shape[1], watch
        known, bound = self.engine.recent
        if bound is None or known != key:
            bound = self._planned(*key)
        return self.engine.run(bound, data, index, scalars)

    def profile(
        self,
        entry: str,
        data: Mapping[str, Array],
        index: Array,
        scalars: Mapping[str, Array],
    ) -> StepOutputs:
        """`run` on one thread, measuring every step for `table`."""
        bound = self._planned(entry, index.shape[1], frozenset())
        return self.engine.run(bound, data, index, scalars, profile=True)

    def stop(self) -> None:
        """From any thread: let a run under way return after the step it is in."""
        self.engine.stop()

    @property
    def memory(self) -> int:
        """Bytes of the arena: what persists, and what one step needs."""
        return self.engine.memory

    def table(self, entry: str, batch: int) -> list[PlanStep]:
        """The steps of an entry point in the order of its tape."""
        return self.engine.table(self._planned(entry, batch, frozenset()))

    def close(self) -> None:
        """Free the plan's memory."""
        self.engine.close()


@lru_cache(maxsize=64)
def _family(path: str, name: str, params: tuple[str, ...]) -> dict[str, Slot]:
    """One running array of an optimizer for each parameter that it trains."""
    keys = slot_keys(path, name, params)
    return {key: Slot(f"{path}/{name}", param) for key, param in zip(keys, params, strict=True)}


def _storage(model: Model, item: int) -> Storage:
    """Parameters in the order their optimizers own them, so that each is one stretch."""
    params = {
        key: model.params[key].shape for p in model.phases for _, own in p.owned for key in own
    }
    params |= {key: param.shape for key, param in model.params.items() if key not in params}
    states = {key: state.shape for key, state in model.states.items()}
    slots: dict[str, Slot] = {}
    for path, own in (pair for phase in model.phases for pair in phase.owned):
        optimizer = model.nodes[path].op
        assert isinstance(optimizer, Optimizer)
        for name in optimizer.kept_names():
            slots |= _family(path, name, own)
    return Storage(params, states, slots, item)
