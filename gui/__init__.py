"""The window: what you see and touch. It may import compute and graph; neither knows of it."""

import os

# Qt would cut what it paints into strips for threads of its own. Nothing here is large enough to
# gain by it, and each of hundreds of wake-ups a second would push a training thread off its core.
os.environ.setdefault("QT_NO_GUI_THREADPOOL", "1")
