// The table of cases: filters, pages of rows, and one case opened below its row.
// Every text is set as text, never as HTML: questions, answers and passages are other people's.
(() => {
  "use strict";
  const PAGE = 50;
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.getElementById("filters");
  const table = document.getElementById("table");
  const turn = document.querySelector(".turn");
  const [before, after, count] = ["before", "after", "count"].map((id) => document.getElementById(id));
  const { benchmark, arm, outcome, group, text } = form.elements;
  const DIFFER = "differs between arms";
  let start = 0;

  const el = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children.filter((child) => child !== null));
    return made;
  };
  const theirs = (tag, content, name = "text") => el(tag, { class: name, dir: "auto" }, content);
  const kind = (name) => `is-${name.replaceAll(" ", "-")}`;
  const chip = (name) => el("span", { class: "chip" }, el("i", { class: kind(name) }), name);
  const label = ([name, model]) => (model ? `${name} · ${model}` : name);
  const heading = ([name, model]) => [el("span", { class: "arm" }, name), " ", el("span", { class: "model" }, model)];

  // -- filters ----------------------------------------------------------------------------------------------------

  const options = (select, first, entries) =>
    select.replaceChildren(...(first ? [el("option", { value: "" }, first)] : []), ...entries);
  const option = (value, name = value) => el("option", { value }, name);

  const choose = () => {
    const chosen = data.benchmarks[benchmark.value];
    const found = new Set(chosen.cases.flatMap((row) => row.results.filter(Boolean).map((result) => result.outcome)));
    const outcomes = data.outcomes.filter((name) => found.has(name));
    options(arm, "any arm", chosen.arms.map((entry, column) => option(column, label(entry))));
    options(outcome, "any outcome", [...outcomes, ...(chosen.arms.length > 1 ? [DIFFER] : [])].map((name) => option(name)));
    options(group, "all cases", Object.entries(chosen.groups).map(([key, values]) =>
      el("optgroup", { label: key }, ...values.map((value) => option(JSON.stringify([key, value]), value)))));
    group.disabled = !Object.keys(chosen.groups).length;
  };

  const searched = (row) =>
    [row.id, row.asked, row.expected, ...row.results.map((result) => result?.said ?? "")].join("\n").toLowerCase();

  const matching = () => {
    const [key, value] = group.value ? JSON.parse(group.value) : [];
    const wanted = text.value.trim().toLowerCase();
    return data.benchmarks[benchmark.value].cases.filter((row) => {
      const results = (arm.value ? [row.results[arm.value]] : row.results).filter(Boolean);
      if (!results.length || (key !== undefined && row.groups[key] !== value)) return false;
      if (outcome.value === DIFFER) {
        if (new Set(row.results.filter(Boolean).map((result) => result.outcome)).size < 2) return false;
      } else if (outcome.value && !results.some((result) => result.outcome === outcome.value)) return false;
      return !wanted || (row.searched ??= searched(row)).includes(wanted);
    });
  };

  // -- one case ---------------------------------------------------------------------------------------------------

  const figure = (value) => (value === null ? "not defined" : String(Math.round(value * 1000) / 1000));

  const passages = (result) => {
    if (!result.evidence.length) return el("p", { class: "soft" }, "No passages were shown.");
    const shown = result.evidence.map((number) => data.passages[number]);
    return el("details", {},
      el("summary", {}, `${shown.length} passage${shown.length > 1 ? "s" : ""} shown`),
      el("ol", {}, ...shown.map(([id, title, body]) =>
        el("li", {}, theirs("strong", title || id, "title"), theirs("p", body), el("code", {}, id)))));
  };

  const answer = (entry, result) => {
    const box = el("article", { class: "answer" }, el("h4", {}, ...heading(entry)));
    if (!result) {
      box.append(el("p", { class: "soft" }, "This case was not run."));
      return box;
    }
    const used = `${result.seconds.toFixed(2)} s · ${result.prompt_tokens} prompt and ${result.completion_tokens} completion tokens`;
    const values = Object.entries(result.values).map(([name, value]) => `${name} ${figure(value)}`).join(" · ");
    box.append(
      chip(result.outcome),
      result.failure === null ? theirs("p", result.said || "(nothing was said)") : theirs("p", `Failed: ${result.failure}`, "text failure"),
      passages(result),
      el("p", { class: "soft" }, values),
      el("p", { class: "soft" }, used),
    );
    return box;
  };

  const opened = (row, arms) => {
    const groups = Object.entries(row.groups).map(([key, value]) => `${key}: ${value}`).join(" · ");
    return el("div", { class: "case" },
      el("p", { class: "soft" }, el("code", {}, row.id), groups ? ` · ${groups}` : ""),
      el("div", { class: "both" },
        el("div", {}, el("h4", {}, "Asked"), theirs("p", row.asked)),
        el("div", {}, el("h4", {}, "Expected"), theirs("p", row.expected || "(nothing)"))),
      el("div", { class: "answers" }, ...arms.map((entry, column) => answer(entry, row.results[column]))));
  };

  // -- the table --------------------------------------------------------------------------------------------------

  const rows = (row, arms, number) => {
    const id = `case-${number}`;
    const button = el("button", { type: "button", "aria-expanded": "false", "aria-controls": id }, theirs("span", row.asked, "asked"));
    const below = el("tr", { id, class: "below", hidden: "" });
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") === "false";
      if (open && !below.firstChild) below.append(el("td", { colspan: arms.length + 1 }, opened(row, arms)));
      button.setAttribute("aria-expanded", String(open));
      below.hidden = !open;
    });
    const cells = row.results.map((result, column) =>
      el("td", { "data-label": label(arms[column]), class: String(column) === arm.value ? "chosen" : "" },
        result ? chip(result.outcome) : el("span", { class: "soft" }, "not run")));
    return [el("tr", { class: "row" }, el("th", { scope: "row" }, button), ...cells), below];
  };

  const draw = () => {
    const { arms, cases } = data.benchmarks[benchmark.value];
    const found = matching();
    start = Math.min(start, Math.max(0, found.length - 1) - (Math.max(0, found.length - 1) % PAGE));
    const shown = found.slice(start, start + PAGE);
    const head = arms.map((entry, column) =>
      el("th", { scope: "col", class: String(column) === arm.value ? "chosen" : "" }, ...heading(entry)));
    table.replaceChildren(
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Case"), ...head)),
      el("tbody", {}, ...shown.flatMap((row, number) => rows(row, arms, start + number))));
    const of = found.length === cases.length ? `${cases.length} cases` : `${found.length} of ${cases.length} cases`;
    count.textContent = shown.length ? `${start + 1}–${start + shown.length} of ${of}` : `No case of ${cases.length} fits these filters.`;
    before.disabled = start === 0;
    after.disabled = start + PAGE >= found.length;
  };

  const go = (step) => {
    start += step * PAGE;
    draw();
    document.getElementById("cases-title").scrollIntoView();
  };

  if (!data.benchmarks.length) return;
  options(benchmark, null, data.benchmarks.map((entry, number) => option(number, entry.title)));
  choose();
  form.hidden = turn.hidden = false;
  form.addEventListener("input", (event) => {
    if (event.target === benchmark) choose();
    start = 0;
    draw();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  before.addEventListener("click", () => go(-1));
  after.addEventListener("click", () => go(1));
  draw();
})();
