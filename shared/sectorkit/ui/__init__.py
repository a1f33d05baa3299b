"""The web page: Gradio's, with HTML of our own where an answer and its sources are shown.

    render.py     Answer -> HTML, pure functions         working.py   the wait, the passages read, the draft -> HTML
    source.py     a document -> HTML, its quote marked   status.py    what is ready -> HTML and JSON
    asking.py     one question's events -> views         page.py      the Gradio page
    shell.py      the HTML around it                     starting.py  what is served while Gradio is imported
    api.py        the HTTP routes                        server.py    all of it on one port

Gradio asks the internet for its own version and for analytics unless it is told not to before its first import.
"""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
