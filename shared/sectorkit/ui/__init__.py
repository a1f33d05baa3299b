"""The web page: Gradio's, with HTML of our own where an answer and its sources are shown.

    render.py   Answer -> HTML, pure functions          source.py   a document -> HTML, its quote marked
    asking.py   one question's events -> the page       page.py     the Gradio page
    api.py      status, questions, documents over HTTP   server.py   all of it on one port

Gradio asks the internet for its own version and for analytics unless it is told not to before its first import.
"""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
