"""The docks below the canvas: what training gives, the code, the plan, the problems.

`PAGES` is the one list of them. A page's module is imported when the page is first shown, or when
the window has been painted and there is nothing else to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gui.app import App
    from gui.docks.page import Page


@dataclass(frozen=True)
class PageEntry:
    """A page of the docks; `group` is the column, from the left, where it stands at first.

    A `hidden` page is opened from the View menu.
    """

    id: str
    title: str
    module: str
    cls: str
    group: int
    hidden: bool = False

    def load(self, app: App) -> Page:
        """Import and build the page."""
        page: Page = getattr(import_module(self.module), self.cls)(app)
        return page


PAGES = (
    PageEntry("curves", "Curves", "gui.docks.curves", "CurvesPage", 0),
    PageEntry("runs", "Runs", "gui.docks.runs", "RunsPage", 0),
    PageEntry("gradients", "Gradients", "gui.docks.gradients", "GradientsPage", 1),
    PageEntry("plan", "Profile", "gui.docks.plan", "PlanPage", 1),
    PageEntry("features", "Feature maps", "gui.docks.features", "FeaturesPage", 2),
    PageEntry("try", "Try it", "gui.docks.try_it", "TryPage", 2),
    PageEntry("predictions", "Predictions", "gui.docks.predictions", "PredictionsPage", 3),
    PageEntry("problems", "Problems", "gui.docks.problems", "ProblemsPage", 3),
    PageEntry("code", "Code", "gui.docks.code", "CodePage", 3),
    PageEntry("outline", "Outline", "gui.docks.outline", "OutlinePage", 3, hidden=True),
)
