"""The feature maps dock: what one layer makes of one sample, now."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from compute.questions import (
    Answer,
    FeatureMap,
    Maps,
    Parameter,
    Part,
    Predictions,
    SampleMaps,
    SamplePredictions,
    Unanswered,
    Weights,
)
from graph.graph import Graph
from gui.app import App
from gui.docks.features_filters import FilterStrip, RampBar
from gui.docks.features_layers import Seen, seen
from gui.docks.features_maps import MapsView
from gui.docks.features_sample import CARD, WIDTH, SamplePane
from gui.docks.letters import alphabet
from gui.docks.page import NARROW, Page, in_the_middle
from gui.document import DocumentChange
from gui.widgets.basics import ElidedCombo, label

EMPTY = "Press Run: what each layer makes of a sample is drawn here while the net learns."
FILTER_SECONDS = 0.5  # between two looks at the filters
OWN, SHARED = "each on its own range", "all on one range"
SHORT = {OWN: "own ranges", SHARED: "one range"}
ROOM = 400  # px of width from which the ramp is shown
WORDS = 300, 470  # px of width from which buttons have all their words, without a ramp and with
TAKEN = 10 + 8 + 24 + 2 * 4  # px of margins, buttons and gaps around the card of a sample
BELOW = 18  # px of a line below the layer's name


class FeaturesPage(Page):
    """Follows the selection; asks the run anew after each step it hears of."""

    title = "Feature maps"
    id = "features"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.sample = SamplePane(app.look)
        self.maps = MapsView(app.look)
        self.layer = ElidedCombo()
        self.filters = FilterStrip(app.look)
        self.ramp = RampBar(app.look)
        self.answer: SampleMaps | None = None
        self._seen: list[Seen] = []
        self._part: Part = "validation"
        self._waiting = False
        self._asked: tuple[object, ...] = ()
        self._filters_at = 0.0
        self._build()
        self.sample.moved.connect(lambda _: self.ask())
        self.sample.only_wrong.connect(self._only_wrong)
        self.layer.activated.connect(lambda _: self._layer_changed())
        self.maps.enlarged.connect(lambda _: self._say())

    def _build(self) -> None:
        self.layer.setAccessibleName("Layer")
        self.shape = label(tone="mono secondary")
        self.words = label(tone="tertiary")
        left = QVBoxLayout()
        left.setSpacing(4)
        left.addWidget(self.sample)
        left.addWidget(self.layer)
        left.addWidget(self.shape)
        left.addWidget(self.words)
        left.addStretch(1)
        self._side = QWidget()
        self._side.setLayout(left)
        left.setContentsMargins(0, 0, 0, 0)
        self.range = QPushButton(OWN)
        self.range.setProperty("kind", "quiet")
        self.range.setCheckable(True)
        self.range.setToolTip("Scale each map by itself, or all by the range of all")
        self.range.toggled.connect(self._range_changed)
        below = QHBoxLayout()
        below.setSpacing(8)
        below.addWidget(self.ramp)
        below.addStretch(1)
        below.addWidget(self.range)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(4)
        right.addWidget(self.maps, 1)
        right.addLayout(below)
        right.addWidget(self.filters)
        body = QWidget()
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, body)
        self._row.setContentsMargins(12, 10, 12, 8)
        self._row.setSpacing(12)
        self._row.addWidget(self._side)
        self._row.addLayout(right, 1)
        self._empty = in_the_middle(EMPTY)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(body)
        self._share()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._share()
        self._say()

    def _share(self) -> None:
        """Maps stand beside the sample; a narrow dock has them alone, under the layer's name."""
        way, narrow = QBoxLayout.Direction, self.width() < NARROW
        self._row.setDirection(way.TopToBottom if narrow else way.LeftToRight)
        self._row.setSpacing(6 if narrow else 12)
        left = self.height() - TAKEN - self.layer.sizeHint().height()
        self.sample.card.set_room(left)
        self.sample.setVisible(not narrow)
        for place, part in enumerate((self.shape, self.words), start=1):
            part.setVisible(not narrow and left >= CARD + place * BELOW)
        if narrow:
            self._side.setMinimumWidth(0)
            self._side.setMaximumWidth(NARROW)
        else:
            self._side.setFixedWidth(WIDTH)

    # What is shown

    @property
    def chosen(self) -> Seen | None:
        """The output of a layer that is shown."""
        place = self.layer.currentIndex()
        return self._seen[place] if 0 <= place < len(self._seen) else None

    def rebuild(self) -> None:
        trainer = self.app.trainer
        self._empty.setText(self.nothing_yet(EMPTY))
        if not trainer.can_answer(self.document):
            self.answer, self._seen = None, []
            self._stack.setCurrentIndex(0)
            return
        self._list_layers()
        self.maps.renew()
        self.ask()

    def refresh(self) -> None:
        if self._stack.currentIndex() == 0:
            self.rebuild()
        else:
            self.ask()

    def edited(self, change: DocumentChange) -> None:
        if change.selection:
            self._follow()

    def _list_layers(self) -> None:
        graph = self.app.trainer.graph
        found = seen(graph) if graph is not None else []
        if found == self._seen:
            return
        before, self._seen = self.chosen, found
        self.layer.clear()
        self.layer.addItems([one.title for one in found])
        places = [k for k, one in enumerate(found) if one == before]
        first = next((k for k, one in enumerate(found) if one.telling), _first(graph, found))
        self.layer.setCurrentIndex(places[0] if places else first)
        self._follow()

    def _follow(self) -> None:
        """Show the selected layer, when one is selected."""
        document = self.document
        chosen = document.selection if document is not None else frozenset()
        for place, one in enumerate(self._seen):
            if one.path.split("/")[0] in chosen and one != self.chosen:
                self.layer.setCurrentIndex(place)
                self._layer_changed()
                return

    def _layer_changed(self) -> None:
        self._filters_at = 0.0
        self.ask()

    # Questions and answers

    def ask(self) -> None:
        """Ask for the maps, unless those of this step are here or on their way."""
        chosen, trainer = self.chosen, self.app.trainer
        if chosen is None or not self.isVisible():
            return
        board = trainer.board_of(self.document)
        wanted = (board.curves, board.step, self.sample.place, chosen.tensor, self._part)
        if self._asked[:1] != wanted[:1]:  # what was asked of another run is answered no more
            self._waiting = False
        if wanted == self._asked or (self._waiting and wanted[2:] == self._asked[2:]):
            return
        question = Maps(self.sample.place, (chosen.tensor,), self._part)
        if trainer.ask((self, "maps"), question, self._heard):
            self._asked, self._waiting = wanted, True
        now = time.monotonic()
        if chosen.filters and now - self._filters_at > FILTER_SECONDS:
            self._filters_at = now
            trainer.ask((self, "filters"), Weights(chosen.filters), self._heard_filters)

    def _heard(self, answer: Answer) -> None:
        self._waiting = False
        if isinstance(answer, Unanswered):
            if self._part == "validation":  # nothing is held out
                self._part = "train"
                self.ask()
            else:
                self.maps.show_map(None, answer.message)
            return
        assert isinstance(answer, SampleMaps)
        self.answer = answer
        self._stack.setCurrentIndex(1)
        key = next(iter(answer.inputs), "")
        self.sample.card.show_sample(answer, alphabet(self.app.trainer.graph, key))
        chosen = self.chosen
        found = answer.maps.get(chosen.tensor) if chosen is not None else None
        output = answer.outputs[0] if answer.outputs else None
        last = bool(self._seen) and chosen == self._seen[-1] and output is not None
        self.maps.labels = output.class_names if last and output is not None else ()
        self.maps.time, self.maps.steps = self._over_time(answer, found)
        self.maps.show_map(found, "This layer gave no values for the sample.")
        self.shape.setText("×".join(map(str, found.shape)) if found is not None else "")
        self._say()

    def _over_time(
        self, answer: SampleMaps, found: FeatureMap | None
    ) -> tuple[int, tuple[str, ...]]:
        """The axis along which values follow the steps of the sample, and the letters there."""
        key, values = next(iter(answer.inputs.items()), ("", np.zeros(0)))
        signs = alphabet(self.app.trainer.graph, key)
        if found is None or len(found.shape) != 2 or not (signs or values.ndim == 2):
            return -1, ()
        steps = len(values)
        axis = found.shape.index(steps) if steps in found.shape else -1
        return axis, tuple(signs[int(k)] for k in values) if signs else ()

    def _heard_filters(self, answer: Answer) -> None:
        if isinstance(answer, Parameter):
            self.filters.show_filters(answer)

    def _say(self) -> None:
        found, chosen = self.maps.found, self.chosen
        tiles = found is not None and len(found.tiles) > 0
        words = self.maps.words() if self.maps.large >= 0 else self.maps.left_out()
        self.words.setText(words.replace(" · ", "\n"))
        single = self.maps.over_time
        whole = OWN if self.maps.own_range else SHARED
        ramp = tiles and self.width() >= ROOM
        self.range.setText(whole if self.width() >= WORDS[ramp] else SHORT[whole])
        self.range.setVisible(tiles and not single)
        self.ramp.setVisible(ramp)
        if found is not None:
            self.ramp.show_range(found, self.maps.own_range and not single)
        self.filters.setVisible(bool(chosen and chosen.filters))

    def _range_changed(self, shared: bool) -> None:
        self.maps.own_range = not shared
        self.maps.renew()
        self._say()

    # The wrong ones

    def _only_wrong(self, on: bool) -> None:
        if not on:
            self.sample.choose_from(None)
            return
        question = Predictions(self._part)
        if not self.app.trainer.ask((self, "wrong"), question, self._heard_wrong):
            self.sample.wrong.setChecked(False)

    def _heard_wrong(self, answer: Answer) -> None:
        if not isinstance(answer, SamplePredictions):
            self.sample.wrong.setChecked(False)
            return
        self.sample.count = len(answer.samples)
        first = answer.outputs[0] if answer.outputs else None
        if first is None or first.classes is None or first.targets is None:
            self.app.trainer.said.emit("This net does not tell classes, so no sample is wrong.")
            self.sample.wrong.setChecked(False)
            return
        wrong = np.flatnonzero(np.ravel(first.classes) != np.ravel(first.targets))
        if first.places is not None and first.places.targets is not None:
            wrong = np.flatnonzero((first.places.classes != first.places.targets).any(axis=1))
        if not len(wrong):
            self.app.trainer.said.emit(f"All {len(answer.samples):,} held-out samples are right.")
            self.sample.wrong.setChecked(False)
            return
        self.sample.choose_from(wrong)


def _first(graph: Graph | None, found: list[Seen]) -> int:
    """The first layer that does more than give the sample another shape."""
    own = (
        place
        for place, one in enumerate(found)
        if graph is not None and one.path in graph and graph.node(one.path).op.family != "shape"
    )
    return next(own, 0)
