// What Gradio's page does not do by itself: the status strip, the source panel, copying, announcements.
// Everything is delegated from the document, since Gradio draws and redraws its parts when it likes.
(() => {
  "use strict";
  const at = (path) => new URL(path, document.baseURI).href;
  const el = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  };

  // -- announcements: one quiet region, told of what has changed, once ------------------------------------------

  const live = el('<div class="sk-live" role="status" aria-live="polite" aria-atomic="true"></div>');
  let said = "";
  const announce = (text) => {
    if (!text || text === said) return;
    said = text;
    live.textContent = text;
  };

  // -- the question box of the first second: what is typed into it moves on to Gradio's --------------------------

  const early = "early" in document.body.dataset;
  const typed = "sectorkit-typed";
  const keep = (asked) => {
    const box = document.querySelector(".sk-early textarea");
    sessionStorage.setItem(typed, JSON.stringify({ text: box.value, asked }));
    if (asked) announce("Your question runs as soon as the page is open.");
    box.form.classList.toggle("sk-asked", asked);
  };
  document.addEventListener("input", (event) => event.target.closest(".sk-early") && keep(false));
  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".sk-early")) return;
    event.preventDefault();
    keep(true);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.closest(".sk-early")) return;
    event.preventDefault();
    keep(true);
  });
  const kept = () => JSON.parse(sessionStorage.getItem(typed) ?? "null");
  const box = document.querySelector(".sk-early textarea");
  if (box) {
    box.value = kept()?.text ?? "";
    box.form.classList.toggle("sk-asked", Boolean(kept()?.asked));
    if (document.activeElement === document.body) box.focus({ preventScroll: true });
  }
  const handOver = (area) => {
    const left = kept();
    const focused = document.activeElement === document.body || document.activeElement === box;
    document.getElementById("sk-boot")?.remove();
    if (focused && !narrow.matches) area.focus({ preventScroll: true });
    if (!left?.text) return;
    sessionStorage.removeItem(typed);
    area.value = left.text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    if (left.asked) setTimeout(() => area.closest(".sk-app").querySelector(".sk-go").click(), 50);
  };

  // -- the status strip: asks every 1.5 s until all is ready, then now and then ---------------------------------

  const strips = new Map(); // app -> what was shown last
  let answers = false;

  const draw = (strip, state) => {
    if (strip.dataset.shown === state.html) return;
    strip.dataset.shown = state.html;
    strip.innerHTML = state.html;
    strip.classList.toggle("sk-settled", state.ready);
  };

  let nextPoll = 0; // of the next time that is asked; 0 while it is asked
  let pollSoon = false;
  const poll = async () => {
    nextPoll = 0;
    pollSoon = false;
    let wait = early ? 400 : 1500;
    for (const strip of document.querySelectorAll(".sk-status")) {
      const app = strip.dataset.app;
      try {
        const response = await fetch(at(`ui/status/${encodeURIComponent(app)}`), { cache: "no-store" });
        if (!response.ok) throw new Error(response.status);
        const state = await response.json();
        if (early && state.page) return location.reload();
        if (strips.get(app)?.headline !== state.headline) announce(state.headline);
        strips.set(app, state);
        answers = state.answers;
        draw(strip, state);
        if (!early) wait = state.ready ? 10000 : 1500;
      } catch {
        const html = '<p class="sk-headline">The connection to the server is lost. Trying again …</p>';
        draw(strip, { html, ready: false });
        strips.delete(app);
      }
    }
    for (const again of document.querySelectorAll(".sk-again")) again.hidden = !answers;
    nextPoll = setTimeout(poll, pollSoon ? 100 : document.hidden ? 10000 : strips.size || early ? wait : 300);
  };
  // A tab's strip comes with the tab, and should not stand empty until the next time.
  document.addEventListener("click", (event) => {
    if (!event.target.closest('[role="tab"]')) return;
    pollSoon = true;
    if (nextPoll) clearTimeout(nextPoll), (nextPoll = setTimeout(poll, 100));
  });
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  const refresh = () => {
    for (const strip of document.querySelectorAll(".sk-status")) {
      const state = strips.get(strip.dataset.app);
      if (state) draw(strip, state);
    }
  };

  // -- the source panel -----------------------------------------------------------------------------------------

  const panel = el(`<aside id="sk-panel" role="region" aria-label="Source document" hidden>
    <div class="sk-bar"><span class="sk-bar-title" dir="auto"></span><a class="sk-button sk-tab" target="_blank"
    rel="noopener">Open in a new tab</a><button type="button" class="sk-button sk-close">Close</button></div>
    <div class="sk-panel-body" tabindex="0" role="document" aria-label="Text of the document"></div></aside>`);
  const body = panel.querySelector(".sk-panel-body");
  const narrow = window.matchMedia("(max-width: 999px)");
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let opener = null;
  let wanted = 0;

  const fit = () => {
    const open = !panel.hidden;
    document.documentElement.classList.toggle("sk-panel-open", open);
    panel.setAttribute("role", narrow.matches ? "dialog" : "region");
    panel.toggleAttribute("aria-modal", narrow.matches);
    const app = document.querySelector("gradio-app");
    if (app) app.inert = open && narrow.matches;
  };
  narrow.addEventListener("change", fit);

  const current = (href) => {
    for (const link of document.querySelectorAll("a.sk-open")) {
      if (href && link.getAttribute("href") === href) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };

  const show = (content) => {
    body.replaceChildren(content);
    body.scrollTop = 0;
    const mark = body.querySelector("mark");
    if (!mark) return;
    const offset = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
    const top = offset - Math.min(body.clientHeight / 3, 240);
    body.scrollTo({ top, behavior: calm.matches ? "instant" : "smooth" });
  };

  const open = async (link) => {
    const href = link.getAttribute("href");
    const mine = ++wanted;
    opener = link;
    panel.hidden = false;
    panel.querySelector(".sk-tab").href = at(href);
    panel.querySelector(".sk-bar-title").textContent = "Source";
    fit();
    current(href);
    if (!body.firstChild) show(el('<p class="sk-busy">Opening the document …</p>'));
    try {
      const response = await fetch(at(href));
      const text = await response.text();
      if (mine !== wanted) return;
      if (!response.ok) throw new Error(JSON.parse(text).detail);
      const article = new DOMParser().parseFromString(text, "text/html").querySelector("article");
      show(document.adoptNode(article));
      const title = body.querySelector(".sk-document-title");
      panel.querySelector(".sk-bar-title").textContent = title.textContent;
      announce(`Source opened: ${title.textContent}`);
      panel.querySelector(".sk-close").focus({ preventScroll: true });
    } catch (error) {
      if (mine !== wanted) return;
      const box = el('<div class="sk-problem" role="alert"><p></p></div>');
      box.firstChild.textContent = `The document could not be opened: ${error.message}`;
      show(box);
    }
  };

  const close = () => {
    if (panel.hidden) return;
    wanted++;
    panel.hidden = true;
    body.replaceChildren();
    fit();
    current(null);
    const back = opener?.isConnected ? opener : document.querySelector(".sk-question textarea");
    back?.focus({ preventScroll: true });
  };

  // -- clicks and keys ------------------------------------------------------------------------------------------

  const copy = async (button) => {
    const text = button.dataset.copy;
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // No clipboard outside https and localhost: the old way.
      const area = document.body.appendChild(document.createElement("textarea"));
      area.value = text;
      area.select();
      done = document.execCommand("copy");
      area.remove();
      button.focus();
    }
    said = ""; // a second copy is news, too
    announce(done ? "Copied." : "Copying is not allowed here.");
    button.classList.toggle("sk-copied", done);
    setTimeout(() => button.classList.remove("sk-copied"), 1600);
  };

  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("a.sk-open, .sk-close, .sk-copy, .sk-again button");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (target.matches("a.sk-open")) {
      event.preventDefault();
      open(target);
    } else if (target.matches(".sk-close")) close();
    else if (target.matches(".sk-copy")) copy(target);
    else target.closest(".sk-app").querySelector(".sk-go").click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });

  // -- what Gradio has drawn ------------------------------------------------------------------------------------

  let since = 0;
  let told = []; // what the page itself had to say last; what was announced in between is no reason to say it again
  const looked = () => {
    // What has changed since the last look; several results may stand on a page.
    const texts = [...document.querySelectorAll(".sk-app [data-announce]")].map((each) => each.dataset.announce);
    const text = texts.filter((each) => !told.includes(each)).pop();
    if (text !== undefined) announce(text);
    else if (!texts.length && told.length) announce("");
    told = texts;
    const clock = document.querySelector(".sk-clock");
    if (!clock) since = 0;
    else if (!since) since = Date.now();
    for (const area of document.querySelectorAll(".sk-question textarea")) {
      if (area.dir === "auto") continue;
      area.dir = "auto";
      area.setAttribute("aria-label", "Your question");
      if (document.getElementById("sk-boot")) handOver(area);
    }
    for (const again of document.querySelectorAll(".sk-again")) again.hidden = !answers;
    stale();
    refresh();
  };
  let due = false;
  new MutationObserver(() => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      looked();
    });
  }).observe(document.documentElement, { childList: true, subtree: true });
  setInterval(() => {
    const clock = document.querySelector(".sk-clock");
    const seconds = Math.floor((Date.now() - since) / 1000);
    if (clock && since && seconds > 1) clock.textContent = ` · ${seconds} s`;
  }, 1000);

  // What was made of a form (sk-feeds) that was changed since it was sent is marked as such. A choice of a list is no input event.
  const fed = (event) => {
    const form = event.target.closest?.(".sk-feeds") || document.activeElement?.closest(".sk-feeds");
    if (!form) return;
    if (event.target.closest?.("button.sk-go") || event.key === "Enter") form.dataset.changed = "";
    else if (event.type === "input" || event.target.closest?.("[role=option]")) form.dataset.changed = "yes";
    stale();
  };
  const stale = () => {
    for (const form of document.querySelectorAll(".sk-feeds[data-changed=yes]"))
      for (const shown of form.closest(".sk-app").querySelectorAll(".sk-fed")) shown.classList.add("sk-stale");
  };
  for (const kind of ["input", "mousedown", "click", "keydown"]) document.addEventListener(kind, fed, true);

  document.body.append(live, panel);
  poll();
})();
